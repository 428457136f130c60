"""The power meter at an emulated attenuator's output, and the light source that may be at its input.

The meter is a tap inside the device: it sees the light whatever the output is connected to. Light of the
quantum channel is far below its range.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.gear import CalibrationSource
    from emulators.attenuators.mvoa_profile import MvoaProfile
    from emulators.lab.streams import Stream, Streams

# ASSUMED: public drivers tell how such an answer begins and ends, and no more.
UNDERLOAD = "-------"
OVERLOAD = "+++++++"
# ASSUMED: what the averaging time is before anybody sets it.
_POWER_UP_AVERAGING_S = 0.1


class LightSource:
    """A source that drifts, with a power somewhere within its uncertainty; each plugging loses a bit."""

    def __init__(self, gear: str, facts: CalibrationSource, profile: MvoaProfile, streams: Streams) -> None:
        self.wavelength_nm = facts.wavelength_nm
        self._profile = profile
        self._matings = streams.stream(f"{gear}/matings")
        drawn = streams.stream(f"{gear}/source").generator(0)
        # All powers within the uncertainty are equally likely (assumed: it is stated as a bound).
        offset_db = float(drawn.uniform(-facts.uncertainty_db, facts.uncertainty_db))
        self._power_dbm = facts.power_dbm + offset_db
        self._phase = float(drawn.uniform(0.0, 2.0 * math.pi))

    def power_dbm(self, t_s: float, mating: int) -> float:
        """Return the power in the input at lab time `t_s`, plugged in for the `mating`th time."""
        turn = 2.0 * math.pi * t_s / self._profile.source_drift_period_s
        drift_db = self._profile.source_drift_db * math.sin(turn + self._phase)
        mating_db = float(self._matings.generator(mating).uniform(0.0, self._profile.mating_db))
        return self._power_dbm + drift_db - mating_db


class OutputPowerMeter:
    """Reads `light_dbm`, the power at the output (-inf for none), with noise that belongs to the lab time."""

    def __init__(
        self,
        profile: MvoaProfile,
        noise: Stream,
        now_s: Callable[[], float],
        light_dbm: Callable[[], float],
    ) -> None:
        self.averaging_s = _POWER_UP_AVERAGING_S
        self._profile = profile
        self._noise = noise
        self._now_s = now_s
        self._light_dbm = light_dbm

    def reading(self) -> str:
        """Return the answer to a question for the power: dBm, or that the light is beyond the range."""
        power_dbm = self._noisy_dbm(self._light_dbm())
        if power_dbm < self._profile.meter_low_dbm:
            return UNDERLOAD
        if power_dbm > self._profile.meter_high_dbm:
            return OVERLOAD
        return f"{power_dbm:.3f}"

    def _noisy_dbm(self, light_dbm: float) -> float:
        """Return the light with the noise of the averaging time that has just ended, always the same."""
        window = int(self._now_s() / self.averaging_s)
        of_light, of_dark = (float(value) for value in self._noise.generator(window).standard_normal(2))
        share = 1.0 / math.sqrt(self.averaging_s)
        light_mw = _mw(light_dbm + self._profile.meter_noise_db * share * of_light)
        seen_mw = light_mw + _mw(self._profile.meter_floor_dbm) * share * of_dark
        return 10.0 * math.log10(seen_mw) if seen_mw > 0 else -math.inf


def _mw(power_dbm: float) -> float:
    return 10.0 ** (power_dbm / 10.0)
