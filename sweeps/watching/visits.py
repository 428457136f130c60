"""One schedule of a run as its rows come in: a visit to a sweep point, or the whole run outside a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.watching.empty_slots import EmptySlots, Stretch
from sweeps.watching.run_view import QUANTITIES, Level, Summary
from sweeps.watching.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.record.schema import Point, Schedule
    from sweeps.watching.record_tail import TelemetryRow


class Visit:
    """Counts the slots that have a record and those that have none, and sums up what was measured."""

    def __init__(self, point: Point | None, period_s: float) -> None:
        self.point = point
        self.taken = 0
        self.empty = EmptySlots()
        self.spreads = tuple(Spread() for _ in QUANTITIES)
        self.time_s = Spread()
        self._period_s = period_s
        self._start_s: float | None = None
        self._newest_slot = -1

    def plan(self, schedule: Schedule) -> None:
        """Take note of when its slots begin."""
        self._start_s = schedule.start_s
        self._period_s = schedule.period_s
        self._newest_slot = schedule.first_slot - 1

    def take(self, row: TelemetryRow) -> None:
        """Take in a record; slots that it passes over are empty for now."""
        if self._start_s is None:
            self._start_s = row.window_start_s - row.slot * self._period_s
        if row.slot > self._newest_slot:
            if row.slot > self._newest_slot + 1:
                self.empty.pass_over(self._newest_slot + 1, row.slot - 1)
            self.empty.fill(row.slot)
            self._newest_slot = row.slot
            self.taken += 1
        elif self.empty.fill(row.slot):
            self.taken += 1

    def measure(self, time_s: float, values: Sequence[float]) -> None:
        """Sum up the values of a record."""
        self.time_s.add(time_s)
        for spread, value in zip(self.spreads, values, strict=True):
            spread.add(value)

    def miss(self, slot: int, reason: str) -> None:
        """Take in a gap row."""
        self.empty.miss(slot, reason)

    def time_of(self, stretch: Stretch) -> tuple[float, float] | None:
        """Return when a stretch of slots begins and ends; None before anything is known of their times."""
        if self._start_s is None:
            return None
        return (
            self._start_s + stretch.first * self._period_s,
            self._start_s + (stretch.last + 1) * self._period_s,
        )

    def label(self) -> str:
        """Return what sets it apart from other visits; nothing outside a sweep."""
        return "" if self.point is None else f"{self.point.added_db:g} dB"

    def level(self) -> Level | None:
        """Return the mean of each quantity and from when to when it holds; None without a record."""
        if self.time_s.count == 0:
            return None
        return Level(self.label(), self.time_s.low, self.time_s.high, summaries(self.spreads))


def summaries(spreads: Sequence[Spread]) -> tuple[Summary, ...]:
    """Return what a watcher sees of `spreads`; nothing if they are empty."""
    return tuple(
        Summary(spread.mean, spread.sd(), spread.low, spread.high) for spread in spreads if spread.count
    )
