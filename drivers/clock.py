"""Time as the driver side sees it: one `Clock` per station, and nothing sleeps by itself.

On a real lab the clock is `WallClock`. On an emulated lab it is one of
`drivers.lab_control.clock`, which moves the lab's own clock. Drivers and sweeps cannot tell the two apart.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Lab time in seconds since the Unix epoch, and the only way to wait."""

    @property
    def kind(self) -> str:
        """Name the time that is kept: "wall" or "virtual" (for provenance and reports)."""
        ...

    def now_s(self) -> float:
        """Return lab time in s since the Unix epoch."""
        ...

    def wait_until(self, t_s: float) -> None:
        """Return when lab time has reached `t_s` and all that was due by then has happened."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` (0 or more) of lab time pass."""
        ...

    def wall_timeout_s(self, deadline_s: float) -> float:
        """Return how long a library call may block in wall time when it has `deadline_s` of lab time."""
        ...


# A machine that slept wakes up in the middle of a sleep, which knows nothing of it.
_LONGEST_NAP_S = 5.0


class WallClock:
    """The time of this host, free of steps once started, and going on while the host sleeps."""

    kind = "wall"

    def __init__(self) -> None:
        self._epoch_s = time.time() - boot_s()

    def now_s(self) -> float:
        """Return host time in s since the Unix epoch, free of steps."""
        return self._epoch_s + boot_s()

    def wait_until(self, t_s: float) -> None:
        """Sleep until `t_s`; return at once when it has passed."""
        while (left_s := t_s - self.now_s()) > 0:
            time.sleep(min(left_s, _LONGEST_NAP_S))

    def sleep(self, duration_s: float) -> None:
        """Sleep for `duration_s`; nothing for zero or less."""
        self.wait_until(self.now_s() + duration_s)

    def wall_timeout_s(self, deadline_s: float) -> float:
        """Return the deadline itself: on the wall clock both are the same time."""
        return deadline_s


def utc_now_s() -> float:
    """Return the host's UTC time in s since the Unix epoch (for time stamps of people and files)."""
    return time.time()


def monotonic_s() -> float:
    """Return a host time in s that only moves forward (for durations and deadlines of the wire)."""
    return time.monotonic()


def boot_s() -> float:
    """Return the time in s since the host was started, its sleep included where the system tells."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
