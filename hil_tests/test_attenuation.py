"""Accept the link over added attenuation (paper, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil_tests.verdict import failures_text

if TYPE_CHECKING:
    from hil_tests.acceptance import Acceptance
    from sweeps.record import RunRecord

pytestmark = pytest.mark.destructive


def test_the_right_gear_answers(attenuation_run: RunRecord, acceptance: Acceptance) -> None:
    """Each address has the end that the inventory says, and its clock agrees with ours."""
    failures = failures_text(acceptance.checks_of(attenuation_run, "appliance_*"))
    assert not failures, f"\n{failures}"


def test_the_attenuator_does_what_it_is_told(attenuation_run: RunRecord, acceptance: Acceptance) -> None:
    """Wavelength and setting read back, and the light itself falls by what was set."""
    checks = acceptance.checks_of(
        attenuation_run, "attenuation_wavelength_nm", "attenuation_setting_db", "attenuation_count_drop_*"
    )
    failures = failures_text(checks)
    assert not failures, f"\n{failures}"


def test_the_records_are_whole(attenuation_run: RunRecord, acceptance: Acceptance) -> None:
    """Every planned record was taken, none stands across a step, none is a time-out in disguise."""
    checks = acceptance.checks_of(
        attenuation_run, "attenuation_records_*", "attenuation_point_*", "attenuation_zero_*"
    )
    failures = failures_text(checks)
    assert not failures, f"\n{failures}"


def test_the_secret_key_rate_over_loss(attenuation_run: RunRecord, acceptance: Acceptance) -> None:
    """Key is made at every loss at which it must, and none where it must not."""
    failures = failures_text(acceptance.checks_of(attenuation_run, "attenuation_skr_*"))
    assert not failures, f"\n{failures}"


def test_the_qber_over_loss(attenuation_run: RunRecord, acceptance: Acceptance) -> None:
    """Errors stay rare as the signal gets weak."""
    failures = failures_text(acceptance.checks_of(attenuation_run, "attenuation_qber_*"))
    assert not failures, f"\n{failures}"
