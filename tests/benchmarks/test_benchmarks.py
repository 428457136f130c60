"""The bench cases run and say what they must; how fast they are is for `make bench` to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.bench_runs import bench_run, bench_stored_record
from tests.benchmarks.bench_scpi import bench_scpi_query
from tests.benchmarks.bench_telemetry import bench_telemetry_read

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: dict[str, Callable[[], dict[str, str | float]]] = {
    "scpi_query": lambda: bench_scpi_query(calls=20),
    "telemetry_read": bench_telemetry_read,
    "stored_record": bench_stored_record,
    "sweep_s": lambda: bench_run("sweep_s", "attenuation", 0.001),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_a_ratio_to_a_named_baseline(name: str) -> None:
    case = CASES[name]()
    assert set(case) == {"name", "value", "unit", "baseline", "baseline_value", "ratio"}
    assert (case["name"], case["unit"]) == (name, "s")
    value, baseline_value, ratio = case["value"], case["baseline_value"], case["ratio"]
    assert isinstance(value, float)
    assert isinstance(baseline_value, float)
    assert value > 0
    assert ratio == value / baseline_value
    assert case["baseline"]
