"""Slow drift: value noise, a smooth function of (seed, stream, time) with the same variance at all times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulators.lab.streams import Stream


class Drift:
    """A stationary drift of mean 0 and variance 1 with knots every `interval_s`.

    Each knot is a standard normal draw. Between two knots they are mixed with weights whose squares
    sum to 1, so the variance does not dip half-way as it would on straight lines.
    """

    def __init__(self, stream: Stream, interval_s: float) -> None:
        self._stream = stream
        self._interval_s = interval_s
        self._knots: dict[int, float] = {}

    def at(self, t_s: float) -> float:
        """Return the drift at lab time `t_s` (0 or more, s since the Unix epoch)."""
        position = t_s / self._interval_s
        index = math.floor(position)
        angle = (position - index) * math.pi / 2.0
        return math.cos(angle) * self._knot(index) + math.sin(angle) * self._knot(index + 1)

    def _knot(self, index: int) -> float:
        # Only a cache: a forgotten knot is drawn again with the same value.
        if index not in self._knots:
            if len(self._knots) >= 4:
                self._knots.clear()
            self._knots[index] = float(self._stream.generator(index).standard_normal())
        return self._knots[index]
