"""How fast a run goes, from the host's time stamps of its last rows, and when it will be through.

Slots are counted and not records: on the wall clock a slot passes with a record or without one.
"""

from __future__ import annotations

import math
from collections import deque

from sweeps.watching.run_view import Pace

_MOST_MARKS = 60
_LEAST_APART_S = 1.0


class Pacer:
    """Keeps some marks (time, slots dealt with so far), at least a second apart, of the time that counts."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MOST_MARKS)
        self._newest: tuple[float, int] | None = None
        self._start_utc_s = -math.inf

    def start_anew(self, utc_s: float) -> None:
        """Take note that nothing before `utc_s` counts: the run was taken up, or the host's time was set."""
        self._start_utc_s = max(self._start_utc_s, utc_s)

    def note(self, utc_s: float, dealt: int) -> None:
        """Take note that at `utc_s` there is a record, or known to be none, for `dealt` slots."""
        if utc_s >= self._start_utc_s > -math.inf:
            self._start_utc_s = -math.inf
            self._marks.clear()
        # A host clock that was set back leaves marks in its future.
        if self._marks and self._marks[-1][0] > utc_s:
            self._marks.clear()
        self._newest = (utc_s, dealt)
        if not self._marks or utc_s - self._marks[-1][0] >= _LEAST_APART_S:
            self._marks.append(self._newest)

    def pace(self, planned: int) -> Pace | None:
        """Return the pace of a run of `planned` slots; None before two marks that count."""
        if self._newest is None or len(self._marks) < 2 or self._start_utc_s > -math.inf:
            return None
        (from_s, from_dealt), (until_s, until_dealt) = self._marks[0], self._newest
        if until_s <= from_s or until_dealt <= from_dealt:
            return None
        per_s = (until_dealt - from_dealt) / (until_s - from_s)
        return Pace(per_s, until_s + (planned - until_dealt) / per_s)
