"""What an emulated attenuator takes off the light: its own errors, drawn once for a seed.

The zero setting is a stop, with the filter out of the light: it attenuates by nothing, again and again. What
is left there is the insertion loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulators.attenuators.mvoa_profile import MvoaProfile
    from emulators.lab.streams import Stream, Streams


@dataclass(frozen=True, slots=True)
class TrueAttenuation:
    """One device's own errors: functions of the setting, the side it was reached from, and the visit."""

    scale: float
    """Attenuation in the light per dB of setting, without ripple and play."""
    ripple_db: float
    ripple_period_db: float
    ripple_phase: float
    """In rad."""
    hysteresis_db: float
    repeatability_db: float
    visits: Stream

    def attenuation_db(self, setting_db: float, *, is_from_below: bool, visit: int) -> float:
        """Return the attenuation (0 dB or more) of the light at a setting.

        `visit` numbers the motor's movements; one and the same has one value.
        """
        if setting_db == 0.0:
            return 0.0
        turn = 2.0 * math.pi * setting_db / self.ripple_period_db
        ripple_db = self.ripple_db * (math.sin(turn + self.ripple_phase) - math.sin(self.ripple_phase))
        play_db = (-0.5 if is_from_below else 0.5) * self.hysteresis_db
        chance_db = self.repeatability_db * float(self.visits.generator(visit).standard_normal())
        return max(setting_db * self.scale + ripple_db + play_db + chance_db, 0.0)


def drawn_attenuation(
    gear: str, profile: MvoaProfile, streams: Streams, repeatability_db: float | None = None
) -> TrueAttenuation:
    """Draw the errors of the device called `gear`; `repeatability_db` in the place of the profile's."""
    own = streams.stream(f"{gear}/attenuation").generator(0)
    scale = 1.0 + float(own.uniform(-profile.scale_reach, profile.scale_reach))
    phase = float(own.uniform(0.0, 2.0 * math.pi))
    return TrueAttenuation(
        scale=scale,
        ripple_db=profile.ripple_db,
        ripple_period_db=profile.ripple_period_db,
        ripple_phase=phase,
        hysteresis_db=profile.hysteresis_db,
        repeatability_db=profile.repeatability_db if repeatability_db is None else repeatability_db,
        visits=streams.stream(f"{gear}/visits"),
    )
