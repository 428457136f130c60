"""What a one-second record reads on average: the shot noise of D_mon bends the mean secret key rate.

The rate is a curved function of the visibility, so its mean over records lies a little above the rate at
the mean visibility (0.2 % at 0 dB, 1.3 % at 10 dB). Calibration compares this mean with the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulators.cow4.rates import bit_arm, monitor_arm
from emulators.cow4.secret_fraction import secret_key_rate_bps
from emulators.cow4.symbols import pair_shares
from emulators.cow4.visibility import dcc_visibility

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulators.cow4.profile import Profile


@dataclass(frozen=True, slots=True)
class ExpectedRecord:
    """Means of a record at one loss, without drift."""

    skr_bps: float
    skr_shot_sd_bps: float
    """Standard deviation of the rate by D_mon's shot noise alone."""
    qber: float
    detection_count: float


def expected_record(profile: Profile, added_db: float, window_s: float = 1.0) -> ExpectedRecord:
    """Return the means of a record of `window_s` at `added_db` (0 to inf)."""
    bit = bit_arm(profile, added_db)
    monitor = monitor_arm(profile, added_db, profile.visibility)
    shares = pair_shares(profile.bit_state_probability)
    mean = square = 0.0
    for both, both_probability in _poisson(monitor.both_cps * window_s):
        for none, none_probability in _poisson(monitor.none_cps * window_s):
            estimate = dcc_visibility(both, monitor.lone_cps * window_s, none, shares)
            rate_bps = secret_key_rate_bps(profile, bit.click_rate_cps, bit.qber, estimate.for_rate)
            mean += both_probability * none_probability * rate_bps
            square += both_probability * none_probability * rate_bps**2
    return ExpectedRecord(mean, math.sqrt(max(0.0, square - mean**2)), bit.qber, bit.click_rate_cps)


def _poisson(mean: float, negligible: float = 1e-9) -> Iterator[tuple[int, float]]:
    """Yield each count with its probability, as long as the probability matters."""
    if mean == 0.0:
        yield 0, 1.0
        return
    for count in range(math.ceil(mean + 10.0 * math.sqrt(mean) + 10.0)):
        probability = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
        if probability > negligible:
            yield count, probability
