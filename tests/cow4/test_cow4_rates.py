from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.cow4.profile import Profile, load_profile
from emulators.cow4.rates import bit_arm, monitor_arm
from emulators.cow4.symbols import pair_shares

PROFILE = load_profile("cerberis_xgr_paper")
ANY_LOSS_DB = st.floats(min_value=0.0, allow_infinity=True, allow_nan=False)


def changed(**values: float) -> Profile:
    return Profile.checked({**PROFILE.model_dump(), **values}, "test")


def test_the_published_count_at_0_db() -> None:
    assert bit_arm(PROFILE, 0.0).click_rate_cps == pytest.approx(18_199, abs=20)


@given(ANY_LOSS_DB)
def test_every_loss_has_a_defined_answer(added_db: float) -> None:
    rates = bit_arm(PROFILE, added_db)
    assert 0.0 < rates.click_rate_cps < 1.0 / PROFILE.dead_time_s
    assert 0.0 < rates.count_variance_per_s <= rates.click_rate_cps
    assert rates.clicks.total() == pytest.approx(1.0)
    assert 0.0 < rates.qber <= 0.5
    monitor = monitor_arm(PROFILE, added_db, PROFILE.visibility)
    assert monitor.none_cps <= monitor.both_cps <= monitor.lone_cps


def test_without_light_only_noise_clicks() -> None:
    dark = bit_arm(PROFILE, math.inf)
    assert dark.click_rate_cps == pytest.approx(PROFILE.dark_count_rate_cps, rel=0.01)
    assert dark.qber == pytest.approx(0.5)
    assert monitor_arm(PROFILE, math.inf, 0.99).lone_cps == pytest.approx(
        PROFILE.monitor_dark_count_rate_cps / 2.0
    )


def test_without_light_and_darks_nothing_clicks() -> None:
    silent = bit_arm(changed(dark_count_rate_cps=0.0), math.inf)
    assert (silent.click_rate_cps, silent.count_variance_per_s, silent.qber) == (0.0, 0.0, 0.5)


@pytest.mark.parametrize("added_db", [-0.1, math.nan])
def test_no_answer_to_what_is_no_loss(added_db: float) -> None:
    with pytest.raises(ValueError, match="added_db"):
        bit_arm(PROFILE, added_db)


def test_the_textbook_limit() -> None:
    """Without noise: n = m / (1 + m tau) and Fano factor (1 - n tau)^2."""
    plain = changed(dark_count_rate_cps=0.0, charge_persistence_s=0.0, afterpulse_probability=0.0)
    rates = bit_arm(plain, 0.0)
    live = 1.0 - rates.click_rate_cps * plain.dead_time_s
    photons = (
        plain.pulse_rate_hz
        * plain.mean_photon_number
        * (1.0 + 10 ** (-plain.extinction_ratio_db / 10.0))
        / 2.0
        * 10 ** (-plain.reference_loss_db / 10.0)
        * plain.bit_arm_transmission
    )
    assert rates.click_rate_cps == pytest.approx(photons * live)
    assert rates.count_variance_per_s == pytest.approx(rates.click_rate_cps * live**2)
    assert rates.qber == pytest.approx(1.0 / (1.0 + 10 ** (plain.extinction_ratio_db / 10.0)))


@pytest.mark.parametrize("added_db", [0.0, 8.0])
def test_against_a_detector_that_clicks(added_db: float) -> None:
    """The mechanism itself: at re-arm a persisting charge, else the first of photon, dark and release.

    Stronger noise than the profile's, so that a wrong share would show.
    """
    noisy = changed(dark_count_rate_cps=2000.0, afterpulse_probability=0.2, charge_persistence_s=3e-6)
    rates = bit_arm(noisy, added_db)
    plain = changed(dark_count_rate_cps=0.0, afterpulse_probability=0.0, charge_persistence_s=0.0)
    busy = bit_arm(plain, added_db).click_rate_cps
    photons = busy / (1.0 - busy * noisy.dead_time_s)

    draws = np.random.default_rng(1)
    cycles = 1_000_000
    persists = draws.random(cycles) < 1.0 - math.exp(-noisy.charge_persistence_s * photons)
    light = draws.exponential(1.0 / photons, cycles)
    dark = draws.exponential(1.0 / noisy.dark_count_rate_cps, cycles)
    trapped = draws.random(cycles) < noisy.afterpulse_probability
    release = np.where(trapped, draws.exponential(noisy.afterpulse_lifetime_s, cycles), np.inf)
    first = np.where(persists, 0.0, np.minimum(np.minimum(light, dark), release))
    times = np.cumsum(noisy.dead_time_s + first)

    assert rates.click_rate_cps == pytest.approx(cycles / times[-1], rel=0.003)
    assert rates.clicks.twilight == pytest.approx(persists.mean(), abs=0.002)
    assert rates.clicks.afterpulse == pytest.approx((~persists & (first == release)).mean(), abs=0.002)
    assert rates.clicks.dark == pytest.approx((~persists & (first == dark)).mean(), abs=0.002)
    window_s = 0.02
    counts = np.bincount((times / window_s).astype(np.int64))[:-1]
    assert rates.count_variance_per_s * window_s == pytest.approx(counts.var(), rel=0.1)


def test_more_loss_fewer_clicks_and_a_fano_factor_nearer_one() -> None:
    rates = [bit_arm(PROFILE, added_db) for added_db in np.linspace(0.0, 40.0, 41)]
    clicks = [rate.click_rate_cps for rate in rates]
    fano = [rate.count_variance_per_s / rate.click_rate_cps for rate in rates]
    assert clicks == sorted(clicks, reverse=True)
    assert fano == sorted(fano)


def test_power_and_loss_are_the_same_thing() -> None:
    assert bit_arm(PROFILE, 0.0, power=0.1).qber == pytest.approx(bit_arm(PROFILE, 10.0).qber)


@pytest.mark.parametrize("bit_state_probability", [0.25, 0.4])
def test_pair_shares_of_a_long_sequence(bit_state_probability: float) -> None:
    draws = np.random.default_rng(2)
    other = 0.5 - bit_state_probability
    early_late = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    probabilities = [bit_state_probability, bit_state_probability, other, other]
    slots = early_late[draws.choice(4, 200_000, p=probabilities)].ravel()
    lit = slots[1:] + slots[:-1]
    shares = pair_shares(bit_state_probability)
    assert shares.both == pytest.approx((lit == 2).mean(), abs=0.005)
    assert shares.lone == pytest.approx((lit == 1).mean(), abs=0.005)
    assert shares.none == pytest.approx((lit == 0).mean(), abs=0.005)
