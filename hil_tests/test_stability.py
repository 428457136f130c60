"""Accept the link over time (paper, section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.verdict import failures_text

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record import RunRecord


def test_the_right_gear_answers(stability_run: RunRecord, acceptance: Acceptance) -> None:
    """Each address has the end that the inventory says, and its clock agrees with ours."""
    failures = failures_text(acceptance.checks_of(stability_run, "appliance_*"))
    assert not failures, f"\n{failures}"


def test_the_records_are_whole(stability_run: RunRecord, acceptance: Acceptance) -> None:
    """Nearly every slot has its record, records differ, none is a time-out in disguise."""
    checks = acceptance.checks_of(
        stability_run, "stability_coverage", "stability_distinct_*", "stability_zero_*"
    )
    failures = failures_text(checks)
    assert not failures, f"\n{failures}"


def test_the_secret_key_rate(stability_run: RunRecord, acceptance: Acceptance) -> None:
    """The key rate is high enough, steady, and what finished key blocks say too."""
    failures = failures_text(acceptance.checks_of(stability_run, "stability_skr_*", "stability_key_rate_*"))
    assert not failures, f"\n{failures}"


def test_the_qber(stability_run: RunRecord, acceptance: Acceptance) -> None:
    """Errors are rare on average, in nearly every record, and in the worst one."""
    failures = failures_text(acceptance.checks_of(stability_run, "stability_qber_*"))
    assert not failures, f"\n{failures}"


def test_the_visibility(stability_run: RunRecord, acceptance: Acceptance) -> None:
    """The interferometer sees coherence: high, and strictly below one."""
    failures = failures_text(acceptance.checks_of(stability_run, "stability_visibility_*"))
    assert not failures, f"\n{failures}"


def test_the_detection_count(stability_run: RunRecord, acceptance: Acceptance) -> None:
    """As much light arrives as the fibre's loss lets through."""
    failures = failures_text(acceptance.checks_of(stability_run, "stability_count_*"))
    assert not failures, f"\n{failures}"
