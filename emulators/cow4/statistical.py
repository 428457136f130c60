"""The statistical fidelity: each record drawn from the distribution that the analytic model implies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulators.cow4.drift import Drift
from emulators.cow4.rates import bit_arm, monitor_arm
from emulators.cow4.sample import LinkSample
from emulators.cow4.secret_fraction import secret_key_rate_bps
from emulators.cow4.symbols import pair_shares, sifted_share
from emulators.cow4.visibility import FEWEST_COUNTS, VisibilityEstimate, dcc_visibility

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from emulators.cow4.profile import Profile
    from emulators.cow4.sample import LossSegment
    from emulators.lab.streams import Streams

# Below this mean a dead time changes the count's variance by under 1 % and a normal draw would be skewed.
_POISSON_BELOW = 100.0


@dataclass(slots=True)
class _Window:
    """Expected counts of one window, summed over its stretches of constant loss."""

    duration_s: float = 0.0
    clicks: float = 0.0
    clicks_variance: float = 0.0
    wrong_clicks: float = 0.0
    """Clicks times their error probability."""
    both: float = 0.0
    lone: float = 0.0
    none: float = 0.0

    def qber(self) -> float:
        return self.wrong_clicks / self.clicks if self.clicks > 0.0 else 0.5


class StatisticalSource:
    """Draws record windows; each is a function of (seed, index, start, losses) and of nothing else."""

    def __init__(self, profile: Profile, streams: Streams) -> None:
        self._profile = profile
        self._records = streams.stream("cow4/records")
        self._power = Drift(streams.stream("cow4/power drift"), profile.power_drift_interval_s)
        self._visibility = Drift(streams.stream("cow4/visibility drift"), profile.visibility_drift_interval_s)
        self._pairs = pair_shares(profile.bit_state_probability)

    def sample(self, index: int, start_s: float, segments: Sequence[LossSegment]) -> LinkSample:
        """Draw window number `index` (0 or more) starting at `start_s` (s since the Unix epoch, 0 or more).

        `segments` may hold several losses (0 dB to inf): each counts by its duration. The visibility may read
        1 and above by shot noise; without light it reads 0, and the QBER 1/2. ValueError for an empty window.
        """
        window = self._expect(start_s, segments)
        generator = self._records.generator(index)
        # One generator for all, always in this order: the draws must not depend on the values drawn.
        count = _draw_count(generator, window)
        qber = self._draw_qber(generator, window, count)
        visibility = self._draw_visibility(generator, window)
        click_rate_cps = count / window.duration_s
        return LinkSample(
            # From the visibility of this record and the QBER of all corrected bits, which error correction
            # counts exactly; the displayed QBER comes from the small disclosed sample.
            skr_bps=secret_key_rate_bps(self._profile, click_rate_cps, window.qber(), visibility.for_rate),
            qber=qber,
            visibility=visibility.value,
            detection_count=click_rate_cps,
        )

    def _expect(self, start_s: float, segments: Sequence[LossSegment]) -> _Window:
        window = _Window(duration_s=sum(segment.duration_s for segment in segments))
        if window.duration_s <= 0.0:
            raise ValueError("segments: the window is empty")
        # Drift is slow against a window, so one value in the middle stands for all of it.
        middle_s = start_s + window.duration_s / 2.0
        profile = self._profile
        power = max(0.0, 1.0 + profile.power_drift_rms * self._power.at(middle_s))
        drifted = profile.visibility + profile.visibility_drift_rms * self._visibility.at(middle_s)
        visibility = min(1.0, max(0.0, drifted))
        for segment in segments:
            self._add(window, segment, visibility, power)
        return window

    def _add(self, window: _Window, segment: LossSegment, visibility: float, power: float) -> None:
        bit = bit_arm(self._profile, segment.added_db, power)
        monitor = monitor_arm(self._profile, segment.added_db, visibility, power)
        clicks = bit.click_rate_cps * segment.duration_s
        window.clicks += clicks
        window.clicks_variance += bit.count_variance_per_s * segment.duration_s
        window.wrong_clicks += clicks * bit.qber
        window.both += monitor.both_cps * segment.duration_s
        window.lone += monitor.lone_cps * segment.duration_s
        window.none += monitor.none_cps * segment.duration_s

    def _draw_qber(self, generator: np.random.Generator, window: _Window, count: int) -> float:
        share = sifted_share(self._profile.bit_state_probability) * self._profile.disclosed_share
        disclosed = round(count * share)
        wrong = int(generator.binomial(disclosed, window.qber()))
        return wrong / disclosed if disclosed >= FEWEST_COUNTS else 0.5

    def _draw_visibility(self, generator: np.random.Generator, window: _Window) -> VisibilityEstimate:
        both, lone, none = (
            int(generator.poisson(window.both)),
            int(generator.poisson(window.lone)),
            int(generator.poisson(window.none)),
        )
        return dcc_visibility(both, lone, none, self._pairs)


def _draw_count(generator: np.random.Generator, window: _Window) -> int:
    if window.clicks < _POISSON_BELOW:
        return int(generator.poisson(window.clicks))
    return max(0, round(generator.normal(window.clicks, math.sqrt(window.clicks_variance))))
