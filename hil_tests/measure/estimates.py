"""Estimates from telemetry that is correlated in time: value, standard error, effective sample size.

Records drift together, so the standard error of a mean does not shrink with the number of records but
with the number of independent ones: n_eff = n / tau, tau the integrated autocorrelation time, summed
over Geyer's initial monotone positive sequence (Stat. Sci. 7, 473 (1992)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

# Below this, relative to the square of the mean, a variance is the rounding of the arithmetic.
_CONSTANT = 1e-24


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of `n` records, worth `n_effective` independent ones."""

    value: float
    standard_error: float | None
    """None where a single record tells nothing of the scatter."""
    n: int
    n_effective: float


def autocorrelation_time(values: Floats) -> float:
    """Return the integrated autocorrelation time in samples, from 1 (independent) to n.

    Constant values show no correlation and give 1.
    """
    n = values.size
    if n < 4 or is_constant(values):
        return 1.0
    centred = values - values.mean()
    length = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, length)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, length)[:n]
    correlation = covariance / covariance[0]
    even = 2 * (n // 2)
    pairs = correlation[0:even:2] + correlation[1:even:2]
    negative = np.flatnonzero(pairs <= 0)
    positive = pairs[: int(negative[0])] if negative.size else pairs
    tau = 2.0 * float(np.minimum.accumulate(positive).sum()) - 1.0
    return min(max(tau, 1.0), float(n))


def is_constant(values: Floats) -> bool:
    """Tell whether all values are the same but for rounding."""
    return bool(values.var() <= _CONSTANT * max(float(values.mean()) ** 2, np.finfo(np.float64).tiny))


def mean_of(values: Floats) -> Estimate:
    """Estimate the mean of one or more values."""
    n_effective = values.size / autocorrelation_time(values)
    error = sample_sd(values) / math.sqrt(n_effective) if values.size > 1 else None
    return Estimate(float(values.mean()), error, values.size, n_effective)


def sd_of(values: Floats) -> Estimate:
    """Estimate the standard deviation of two or more values; its error is that of a normal sample."""
    n_effective = values.size / autocorrelation_time(values)
    sd = sample_sd(values)
    return Estimate(sd, sd / math.sqrt(2.0 * n_effective), values.size, n_effective)


def relative_sd_of(values: Floats) -> Estimate:
    """Estimate the standard deviation of two or more values in units of their mean, which is not zero."""
    absolute = sd_of(values)
    mean = abs(float(values.mean()))
    assert absolute.standard_error is not None  # noqa: S101 - sd_of always gives one
    return Estimate(absolute.value / mean, absolute.standard_error / mean, absolute.n, absolute.n_effective)


def share_below(values: Floats, threshold: float) -> Estimate:
    """Estimate the share (0 to 1) of values below `threshold`."""
    return mean_of((values < threshold).astype(np.float64))


def exactly(value: float, n: int) -> Estimate:
    """Give a value found by looking at all `n` records, such as a maximum or a number of records."""
    return Estimate(value, 0.0, n, float(n))


def ratio_of_means(numerator: Floats, denominator: Floats) -> Estimate:
    """Estimate mean(numerator) / mean(denominator), which is not zero; errors are taken as independent."""
    above, below = mean_of(numerator), mean_of(denominator)
    n_effective = min(above.n_effective, below.n_effective)
    ratio = above.value / below.value
    if above.standard_error is None or below.standard_error is None:
        return Estimate(ratio, None, above.n, n_effective)
    error = math.hypot(above.standard_error, ratio * below.standard_error) / abs(below.value)
    return Estimate(ratio, error, above.n, n_effective)


def sample_sd(values: Floats) -> float:
    """Return the sample standard deviation of two or more values."""
    return float(values.std(ddof=1))
