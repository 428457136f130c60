from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.cow4.profile import load_profile
from emulators.cow4.rates import bit_arm
from emulators.cow4.secret_fraction import (
    binary_entropy,
    block_bits_per_click,
    block_time_s,
    eavesdropper_information,
    finite_size_cost,
    secret_fraction,
    secret_key_rate_bps,
)
from emulators.cow4.symbols import pair_shares
from emulators.cow4.visibility import FEWEST_COUNTS, dcc_visibility

PROFILE = load_profile("cerberis_xgr_paper")
SHARES = pair_shares(0.25)
FRACTION = st.floats(0.0, 1.0)


@given(FRACTION, FRACTION, st.floats(0.001, 1.0))
def test_the_bound_as_it_is_printed(qber: float, visibility: float, mu: float) -> None:
    """F = (2V-1) exp(-mu) - xi sqrt(1-exp(-2 mu)) with xi = 2 sqrt(V(1-V)); no key unless exp(-mu) > xi."""
    information = eavesdropper_information(qber, visibility, mu)
    xi = 2.0 * math.sqrt(visibility * (1.0 - visibility))
    if visibility <= 0.5 or math.exp(-mu) < xi - 1e-12:
        assert information == 1.0
    elif math.exp(-mu) > xi + 1e-12:
        overlap = (2.0 * visibility - 1.0) * math.exp(-mu) - xi * math.sqrt(-math.expm1(-2.0 * mu))
        expected = qber + (1.0 - qber) * binary_entropy((1.0 + overlap) / 2.0)
        assert information == pytest.approx(expected, abs=1e-6)


def test_a_visibility_of_nought_is_no_key() -> None:
    """The printed formula alone is even in the overlap and would call V = 0 as good as V = 1."""
    assert secret_fraction(PROFILE, 0.01, 0.0) == 0.0


def test_less_light_better_visibility_fewer_errors_leave_more_key() -> None:
    here = secret_fraction(PROFILE, 0.02, 0.99)
    assert secret_fraction(PROFILE, 0.01, 0.99) > here
    assert secret_fraction(PROFILE, 0.02, 0.995) > here
    assert eavesdropper_information(0.02, 0.99, 0.05) < eavesdropper_information(0.02, 0.99, 0.1)


def test_the_finite_block_costs_four_bits_in_a_hundred() -> None:
    assert finite_size_cost(995_328, 1e-10) == pytest.approx(0.0411, abs=0.0002)


@given(FRACTION)
def test_binary_entropy(p: float) -> None:
    assert 0.0 <= binary_entropy(p) <= 1.0
    assert binary_entropy(p) == pytest.approx(binary_entropy(1.0 - p))


def test_the_supervisor_gives_up_a_slow_block() -> None:
    limit_cps = PROFILE.block_bits / (PROFILE.supervisor_block_limit_s * block_bits_per_click(PROFILE))
    assert secret_key_rate_bps(PROFILE, 1.001 * limit_cps, 0.01, 0.9912) > 500.0
    assert secret_key_rate_bps(PROFILE, 0.999 * limit_cps, 0.01, 0.9912) == 0.0


def test_the_supervisor_lets_10_db_pass_and_not_12_db() -> None:
    limit_s = PROFILE.supervisor_block_limit_s
    assert block_time_s(PROFILE, bit_arm(PROFILE, 10.0).click_rate_cps) < 0.9 * limit_s
    assert block_time_s(PROFILE, bit_arm(PROFILE, 12.0).click_rate_cps) > 1.1 * limit_s
    assert block_time_s(PROFILE, 0.0) == math.inf


def test_without_the_supervisor_12_db_would_have_key() -> None:
    """The zero is the supervisor's doing alone, as docs/physics.md says."""
    rates = bit_arm(PROFILE, 12.0)
    fraction = secret_fraction(PROFILE, rates.qber, PROFILE.visibility)
    assert block_bits_per_click(PROFILE) * rates.click_rate_cps * fraction == pytest.approx(497.0, abs=15.0)


def test_visibility_from_noiseless_counts() -> None:
    visibility, pulses, darks = 0.97, 1e6, 3e3
    both = SHARES.both * (pulses * (1.0 - visibility) / 2.0 + darks)
    lone = SHARES.lone * (pulses / 4.0 + darks)
    estimate = dcc_visibility(both, lone, SHARES.none * darks, SHARES)
    assert estimate.value == pytest.approx(visibility)
    assert estimate.for_rate == pytest.approx(visibility)


def test_an_estimate_of_one_and_above_is_told_and_not_used() -> None:
    perfect = dcc_visibility(0, 400, 0, SHARES)
    assert perfect.value == 1.0
    assert perfect.for_rate == pytest.approx(1.0 - 1.0 / 400.0)
    above = dcc_visibility(0, 400, 2, SHARES)
    assert above.value > 1.0
    assert above.for_rate < 1.0


def test_a_visibility_below_nought_gives_the_rate_nought() -> None:
    estimate = dcc_visibility(600, 400, 0, SHARES)
    assert estimate.value == pytest.approx(-0.5)
    assert estimate.for_rate == 0.0


@pytest.mark.parametrize("lone", [0, FEWEST_COUNTS - 1])
def test_too_few_counts_say_nothing(lone: int) -> None:
    estimate = dcc_visibility(0, lone, 0, SHARES)
    assert (estimate.value, estimate.for_rate) == (0.0, 0.0)


def test_darks_alone_say_nothing() -> None:
    assert dcc_visibility(500, 1000, 500, SHARES).value == 0.0
