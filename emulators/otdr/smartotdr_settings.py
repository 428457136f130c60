"""The settings of an emulated SmartOTDR: what they are, and how each clamps the others.

A value that there is not becomes the nearest that there is. Range and pulse decide which pulses and which
spacings of points there are, so that the order of setting matters, as it does on the instrument: public code
sends everything twice for that (FOMS2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.facts.units import LIGHT_M_PER_NS
from emulators.otdr.settings import AcquisitionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulators.otdr.instrument import Instrument

# FOMS2, a public program for the SmartOTDR. ASSUMED: all of 5 km, and the longest pulse.
_PULSES_NS: Mapping[float, Sequence[float]] = {
    5.0: (5.0, 10.0, 30.0, 100.0),
    10.0: (10.0, 30.0, 100.0, 300.0),
    20.0: (30.0, 100.0, 300.0, 500.0),
    40.0: (100.0, 300.0, 500.0, 1000.0),
    80.0: (300.0, 500.0, 1000.0, 3000.0),
    160.0: (500.0, 1000.0, 3000.0, 10_000.0, 20_000.0),
}
# Resolutions by the names of an OTU-8000 (HellWorld, public code), and the round trip between two points.
_SAMPLING_NS: Mapping[float, float] = {0.04: 0.390625, 0.08: 0.78125, 0.16: 1.5625, 0.32: 3.125, 0.64: 6.25}
# ASSUMED, all of these: no public document gives them.
_MOST_POINTS = 262_144
_MOST_POINTS_PER_PULSE = 400
_LEAST_POINTS_PER_PULSE = 2
_AUTO_POINTS_PER_PULSE = 30
_DEFAULT_RANGE_KM, _DEFAULT_PULSE_NS, _DEFAULT_AVERAGING_S = 40.0, 300.0, 30.0
# For the OTU-8000 (HellWorld).
_AVERAGING_S = (5.0, 600.0)


@dataclass(frozen=True, slots=True)
class FibreFigures:
    """What the user says of the fibre at one wavelength."""

    group_index: float
    backscatter_db: float


class SmartOtdrSettings:
    """All settings of one instrument; `fitted_nm` are the wavelengths of its lasers."""

    def __init__(self, instrument: Instrument, fitted_nm: Sequence[float], longest_pulse_ns: float) -> None:
        self.fitted_nm = tuple(fitted_nm)
        self._instrument = instrument
        self._longest_pulse_ns = longest_pulse_ns
        self.reset()

    def reset(self) -> None:
        """Set everything to what it is by default."""
        self.wavelength_nm = self.fitted_nm[0]
        self.averaging_s = _DEFAULT_AVERAGING_S
        self.resolution_m: float | None = None
        self.fibre = {
            wavelength_nm: FibreFigures(1.468, self._instrument.reference_backscatter_db.at(wavelength_nm))
            for wavelength_nm in self.fitted_nm
        }
        self.range_km, self.pulse_ns = _DEFAULT_RANGE_KM, _DEFAULT_PULSE_NS
        self._clamp()

    def set_range(self, range_km: float) -> None:
        """Take the nearest range."""
        self.range_km = _nearest(range_km, self._instrument.ranges_km)
        self._clamp()

    def set_pulse(self, pulse_ns: float) -> None:
        """Take the nearest pulse that there is for the range."""
        self.pulse_ns = pulse_ns
        self._clamp()

    def set_resolution(self, resolution_m: float | None) -> None:
        """Take the nearest resolution that there is for range and pulse; None chooses by itself."""
        self.resolution_m = resolution_m
        self._clamp()

    def set_averaging(self, averaging_s: float) -> None:
        """Take the nearest averaging time in whole seconds."""
        least_s, most_s = _AVERAGING_S
        self.averaging_s = float(round(min(max(averaging_s, least_s), most_s)))

    def acquisition(self, averaging_s: float) -> AcquisitionSettings:
        """Return the settings of an acquisition that was averaged for `averaging_s`."""
        fibre = self.fibre[self.wavelength_nm]
        return AcquisitionSettings(
            wavelength_nm=self.wavelength_nm,
            pulse_ns=self.pulse_ns,
            range_km=self.range_km,
            sampling_ns=_SAMPLING_NS[self.resolution_m or self._own_resolution_m()],
            averaging_s=averaging_s,
            group_index=fibre.group_index,
            backscatter_db=fibre.backscatter_db,
        )

    def _clamp(self) -> None:
        pulses_ns = [pulse for pulse in _PULSES_NS[self.range_km] if pulse <= self._longest_pulse_ns]
        self.pulse_ns = _nearest(self.pulse_ns, pulses_ns or _PULSES_NS[self.range_km][:1])
        if self.resolution_m is not None:
            self.resolution_m = _nearest(self.resolution_m, self._resolutions_m())

    def _own_resolution_m(self) -> float:
        found_m = self._resolutions_m()
        fine_m = self._pulse_m() / _AUTO_POINTS_PER_PULSE
        return max((resolution for resolution in found_m if resolution <= fine_m), default=found_m[0])

    def _resolutions_m(self) -> list[float]:
        pulse_m = self._pulse_m()
        least_m = max(1000.0 * self.range_km / _MOST_POINTS, pulse_m / _MOST_POINTS_PER_PULSE)
        most_m = pulse_m / _LEAST_POINTS_PER_PULSE
        found_m = [resolution for resolution in _SAMPLING_NS if least_m <= resolution <= most_m]
        return found_m or [max(_SAMPLING_NS)]

    def _pulse_m(self) -> float:
        return self.pulse_ns * LIGHT_M_PER_NS / (2.0 * self.fibre[self.wavelength_nm].group_index)


def _nearest(value: float, choices: Sequence[float]) -> float:
    """Return the choice that differs by the smallest factor."""
    return min(choices, key=lambda choice: abs(math.log(value / choice)))
