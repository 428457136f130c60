"""Click rates, error shares and count variance of the two detectors, for any added loss in [0, inf].

D_bit: a renewal process with non-paralysable dead time. When it re-arms, the next click comes at once
with probability `p_now` (a charge that persists from light in the dead time, or an afterpulse), else
after an exponential waiting time with rate `photon rate + dark rate`. Derivation: docs/physics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.facts.units import db_to_transmission
from emulators.cow4.symbols import LIT_SHARE, pair_shares

if TYPE_CHECKING:
    from emulators.cow4.profile import Profile


@dataclass(frozen=True, slots=True)
class ByCause:
    """A quantity split by what caused the click."""

    signal: float
    twilight: float
    """Charge persistence: late clicks at re-arm by light that fell into the dead time."""
    afterpulse: float
    dark: float

    def total(self) -> float:
        """Return the sum over the causes."""
        return self.signal + self.twilight + self.afterpulse + self.dark


@dataclass(frozen=True, slots=True)
class BitArmRates:
    """What D_bit does at one loss."""

    click_rate_cps: float
    """Clicks per second, dark counts included: the mean of the Total Detection Count."""
    count_variance_per_s: float
    """Variance of the number of clicks, per second of counting; below the mean because of the dead time."""
    clicks: ByCause
    """Shares of the clicks; they sum to 1, or to 0 where nothing clicks."""
    errors: ByCause
    """Shares of the QBER; they sum to it."""

    @property
    def qber(self) -> float:
        """Error probability of a sifted bit; 1/2 where nothing clicks."""
        return self.errors.total()


@dataclass(frozen=True, slots=True)
class MonitorRates:
    """Click rates of D_mon in counts/s, by how many of the two interfering slots were lit."""

    both_cps: float
    lone_cps: float
    none_cps: float


def transmission(profile: Profile, added_db: float) -> float:
    """Return fibre and added loss as a transmission; ValueError unless `added_db` is in [0, inf]."""
    if not added_db >= 0:
        raise ValueError(f"added_db: {added_db} is not a loss of 0 dB or more")
    return db_to_transmission(profile.reference_loss_db + added_db)


def bit_arm(profile: Profile, added_db: float, power: float = 1.0) -> BitArmRates:
    """Return the rates of D_bit at `added_db` (0 to inf); `power` scales Alice's optical power."""
    unlit = db_to_transmission(profile.extinction_ratio_db)
    light = profile.mean_photon_number * (LIT_SHARE + (1.0 - LIT_SHARE) * unlit) * power
    arriving = transmission(profile, added_db) * profile.bit_arm_transmission
    photon_cps = profile.pulse_rate_hz * light * arriving
    waiting_cps = photon_cps + profile.dark_count_rate_cps
    if waiting_cps == 0.0:
        return BitArmRates(0.0, 0.0, ByCause(0.0, 0.0, 0.0, 0.0), ByCause(0.0, 0.0, 0.0, 0.5))

    twilight = -math.expm1(-profile.charge_persistence_s * photon_cps)
    released_first = 1.0 / (1.0 + waiting_cps * profile.afterpulse_lifetime_s)
    afterpulse = (1.0 - twilight) * profile.afterpulse_probability * released_first
    at_once = twilight + afterpulse
    click_rate_cps = 1.0 / (profile.dead_time_s + (1.0 - at_once) / waiting_cps)

    signal = (1.0 - at_once) * photon_cps / waiting_cps
    dark = 1.0 - at_once - signal
    return BitArmRates(
        click_rate_cps,
        # Renewal theory: variance of the count = variance of the interval / mean interval cubed.
        count_variance_per_s=click_rate_cps**3 * (1.0 - at_once**2) / waiting_cps**2,
        clicks=ByCause(signal, twilight, afterpulse, dark),
        errors=ByCause(signal * unlit / (1.0 + unlit), twilight / 2.0, afterpulse / 2.0, dark / 2.0),
    )


def monitor_arm(profile: Profile, added_db: float, visibility: float, power: float = 1.0) -> MonitorRates:
    """Return the rates of D_mon at `added_db` (0 to inf) and a visibility (0 to 1) of the interference.

    A lone pulse leaves by the dark port with 1/4 of its light; two with (1 - visibility)/2 of a pulse.
    """
    shares = pair_shares(profile.bit_state_probability)
    arriving = transmission(profile, added_db) * profile.monitor_arm_transmission
    pulse_cps = profile.pulse_rate_hz * profile.mean_photon_number * power * arriving
    dark_cps = profile.monitor_dark_count_rate_cps
    return MonitorRates(
        both_cps=shares.both * (pulse_cps * (1.0 - visibility) / 2.0 + dark_cps),
        lone_cps=shares.lone * (pulse_cps / 4.0 + dark_cps),
        none_cps=shares.none * dark_cps,
    )
