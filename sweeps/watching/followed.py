"""All that is kept of a run while it is followed: sums and stretches, never the records themselves."""

from __future__ import annotations

from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from drivers.facts.telemetry import RECORD_WINDOW_S
from sweeps.record.facts import RunFacts
from sweeps.record.schema import HOST_CLOCK, NOT_READ, NOT_SAFE, RESUMED, SAFE
from sweeps.watching.alarms import OddTelemetry, Told, oddity_of
from sweeps.watching.pace import Pacer
from sweeps.watching.run_view import QUANTITIES, JournalLine, Newest
from sweeps.watching.spread import Buckets
from sweeps.watching.visits import Visit

if TYPE_CHECKING:
    from sweeps.record.schema import Event, Gap, Point, Schedule
    from sweeps.watching.record_tail import NewRows, TelemetryRow

JOURNAL_LINES = 40
LOST_LINES = 10
_MOST_TEXT = 400


class FollowedRun:
    """Takes in the rows of a run in the order in which they were written."""

    def __init__(self) -> None:
        self._points: dict[int, Point] = {}
        self.facts = RunFacts()
        self.buckets = Buckets(self.period_s(), len(QUANTITIES))
        self.visits: dict[int | None, Visit] = {}
        self.pacer = Pacer()
        self.newest: Newest | None = None
        self.journal: deque[JournalLine] = deque(maxlen=JOURNAL_LINES)
        self.not_read = Told()
        self.safety: Event | None = None
        self.odd = OddTelemetry()
        self.lost = 0
        self.lost_gaps: deque[Gap] = deque(maxlen=LOST_LINES)
        self.has_schedule = False
        self.measured = 0
        """Acquisitions of the fibre, or readings of power."""
        self._slots_scheduled = 0
        self._record_utc_s = 0.0
        self._slot_ended_s: float | None = None

    def take_in(self, rows: NewRows) -> None:
        """Take in all rows of a look."""
        self.facts = rows.facts
        if self.newest is None:  # as narrow as the plan's period, which is known only now
            self.buckets = Buckets(self.period_s(), len(QUANTITIES))
        for started_utc_s in rows.sessions_utc_s:
            self.pacer.start_anew(started_utc_s)
        self._points.update({point.number: point for point in rows.points})
        for point in rows.points:
            self._visit(point.number)
        for schedule in rows.schedules:
            self._plan(schedule)
        for gap in rows.gaps:
            self._miss(gap)
        for event in rows.events:
            self._note(event)
        for utc_s in rows.measured_utc_s:
            self.measured += 1
            self.pacer.note(utc_s, self.measured)
        for point, records in groupby(rows.telemetry, lambda row: row.point):
            self._take(point, list(records))

    def pass_over(self, quiet_s: float | None) -> None:
        """Count slots as missing whose turn came in `quiet_s`, the time since the newest record; None: none.

        A later reading may still bring their records, and a later call takes back this one. Slots go by the
        appliance's clock: how far it has come is known from the slot of the newest record.
        """
        lab_time_s = None
        if quiet_s is not None and self._slot_ended_s is not None:
            lab_time_s = self._slot_ended_s + quiet_s
        current, runner = self._current(), self.facts.runner
        is_taken_up = runner is not None and runner.started_utc_s > self._record_utc_s
        if is_taken_up and current is not None and current.point is not None:
            # A sweep that was taken up visits its point once more, and leaves this visit as it is.
            lab_time_s = None
        for visit in self.visits.values():
            visit.pass_over(lab_time_s if visit is current else None)

    def period_s(self) -> float:
        """Return the record period; where the plan does not say, what an appliance's record covers."""
        return self.facts.plan.record_period_s or RECORD_WINDOW_S

    def points_db(self) -> list[float]:
        """Return the points of a planned sweep; none outside one."""
        return self.facts.plan.attenuation.added_db if self.facts.procedure == "attenuation" else []

    def settle_s(self) -> float:
        """Return how long a planned sweep waits at each point; 0 outside one."""
        return self.facts.plan.attenuation.settle_s if self.points_db() else 0.0

    def records_per_point(self) -> int:
        """Return how many records the plan wants at each point of a sweep; 0 where it does not say."""
        return self.facts.plan.attenuation.records_per_point or 0

    def takes_telemetry(self) -> bool:
        """Return whether its records are telemetry, as far as is known."""
        return self.facts.counted == "records"

    def has_begun(self) -> bool:
        """Return whether the schedule that is on has a record yet."""
        current = self._current()
        return current is not None and current.taken > 0

    def taken(self) -> int:
        """Return how many records are taken: slots that have one, and what is measured besides telemetry."""
        return sum(visit.taken for visit in self.visits.values()) + self.measured

    def missing(self) -> int:
        """Return how many slots have none, though their turn has passed."""
        return sum(visit.empty.count for visit in self.visits.values())

    def dealt_with(self) -> int:
        """Return how many slots are behind the run, with a record or without."""
        return sum(visit.dealt_with() for visit in self.visits.values()) + self.measured

    def planned(self) -> int | None:
        """Return how many records are planned; None where the record does not say."""
        planned = self.facts.records_planned_at(None)
        return (self._slots_scheduled or None) if planned is None else planned

    def _current(self) -> Visit | None:
        return next(reversed(self.visits.values()), None)

    def _visit(self, number: int | None) -> Visit:
        visit = self.visits.get(number)
        if visit is None:
            point = None if number is None else self._points.get(number)
            visit = self.visits[number] = Visit(point, self.period_s())
        return visit

    def _plan(self, schedule: Schedule) -> None:
        self.has_schedule = True
        self._slots_scheduled += schedule.end_slot - schedule.first_slot
        self._visit(schedule.point).plan(schedule)

    def _miss(self, gap: Gap) -> None:
        if gap.slot is not None:
            self._visit(gap.point).miss(gap.slot, gap.reason)
            return
        if gap.first_sequence is not None and gap.last_sequence is not None:
            self.lost += gap.last_sequence - gap.first_sequence + 1
        self.lost_gaps.append(gap)

    def _note(self, event: Event) -> None:
        self.journal.append(JournalLine(event.lab_time_s, event.kind, event.text[:_MOST_TEXT]))
        if event.kind == HOST_CLOCK:
            self.pacer.start_anew(event.utc_s)
        elif event.kind == NOT_READ:
            self.not_read.note(event)
        elif event.kind in {SAFE, NOT_SAFE}:
            self.safety = event
        elif event.kind == RESUMED:
            self.safety = None

    def _take(self, point: int | None, rows: list[TelemetryRow]) -> None:
        """Take in records of one visit, at least one."""
        visit = self._visit(point)
        elsewhere = self.dealt_with() - visit.dealt_with()
        is_key_expected = visit.point is None or visit.point.added_db == 0
        for row in rows:
            visit.take(row)
            self.pacer.note(row.utc_s, elsewhere + visit.dealt_with())
            self.odd.note(row.window_start_s, oddity_of(row.values(), is_key_expected=is_key_expected))
        self._record_utc_s = rows[-1].utc_s
        self._slot_ended_s = visit.end_of(rows[-1].slot)
        values = np.array([row.values() for row in rows], dtype=np.float64)
        numbers = np.flatnonzero(np.isfinite(values).all(axis=1))
        if numbers.size == 0:
            return
        if numbers.size < len(rows):  # no mean would outlive the others
            rows, values = [rows[int(index)] for index in numbers], values[numbers]
        times_s = np.array([row.window_start_s for row in rows], dtype=np.float64)
        visit.measure(times_s, values)
        self.buckets.add_all(times_s, values)
        self.newest = Newest(rows[-1].window_start_s, rows[-1].utc_s, rows[-1].values())
