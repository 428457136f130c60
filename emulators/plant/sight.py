"""What an observer at the near end of a path meets, in order of arrival: scattering fibre and reflections.

Delays are round-trip times in ns; losses are one way, counted from the near end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drivers.facts.fibre_types import REFERENCE_C
from drivers.facts.units import LIGHT_M_PER_NS
from emulators.plant.path import Connector, FibreSpan, InlineLoss, OpticalPath

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEPER_PER_DB = math.log(10.0) / 10.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Fibre of one kind: where it begins and ends, how it scatters and attenuates."""

    start_ns: float
    end_ns: float
    start_loss_db: float
    neper_per_ns: float
    """Decay of the backscattered power with round-trip time."""
    backscatter_per_ns: float
    """Backscattered power per ns of pulse, relative to the power that is there."""

    def scattered(self) -> float:
        """Return all light that this stretch sends back to the near end, per unit of steady light."""
        decay = self.neper_per_ns * (self.end_ns - self.start_ns)
        return (
            self.backscatter_per_ns
            * 10.0 ** (-self.start_loss_db / 5.0)
            * (1.0 - math.exp(-decay))
            / self.neper_per_ns
        )


@dataclass(frozen=True, slots=True)
class Reflector:
    """A point that reflects: where, how much, and the loss on either side of it."""

    delay_ns: float
    before_db: float
    after_db: float
    reflectance_db: float

    def returned(self) -> float:
        """Return the light that comes back to the near end, per unit of light."""
        return float(10.0 ** (self.reflectance_db / 10.0 - self.before_db / 5.0))


@dataclass(frozen=True, slots=True)
class Sight:
    """All stretches and reflectors of a path at one wavelength."""

    stretches: tuple[Stretch, ...]
    reflectors: tuple[Reflector, ...]

    def orl_db(self) -> float:
        """Return the optical return loss of the path in dB: all steady light that comes back."""
        back = sum(stretch.scattered() for stretch in self.stretches)
        back += sum(reflector.returned() for reflector in self.reflectors)
        return -10.0 * math.log10(back)


def look(path: OpticalPath, wavelength_nm: float) -> Sight:
    """Work out what light of a wavelength meets on a path; FigureError outside the fibres' tables."""
    stretches: list[Stretch] = []
    reflectors: list[Reflector] = []
    delay_ns = loss_db = 0.0
    for element in path.elements:
        after_db = loss_db + element.loss_db(wavelength_nm, path.temperature_c)
        if isinstance(element, FibreSpan):
            end_ns = delay_ns + _round_trip_ns(element, wavelength_nm, path.temperature_c)
            stretches.append(_stretch(element, wavelength_nm, delay_ns, end_ns, loss_db, after_db))
            delay_ns = end_ns
        elif isinstance(element, Connector | InlineLoss):
            reflectance_db = element.reflectance_db(wavelength_nm)
            if reflectance_db is not None:
                reflectors.append(Reflector(delay_ns, loss_db, after_db, reflectance_db))
        loss_db = after_db
    reflectors.append(Reflector(delay_ns, loss_db, math.inf, path.far.reflectance_db()))
    return Sight(tuple(stretches), tuple(reflectors))


def cumulated_backscatter(sight: Sight, times_ns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the backscatter of an impulse of 1 ns times unit power, summed up to each round-trip time (ns).

    The answer to a rectangular pulse is the difference of two such sums, one pulse width apart.
    """
    columns = np.array(
        [
            (s.start_ns, s.end_ns, s.neper_per_ns, s.backscatter_per_ns * 10.0 ** (-s.start_loss_db / 5.0))
            for s in sight.stretches
        ]
    ).T
    start_ns, end_ns, neper_per_ns, strength = columns
    totals = np.array([stretch.scattered() for stretch in sight.stretches])
    before = np.concatenate(([0.0], np.cumsum(totals)[:-1]))
    index = np.clip(np.searchsorted(start_ns, times_ns, side="right") - 1, 0, len(start_ns) - 1)
    inside_ns = np.clip(times_ns, 0.0, end_ns[-1]) - start_ns[index]
    decay = neper_per_ns[index]
    return before[index] - strength[index] / decay * np.expm1(-decay * inside_ns)


def _round_trip_ns(span: FibreSpan, wavelength_nm: float, temperature_c: float) -> float:
    warm = 1.0 + span.fibre.delay_ppm_per_k * 1e-6 * (temperature_c - REFERENCE_C)
    return 2.0 * span.length_m * span.fibre.group_index.at(wavelength_nm) * warm / LIGHT_M_PER_NS


def _stretch(
    span: FibreSpan, wavelength_nm: float, start_ns: float, end_ns: float, start_db: float, end_db: float
) -> Stretch:
    return Stretch(
        start_ns=start_ns,
        end_ns=end_ns,
        start_loss_db=start_db,
        neper_per_ns=2.0 * (end_db - start_db) * _NEPER_PER_DB / (end_ns - start_ns),
        backscatter_per_ns=10.0 ** (span.fibre.backscatter_db.at(wavelength_nm) / 10.0),
    )
