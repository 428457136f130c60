"""For how long nothing has come of a run, however the host's time of day is set meanwhile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Quiet:
    """Turns each time stamp, when it is first seen, into one of a clock that nobody sets, and counts on.

    `now_s` gives the host's UTC time, `steady_s` a time in s that only moves forward.
    """

    def __init__(self, now_s: Callable[[], float], steady_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._steady_s = steady_s
        self._record_s = -math.inf
        self._expected_s = -math.inf
        self.expected_utc_s = 0.0
        """From when on the next record has been expected, as it was stamped."""

    def hear_record(self, utc_s: float) -> None:
        """Take note that the newest record was written at `utc_s`; the next one is to be expected."""
        self._record_s = self._steady_of(utc_s)
        self.expect(utc_s)

    def expect(self, utc_s: float) -> None:
        """Take note that from `utc_s` on a record is to be expected."""
        steady_s = self._steady_of(utc_s)
        if steady_s >= self._expected_s:
            self._expected_s, self.expected_utc_s = steady_s, utc_s

    def since_record_s(self) -> float | None:
        """Return the time in s since the newest record; None without one."""
        return None if self._record_s == -math.inf else self._steady_s() - self._record_s

    def expected_for_s(self) -> float:
        """Return the time in s for which a record has been expected; infinite before anything was heard."""
        return self._steady_s() - self._expected_s

    def _steady_of(self, utc_s: float) -> float:
        return self._steady_s() - max(self._now_s() - utc_s, 0.0)
