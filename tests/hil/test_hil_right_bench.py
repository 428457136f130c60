"""No false alarm: a right bench passes every check cleanly, with many seeds and in both sizes of plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil_tests.verdict import judge
from tests.hil.shipped_limits import LIMITS
from tests.hil.synthetic_runs import ALL_DB, attenuation_run, stability_run

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.telemetry import TelemetryRecord
    from sweeps.record.run_record import RunRecord

SEEDS = range(25)


def not_passed(run: RunRecord) -> dict[str, str]:
    checks = judge(LIMITS, run)
    assert checks
    return {
        check.name: f"{check.verdict}: {check.value} {check.note}"
        for check in checks
        if check.verdict != "pass"
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_right_bench_passes_smoke(tmp_path: Path, seed: int) -> None:
    assert not_passed(stability_run(tmp_path / "stability", seed)) == {}
    assert not_passed(attenuation_run(tmp_path / "attenuation", seed)) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_right_bench_passes_the_papers_sweep(tmp_path: Path, seed: int) -> None:
    run = attenuation_run(tmp_path / "sweep", seed, plan_name="paper", added_db=ALL_DB, per_point=100)
    assert not_passed(run) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_right_bench_passes_long_stability(tmp_path: Path, seed: int) -> None:
    """With 6,000 of the 86,400 records: the statistics that a long run adds, in little time."""
    assert not_passed(stability_run(tmp_path / "stability", seed, plan_name="paper", records=6000)) == {}


def test_right_bench_passes_all_86400_records(tmp_path: Path) -> None:
    assert not_passed(stability_run(tmp_path / "run", 1, plan_name="paper", records=86_400)) == {}


def first_block_after_100(record: TelemetryRecord, index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, key_rate_bps=0.0) if index < 100 else record


def test_ledger_may_begin_late(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run", 1, plan_name="paper", records=2000, change=first_block_after_100)
    assert not_passed(run) == {}
