"""How fast a run goes, from the host's time stamps of its last rows, and when it will be through."""

from __future__ import annotations

from collections import deque

from sweeps.watching.run_view import Pace

_MOST_MARKS = 60
_LEAST_APART_S = 1.0


class Pacer:
    """Keeps some marks (time, records so far), at least a second apart, of the session that is on."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MOST_MARKS)
        self._newest: tuple[float, int] | None = None
        self._sessions_utc_s: deque[float] = deque()

    def begin_session(self, started_utc_s: float) -> None:
        """Take note that a process took the run up: nobody was at work before that."""
        self._sessions_utc_s.append(started_utc_s)

    def note(self, utc_s: float, done: int) -> None:
        """Take note that there are `done` records at `utc_s`."""
        while self._sessions_utc_s and self._sessions_utc_s[0] <= utc_s:
            self._sessions_utc_s.popleft()
            self._marks.clear()
        # A host clock that was set back leaves marks in its future.
        if self._marks and self._marks[-1][0] > utc_s:
            self._marks.clear()
        self._newest = (utc_s, done)
        if not self._marks or utc_s - self._marks[-1][0] >= _LEAST_APART_S:
            self._marks.append(self._newest)

    def pace(self, left: int) -> Pace | None:
        """Return the pace with `left` records to go; None before two marks of the session."""
        if self._newest is None or len(self._marks) < 2 or self._sessions_utc_s:
            return None
        (from_s, from_done), (until_s, until_done) = self._marks[0], self._newest
        if until_s <= from_s or until_done <= from_done:
            return None
        per_s = (until_done - from_done) / (until_s - from_s)
        return Pace(per_s, until_s + left / per_s)
