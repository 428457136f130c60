"""Estimates from correlated records: known series give known autocorrelation times and honest errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil_tests.measure import estimates
from tests.hil.synthetic_runs import stream

if TYPE_CHECKING:
    from hil_tests.measure.estimates import Floats


def ar1(phi: float, n: int, seed: int) -> Floats:
    """Return a first-order autoregressive series of unit variance: tau = (1 + phi) / (1 - phi)."""
    noise = stream(seed, "ar1").normal(size=n) * math.sqrt(1 - phi**2)
    values = np.empty(n)
    last = stream(seed, "ar1 start").normal()
    for index in range(n):
        last = phi * last + noise[index]
        values[index] = last
    return values


@pytest.mark.parametrize("phi", [0.5, 0.9, 0.97])
def test_ar1_has_its_analytic_autocorrelation_time(phi: float) -> None:
    tau = estimates.autocorrelation_time(ar1(phi, 60_000, seed=1))
    assert tau == pytest.approx((1 + phi) / (1 - phi), rel=0.15)


def test_white_noise_is_worth_nearly_all_its_records() -> None:
    values = stream(2, "white").normal(size=20_000)
    assert 0.9 < estimates.mean_of(values).n_effective / values.size <= 1.0


@pytest.mark.parametrize("phi", [-0.6, 0.0, 0.8])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10, 61])
def test_effective_size_is_never_above_n_nor_below_one(phi: float, n: int) -> None:
    for seed in range(20):
        estimate = estimates.mean_of(ar1(phi, n, seed))
        assert 1.0 <= estimate.n_effective <= n


def test_standard_error_of_correlated_mean_covers_the_truth() -> None:
    inside = 0
    for seed in range(200):
        estimate = estimates.mean_of(ar1(0.8, 400, seed))
        assert estimate.standard_error is not None
        inside += abs(estimate.value) < 2 * estimate.standard_error
    # 95 % nominal; taking the records as independent would cover 50 %.
    assert inside > 178


def test_constant_values_have_no_error_and_count_fully() -> None:
    estimate = estimates.mean_of(np.full(50, 0.1 + 0.2))
    assert (estimate.value, estimate.n_effective) == (pytest.approx(0.3), 50)
    assert estimate.standard_error == pytest.approx(0.0, abs=1e-15)


def test_single_value_has_no_error() -> None:
    assert estimates.mean_of(np.array([5.0])).standard_error is None


def test_sd_and_relative_sd() -> None:
    values = 10.0 + 2.0 * stream(3, "sd").normal(size=40_000)
    absolute, relative = estimates.sd_of(values), estimates.relative_sd_of(values)
    assert absolute.value == pytest.approx(2.0, rel=0.02)
    assert absolute.standard_error == pytest.approx(2.0 / math.sqrt(80_000), rel=0.1)
    assert relative.value == pytest.approx(0.2, rel=0.02)


def test_share_below_has_binomial_error() -> None:
    values = stream(4, "share").uniform(size=10_000)
    estimate = estimates.share_below(values, 0.3)
    assert estimate.value == pytest.approx(0.3, abs=0.02)
    assert estimate.standard_error == pytest.approx(math.sqrt(0.21 / 10_000), rel=0.15)


def test_ratio_of_means() -> None:
    above = 3.0 + 0.3 * stream(5, "above").normal(size=10_000)
    below = 2.0 + 0.2 * stream(5, "below").normal(size=10_000)
    estimate = estimates.ratio_of_means(above, below)
    assert estimate.value == pytest.approx(1.5, rel=0.01)
    assert estimate.standard_error == pytest.approx(1.5 * math.hypot(0.1, 0.1) / 100, rel=0.2)
