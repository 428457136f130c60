"""Stands last: no acceptance limit may be without a test that answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record import RunRecord


def test_every_limit_was_judged(
    attenuation_run: RunRecord, stability_run: RunRecord, acceptance: Acceptance
) -> None:
    """A limit that was written down and that no test looked at would look like a pass."""
    assert attenuation_run.folder != stability_run.folder
    assert acceptance.unclaimed() == []
