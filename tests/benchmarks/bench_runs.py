"""How long whole runs take, beside the bare exchanges and bare inserts that they cannot do without."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from drivers.facts.telemetry import TelemetryRecord
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import progress_for
from sweeps.record.run_record import RunRecord
from sweeps.running.run import run_procedure

if TYPE_CHECKING:
    from collections.abc import Callable

_INVENTORY = Path(__file__).parents[2] / "inventory.yaml"
_RECORD = TelemetryRecord(
    sequence=1,
    window_start_s=1_704_067_200.0,
    window_s=1.0,
    skr_bps=2392.0,
    key_rate_bps=2388.0,
    qber=0.019,
    visibility=0.9912,
    detection_count=18_199.0,
    readings={f"Reading_{number}": number / 7 for number in range(7)},
)
_WARM_UP = 50
_INSERTS = 1000


def bench_stored_record() -> dict[str, str | float]:
    """Return the median time in s of one telemetry row committed, beside a bare insert of one number."""
    with tempfile.TemporaryDirectory() as folder, RunRecord.create(Path(folder) / "run", {}) as run:
        bare = _bare_database(Path(folder) / "bare.sqlite")
        stored_s: list[float] = []
        bare_s: list[float] = []
        for number in range(_WARM_UP + _INSERTS):
            stored_s.append(_timed(lambda number=number: run.add_record(number, None, _RECORD)))
            bare_s.append(_timed(lambda: bare.execute("INSERT INTO number VALUES (1.0)")))
        bare.close()
    value_s, baseline_s = median(stored_s[_WARM_UP:]), median(bare_s[_WARM_UP:])
    return {
        "name": "stored_record",
        "value": value_s,
        "unit": "s",
        "baseline": "bare sqlite3 insert of one number, same durability",
        "baseline_value": baseline_s,
        "ratio": value_s / baseline_s,
    }


def bench_run(name: str, procedure: str, bare_record_s: float) -> dict[str, str | float]:
    """Return the wall time in s of `procedure` by the plan `paper`, lab start included.

    `bare_record_s` is what one record costs with nothing but a bare GET and a bare insert.
    """
    choice = choose(_INVENTORY, None, "paper", "emulator", 1)
    chosen = PROCEDURES[procedure]
    count = chosen.record_count(choice.plan, choice.station)
    with tempfile.TemporaryDirectory() as folder, progress_for(name, count) as progress:
        value_s = _timed(lambda: run_procedure(choice, chosen, Path(folder) / "run", progress))
    baseline_s = count * bare_record_s
    return {
        "name": name,
        "value": value_s,
        "unit": "s",
        "baseline": f"{count} bare GETs and bare inserts, by their medians in this run",
        "baseline_value": baseline_s,
        "ratio": value_s / baseline_s,
    }


def _bare_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE number (value REAL)")
    return database


def _timed(action: Callable[[], object]) -> float:
    begin_s = perf_counter()
    action()
    return perf_counter() - begin_s
