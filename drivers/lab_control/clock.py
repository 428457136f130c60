"""The station's `Clock` on an emulated lab: it moves the lab's own clock, as the lab's one waiter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.clock import monotonic_s
from drivers.facts.lab import ControlRequest

if TYPE_CHECKING:
    from drivers.lab_control.control import LabControl

# How long a library may wait in vain on a wire of a virtual lab, where a living device answers at once.
_VIRTUAL_WALL_TIMEOUT_S = 1.0
# However fast the lab's clock runs, a living device needs this much of ours to answer.
_LEAST_WALL_TIMEOUT_S = 0.25
# Longer waits are made of several, each well under what the control's wire allows an answer.
_LONGEST_WALL_WAIT_S = 60.0


class VirtualLabClock:
    """A virtual clock: lab time moves only while somebody waits here, or by a device's blocking command."""

    kind = "virtual"

    def __init__(self, control: LabControl) -> None:
        self._control = control
        self._now_s = control.ask(ControlRequest(do="claim_clock")).now_s
        self._is_known = True

    def now_s(self) -> float:
        """Return lab time in s since the Unix epoch."""
        if not self._is_known:
            self._now_s = self._control.ask(ControlRequest(do="now")).now_s
            self._is_known = True
        pushed_s = self._control.pushed_now_s()
        if pushed_s is not None:
            self._now_s = max(self._now_s, pushed_s)
        return self._now_s

    def wait_until(self, t_s: float) -> None:
        """Move the lab to `t_s`; return when all that is due by then has happened."""
        # Whoever is interrupted here does not know how far the lab has got.
        self._is_known = False
        self._now_s = self._control.ask(ControlRequest(do="wait_until", t_s=t_s)).now_s
        self._is_known = True

    def sleep(self, duration_s: float) -> None:
        """Move the lab on by `duration_s` (nothing for zero or less)."""
        if duration_s > 0:
            self.wait_until(self.now_s() + duration_s)

    def wall_timeout_s(self, deadline_s: float) -> float:
        """Return a short wall time: a lab that stands still will not answer later."""
        return min(deadline_s, _VIRTUAL_WALL_TIMEOUT_S)


class WallLabClock:
    """A lab on the wall clock: lab time runs at `factor` times the host's, from the lab's own start."""

    kind = "wall"

    def __init__(self, control: LabControl) -> None:
        self._control = control
        asked_s = monotonic_s()
        reply = control.ask(ControlRequest(do="claim_clock"))
        self._factor = reply.factor
        self._zero_s = reply.now_s - (asked_s + monotonic_s()) / 2 * reply.factor

    def now_s(self) -> float:
        """Return lab time in s since the Unix epoch."""
        return self._zero_s + monotonic_s() * self._factor

    def wait_until(self, t_s: float) -> None:
        """Wait at the lab's barrier until `t_s`, so that all that is due by then has happened."""
        while (at_most_s := self.now_s() + _LONGEST_WALL_WAIT_S * self._factor) < t_s:
            self._control.ask(ControlRequest(do="wait_until", t_s=at_most_s))
        self._control.ask(ControlRequest(do="wait_until", t_s=t_s))

    def sleep(self, duration_s: float) -> None:
        """Let `duration_s` of lab time pass (nothing for zero or less)."""
        if duration_s > 0:
            self.wait_until(self.now_s() + duration_s)

    def wall_timeout_s(self, deadline_s: float) -> float:
        """Return the wall time in which `deadline_s` of lab time passes, or what a living device needs."""
        return max(deadline_s / self._factor, _LEAST_WALL_TIMEOUT_S)
