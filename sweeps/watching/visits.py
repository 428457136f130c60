"""One schedule of a run as its rows come in: a visit to a sweep point, or the whole run outside a sweep."""

from __future__ import annotations

import math
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
        self._end_slot = 0
        self._newest_slot = -1

    def plan(self, schedule: Schedule) -> None:
        """Take note of when its slots begin."""
        self._start_s = schedule.start_s
        self._period_s = schedule.period_s
        self._end_slot = schedule.end_slot
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

    def pass_over(self, lab_time_s: float | None) -> None:
        """Count as empty what ended a period or more before `lab_time_s` and has no record; None: nothing.

        Each call takes back the one before.
        """
        self.empty.forget_passed_over(self._newest_slot)
        if lab_time_s is None or self._start_s is None:
            return
        passed = math.floor((lab_time_s - self._start_s) / self._period_s) - 1
        last = min(passed, self._end_slot) - 1
        if last > self._newest_slot:
            self.empty.pass_over(self._newest_slot + 1, last)

    def measure(self, times_s: Floats, values: Floats) -> None:
        """Sum up records, at least one: a row each in `values`, a column each quantity."""
        self._bucket.add_all(times_s, values)

    def miss(self, slot: int, reason: str) -> None:
        """Take in a gap row."""
        self.empty.miss(slot, reason)

    def dealt_with(self) -> int:
        """Return how many slots have a record, or have none though their turn has passed."""
        return self.taken + self.empty.count

    def end_of(self, slot: int) -> float | None:
        """Return when `slot` ends; None before anything is known of the slots' times."""
        return None if self._start_s is None else self._start_s + (slot + 1) * self._period_s

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
