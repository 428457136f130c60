"""Least-squares lines through backscatter. Power is fitted, not its logarithm: noise then has a mean of zero.

Positions are in samples, slopes in neper of power per sample, all powers relative to the launched pulse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DB_PER_NEPER = 5.0 / math.log(10.0)
# However little noise there is, a point is not trusted further: the display has steps, the receiver recovers.
_NEVER_BETTER = 0.005
_LARGEST_FALL = 30.0


@dataclass(frozen=True, slots=True)
class Line:
    """Power falls as exp(-slope x) from exp(log_power) at the sample `origin`."""

    start: int
    stop: int
    origin: float
    log_power: float
    slope: float
    slope_variance: float
    """Of the data alone, without what was presumed."""

    def at(self, sample: float) -> float:
        """Return the logarithm of the line's power at a sample."""
        return self.log_power - self.slope * (sample - self.origin)

    def powers(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return the line's power at samples start to stop."""
        return np.exp(self.at(start) - self.slope * np.arange(stop - start, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Presumed:
    """What is presumed of a slope before it is measured; short sections need it."""

    slope: float
    deviation: float


def fit_line(
    power: NDArray[np.float64], start: int, stop: int, noise_rms: float, presumed: Presumed
) -> Line | None:
    """Fit samples start to stop, weighted by signal to noise (Gauss and Newton); None without signal."""
    window = power[start:stop]
    mean = float(window.mean()) if len(window) else 0.0
    if mean <= noise_rms:
        return None
    x = np.arange(len(window), dtype=np.float64)
    x -= x.mean()
    origin = start + (len(window) - 1) / 2.0
    log_power, slope, slope_variance = math.log(mean), presumed.slope, math.inf
    prior = 1.0 / presumed.deviation**2
    # No section falls further, and what a step or a peak does to a line stays within what numbers hold.
    steepest = _LARGEST_FALL / len(window)
    for _ in range(3):
        model = np.exp(log_power - slope * x)
        weights = 1.0 / ((noise_rms / model) ** 2 + _NEVER_BETTER**2)
        residual = window / model - 1.0
        weighted_x = weights * x
        # Sums of products, not dot products: those would wake the threads of the linear algebra library.
        s0, s1, s2 = float(weights.sum()), float(weighted_x.sum()), float((weighted_x * x).sum())
        r0, r1 = float((weights * residual).sum()), float((weighted_x * residual).sum())
        # Unknowns: change of log_power, change of slope (with its sign); the prior pulls the slope.
        pull = prior * (presumed.slope - slope)
        determinant = s0 * (s2 + prior) - s1 * s1
        log_power += (r0 * (s2 + prior) + s1 * (pull - r1)) / determinant
        slope += (s0 * (pull - r1) + s1 * r0) / determinant
        slope = min(max(slope, -steepest), steepest)
        spread = s2 - s1 * s1 / s0
        slope_variance = 1.0 / spread if spread > 0.0 else math.inf
    return Line(start, stop, origin, log_power, slope, slope_variance)


def usual_slope(lines: list[Line], fallback: Presumed) -> Presumed:
    """Return the median slope of the lines long enough to tell it, with half of `fallback`'s deviation."""
    known = [line.slope for line in lines if line.slope_variance < fallback.deviation**2 / 25.0]
    if not known:
        return fallback
    return Presumed(float(np.median(known)), fallback.deviation / 2.0)
