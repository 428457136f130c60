"""Accept the fibre (paper, Table 1): one test for each limit of the traces from its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil_tests.verdict import failures_text

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record.run_record import RunRecord


@pytest.mark.destructive
def test_fibre(fibre_limit: str, fibre_run: RunRecord, acceptance: Acceptance) -> None:
    """Hold one value of the fibre against its limit."""
    failure = failures_text([acceptance.check_of(fibre_run, fibre_limit)])
    assert not failure, f"\n{failure}"
