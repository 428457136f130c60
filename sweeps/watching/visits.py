"""One schedule of a run as its rows come in: a visit to a sweep point, or the whole run outside a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.watching.empty_slots import EmptySlots, Stretch
from sweeps.watching.run_view import QUANTITIES, Level, Summary
from sweeps.watching.spread import Bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.record.schema import Point, Schedule
    from sweeps.watching.record_tail import TelemetryRow
    from sweeps.watching.spread import Floats, Spread


class Visit:
    """Counts the slots that have a record and those that have none, and sums up what was measured."""

    def __init__(self, point: Point | None, period_s: float) -> None:
        self.point = point
        self.taken = 0
        self.empty = EmptySlots()
        self._bucket = Bucket(len(QUANTITIES))
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

    def measure(self, times_s: Floats, values: Floats) -> None:
        """Sum up records, at least one: a row each in `values`, a column each quantity."""
        self._bucket.add_all(times_s, values)

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
        time_s = self._bucket.time_s
        if time_s.count == 0:
            return None
        return Level(self.label(), time_s.low, time_s.high, summaries(self._bucket.quantities))

    def spreads(self) -> tuple[Spread, ...]:
        """Return the quantities, summed up."""
        return self._bucket.quantities


def summaries(spreads: Sequence[Spread]) -> tuple[Summary, ...]:
    """Return what a watcher sees of `spreads`; nothing if they are empty."""
    return tuple(
        Summary(spread.mean, spread.sd(), spread.low, spread.high) for spread in spreads if spread.count
    )
