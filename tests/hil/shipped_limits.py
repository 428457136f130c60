"""The limits of the shipped station, and what they say of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hil_tests.limits import load_limits
from hil_tests.verdict import judge

if TYPE_CHECKING:
    from hil_tests.verdict import Check
    from sweeps.record.run_record import RunRecord

LIMITS = load_limits(Path(__file__).parents[2] / "hil_tests" / "limits" / "paper-link.yaml")


def checks_of(run: RunRecord) -> dict[str, Check]:
    """Judge `run` and return its checks by name."""
    return {check.name: check for check in judge(LIMITS, run)}


def by_verdict(run: RunRecord, verdict: str) -> set[str]:
    """Return the names of the checks with that verdict."""
    return {name for name, check in checks_of(run).items() if check.verdict == verdict}
