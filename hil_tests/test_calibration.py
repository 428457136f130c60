"""Accept the attenuator against the power meter behind it: one test for each limit of the calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil_tests.verdict import failures_text

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record.run_record import RunRecord


@pytest.mark.destructive
def test_calibration(calibration_limit: str, calibration_run: RunRecord, acceptance: Acceptance) -> None:
    """Hold one value of the calibration sweep against its limit."""
    failure = failures_text([acceptance.check_of(calibration_run, calibration_limit)])
    assert not failure, f"\n{failure}"
