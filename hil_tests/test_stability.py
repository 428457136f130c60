"""Accept the link over time (paper, section 3.1): one test for each limit of the stability run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.verdict import failures_text

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record.run_record import RunRecord


def test_stability(stability_limit: str, stability_run: RunRecord, acceptance: Acceptance) -> None:
    """Hold one value of the stability run against its limit."""
    failure = failures_text([acceptance.check_of(stability_run, stability_limit)])
    assert not failure, f"\n{failure}"
