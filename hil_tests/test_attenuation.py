"""Accept the link over added attenuation (paper, section 3.2): one test for each limit of the sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil_tests.verdict import failures_text

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record.run_record import RunRecord


@pytest.mark.destructive
def test_attenuation(attenuation_limit: str, attenuation_run: RunRecord, acceptance: Acceptance) -> None:
    """Hold one value of the attenuation sweep against its limit."""
    failure = failures_text([acceptance.check_of(attenuation_run, attenuation_limit)])
    assert not failure, f"\n{failure}"
