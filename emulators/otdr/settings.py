"""What a technician sets, and the trace that comes of it: all that the analysis may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.facts.units import LIGHT_M_PER_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AcquisitionSettings:
    """One acquisition: wavelength, pulse, range, sampling, averaging, and the fibre's index and K."""

    wavelength_nm: float
    pulse_ns: float
    range_km: float
    sampling_ns: float
    """Round-trip time from point to point."""
    averaging_s: float
    group_index: float = 1.468
    backscatter_db: float = -81.0
    """K: backscatter of a pulse of 1 ns, relative to the pulse."""

    def __post_init__(self) -> None:
        for name in ("wavelength_nm", "pulse_ns", "range_km", "sampling_ns", "averaging_s"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 1.3 <= self.group_index <= 1.7:
            raise ValueError(f"group_index must lie in 1.3 to 1.7, got {self.group_index}")
        if not -90.0 <= self.backscatter_db <= -40.0:
            raise ValueError(f"backscatter_db must lie in -90 to -40 dB, got {self.backscatter_db}")

    def metres_per_ns(self) -> float:
        """Return the distance that goes with a round-trip time."""
        return LIGHT_M_PER_NS / (2.0 * self.group_index)

    def pulse_m(self) -> float:
        """Return the length of the pulse on the distance axis in m."""
        return self.pulse_ns * self.metres_per_ns()

    def spacing_m(self) -> float:
        """Return the distance from point to point in m."""
        return self.sampling_ns * self.metres_per_ns()

    def points(self) -> int:
        """Return how many points cover the range."""
        return int(np.ceil(1000.0 * self.range_km / self.spacing_m()))


@dataclass(frozen=True, slots=True)
class Trace:
    """What the instrument shows: level in dB one way (5 log10 of power), one value each `spacing_m` from 0.

    The zero of the level is the power of the launched pulse.
    """

    settings: AcquisitionSettings
    level_db: NDArray[np.float64]
    clip_db: float
    """Level at which the receiver clips with this pulse: the instrument knows its own."""
