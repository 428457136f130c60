"""The lab's one clock: virtual (a client's waiting moves it) or wall (host time, sped up if wanted).

Everything that happens in the lab by itself is an event on this clock: a telemetry record, a
movement's end, a delayed reply. Events due at the same time run in the order in which they were set.
All of it runs in one asyncio loop, so an event needs no lock.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

ClockKind = Literal["virtual", "wall"]

# After so many events in a row the loop gets a turn, so that a long wait starves no connection.
_EVENTS_PER_TURN = 64


class LabClock:
    """Lab time in s since the Unix epoch, and the events that are due."""

    def __init__(self, kind: ClockKind, t0_s: float, factor: float = 1.0) -> None:
        self.kind: ClockKind = kind
        self.factor = factor
        self.on_moved: Callable[[float], None] = lambda _now_s: None
        """Called when a device's own blocking command has moved a virtual clock."""
        self._t0_s = t0_s
        self._wall0_s = time.monotonic()
        self._virtual_now_s = t0_s
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._events_set = 0
        self._new_event = asyncio.Event()

    def now_s(self) -> float:
        """Return lab time."""
        if self.kind == "virtual":
            return self._virtual_now_s
        return self._t0_s + (time.monotonic() - self._wall0_s) * self.factor

    def at(self, t_s: float, event: Callable[[], None]) -> None:
        """Let `event` happen at `t_s`, or as soon as time moves if that has passed."""
        self._events_set += 1
        heapq.heappush(self._events, (t_s, self._events_set, event))
        self._new_event.set()

    async def sleep(self, duration_s: float) -> None:
        """Return when `duration_s` of lab time has passed; on a virtual clock somebody else must wait."""
        done = asyncio.Event()
        self.at(self.now_s() + duration_s, done.set)
        await done.wait()

    async def wait_until(self, t_s: float) -> float:
        """Return lab time once all that is due up to `t_s` has happened."""
        if self.kind == "virtual":
            await self._move_to(t_s)
        elif (left_s := t_s - self.now_s()) > 0:
            await asyncio.sleep(left_s / self.factor)
        self._run_due()
        return self.now_s()

    async def block(self, duration_s: float) -> None:
        """Let a command that blocks on its wire take its time: a virtual clock moves to the command's end."""
        if self.kind == "wall":
            await asyncio.sleep(duration_s / self.factor)
            return
        await self._move_to(self.now_s() + duration_s)
        self.on_moved(self.now_s())

    async def run(self) -> None:
        """Keep a wall clock's events happening when they are due; for the life of the lab."""
        while True:
            self._new_event.clear()
            if self.kind == "wall":
                self._run_due()
            wait_s = (self._events[0][0] - self.now_s()) / self.factor if self._events else None
            if self.kind == "virtual":
                wait_s = None
            try:
                await asyncio.wait_for(self._new_event.wait(), wait_s)
            except TimeoutError:
                continue

    def _run_due(self) -> None:
        while self._events and self._events[0][0] <= self.now_s():
            heapq.heappop(self._events)[2]()

    async def _move_to(self, t_s: float) -> None:
        ran = 0
        while self._events and self._events[0][0] <= t_s:
            due_s, _, event = heapq.heappop(self._events)
            self._virtual_now_s = max(self._virtual_now_s, due_s)
            event()
            ran += 1
            if ran % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)
        self._virtual_now_s = max(self._virtual_now_s, t_s)


def host_time_s() -> float:
    """Return the host's time in s since the Unix epoch: where a lab on the wall clock begins."""
    return time.time()
