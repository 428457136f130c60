"""`python -m tests.benchmarks`: run every case, print it, write reports/benchmarks.json."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.bench_otdr import bench_otdr_acquisition
from tests.benchmarks.bench_runs import bench_run, bench_stored_record
from tests.benchmarks.bench_scpi import bench_scpi_query
from tests.benchmarks.bench_telemetry import bench_telemetry_read
from tests.benchmarks.bench_watch import bench_watch

REPORT = Path("reports") / "benchmarks.json"


def main() -> None:
    """Run all cases one after the other: two cores, and each case already uses both."""
    cases = [bench_scpi_query()]
    _show(cases[-1])
    telemetry_read = bench_telemetry_read()
    stored_record = bench_stored_record()
    bare_record_s = float(telemetry_read["baseline_value"]) + float(stored_record["baseline_value"])
    for case in (telemetry_read, stored_record):
        cases.append(case)
        _show(case)
    for bench in (bench_watch, bench_otdr_acquisition):
        cases.append(bench())
        _show(cases[-1])
    for name, procedure in (("sweep_s", "attenuation"), ("ten_days_s", "stability")):
        cases.append(bench_run(name, procedure, bare_record_s))
        _show(cases[-1])
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(cases, indent=2) + "\n")
    print(f"written: {REPORT}")  # noqa: T201 - this is the output


def _show(case: dict[str, str | float]) -> None:
    line = f"{case['name']:16} {case['value']:10.3g} {case['unit']:3} ratio {case['ratio']:6.3g}"
    print(f"{line} to {case['baseline_value']:.3g} {case['unit']} ({case['baseline']})", flush=True)  # noqa: T201 - this is the output


if __name__ == "__main__":
    main()
