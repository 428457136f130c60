"""The absolute schedule of telemetry: one slot a record period, and what became of each.

A record belongs to the slot in which its window starts, however late it is read, so a wire that was
down for a while costs nothing that the appliance still holds. A slot keeps the first record that starts
in it, so of an appliance that makes more records than the plan takes, the run has as many as planned. A
slot that stays empty becomes a gap row with its reason. Slots go by the appliance's clock, which stamps
the windows: this host's may be stepped, or be another host's when a run is taken up again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import GearError
from drivers.facts.telemetry import RECORD_WINDOW_S
from sweeps.procedures.host_clocks import HostClocks
from sweeps.record.schema import HOST_CLOCK, LEFT_OUT, NOT_READ, NOT_SKIPPED, Gap

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.telemetry import TelemetryRecord
    from drivers.roles import QkdAppliance
    from sweeps.procedures.appliance_clock import ApplianceClock
    from sweeps.procedures.record_pace import RecordPace
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord
    from sweeps.record.schema import Schedule

_GRACE_PERIODS = 2
# A wire that is down when the schedule ends gets so long to come back, with what the appliance holds.
_OUTAGE_S = 600.0
_ASK_AGAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Absence:
    """A time, by the appliance's clock, in which nobody took records; with `link_kept` they still count."""

    from_s: float
    until_s: float
    reason: str
    link_kept: bool
    """Whether the link was all the while as the run needs it."""

    def covers(self, start_s: float, end_s: float) -> bool:
        """Return whether any of [start_s, end_s) lies in it."""
        return start_s < self.until_s and end_s > self.from_s


def skip_telemetry(appliance: QkdAppliance, clock: Clock, run: RunRecord) -> None:
    """Take what the appliance made so far as read: before the start of a schedule is fixed, never after.

    However long the request takes, it skips no record of the schedule then.
    """
    try:
        appliance.skip_telemetry()
    except GearError as error:
        # What is read for it later lies before the start.
        run.add_event(clock.now_s(), NOT_SKIPPED, str(error))


class SlotSchedule:
    """Takes the slots of `schedule`, commits each record before the next, and goes on where the run stands.

    `clock` and `pace` are the appliance's. `absence` is the time for which the run was broken off.
    """

    def __init__(
        self,
        clock: ApplianceClock,
        appliance: QkdAppliance,
        run: RunRecord,
        schedule: Schedule,
        pace: RecordPace,
        absence: Absence | None = None,
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._appliance = appliance
        self._run = run
        self._schedule = schedule
        self._absence = absence
        self._host_clocks = HostClocks()
        self._anchor_s = self._recorded_anchor_s()
        self._filled = bytearray(schedule.end_slot)
        for slot in run.filled_slots(schedule.point):
            self._filled[slot] = True
        self._due = schedule.first_slot
        self._outside = 0
        self._left_out = 0
        self._is_wire_down = False
        self._reasons: dict[int, str] = {}

    def take_all(self, progress: Progress, text: str) -> None:
        """Take every slot in turn, then write a gap row for each that stayed empty."""
        schedule = self._schedule
        try:
            self._go_on()
            self._due = self._present_slot()
            progress.skip(self._due - schedule.first_slot)
            if self._absence is not None and not self._absence.link_kept:
                # At once: after the next kill nobody knows of this absence any more.
                self._write_gaps()
            for slot in range(self._due, schedule.end_slot):
                self._wait_for_end_of(slot)
                self._read(slot)
                self._due = slot + 1
                progress.advance(1, text)
            self._read_what_is_late()
        finally:
            self._write_gaps()
            if self._left_out > 1:
                self._note(LEFT_OUT, f"{self._left_out} records in all, their slots being filled")

    def _note(self, kind: str, text: str) -> None:
        self._run.add_event(self._clock.station.now_s(), kind, text)

    def _recorded_anchor_s(self) -> float | None:
        first = self._run.first_slot_of(self._schedule.point)
        return None if first is None else first.record.window_start_s - first.slot * self._schedule.period_s

    def _go_on(self) -> None:
        """Tell the appliance which records are new to a run that is taken up again."""
        newest = self._run.newest_slot()
        if newest is None or newest.point != self._schedule.point:
            return
        try:
            self._appliance.continue_telemetry(newest.record)
        except GearError as error:
            # What is read for it later has its slot already, and is left out there.
            self._note(NOT_SKIPPED, str(error))

    def _present_slot(self) -> int:
        """Return the slot that is open now: those before it need no waiting."""
        present = math.floor((self._clock.now_s() - self._schedule.start_s) / self._schedule.period_s)
        return min(max(present, self._schedule.first_slot), self._schedule.end_slot)

    def _wait_for_end_of(self, slot: int) -> None:
        """Wait until a window that starts in `slot`, however late in it, has ended."""
        self._clock.compare_if_due()
        self._clock.wait_until(
            self._schedule.start_s + (slot + 1) * self._schedule.period_s + RECORD_WINDOW_S
        )
        for told in self._host_clocks.what_happened():
            self._note(HOST_CLOCK, told)

    def _read_what_is_late(self) -> None:
        """Give an appliance that hands its records out late some more periods, a wire that is down longer."""
        schedule = self._schedule
        last_slot = schedule.end_slot - 1
        if not self._is_complete() and not self._is_wire_down:
            self._clock.compare()
        for extra in range(_GRACE_PERIODS):
            if self._is_complete():
                return
            self._wait_for_end_of(schedule.end_slot + extra)
            self._read(last_slot)
        give_up_s = self._clock.now_s() + _OUTAGE_S
        while self._is_wire_down and not self._is_complete() and self._clock.now_s() < give_up_s:
            self._clock.wait_until(self._clock.now_s() + max(schedule.period_s, _ASK_AGAIN_S))
            self._read(last_slot)

    def _is_complete(self) -> bool:
        return all(self._filled[self._schedule.first_slot :])

    def _read(self, slot: int) -> None:
        try:
            batch = self._appliance.read_telemetry()
        except GearError as error:
            self._is_wire_down = True
            self._reasons[slot] = str(error)
            self._note(NOT_READ, str(error))
            return
        self._is_wire_down = False
        for gap in batch.gaps:
            self._run.add_gap(Gap(None, gap.first, gap.last, gap.reason, self._schedule.point))
        for record in batch.records:
            self._pace.note(record)
        for record in batch.records:
            self._keep(record)

    def _keep(self, record: TelemetryRecord) -> None:
        schedule = self._schedule
        start_s = record.window_start_s
        slot = self._slot_of(start_s) if start_s >= self._first_start_s() else -1
        if slot < schedule.first_slot or slot >= schedule.end_slot:
            self._outside += 1
            return
        if self._is_blind(start_s, start_s + record.window_s):
            return
        if self._filled[slot]:
            self._leave_out(slot, record)
            return
        self._run.add_record(slot, schedule.point, record)
        self._filled[slot] = True

    def _leave_out(self, slot: int, record: TelemetryRecord) -> None:
        """Count a record whose slot is filled; the journal tells of the first, and at the end how many."""
        self._left_out += 1
        if self._left_out == 1:
            told = f"record {record.sequence} starts in slot {slot}, which has its record"
            self._note(LEFT_OUT, f"{told}; {self._pace.in_words()}")

    def _first_start_s(self) -> float:
        return self._schedule.start_s + self._schedule.first_slot * self._schedule.period_s

    def _is_blind(self, start_s: float, end_s: float) -> bool:
        absence = self._absence
        return absence is not None and not absence.link_kept and absence.covers(start_s, end_s)

    def _slot_of(self, start_s: float) -> int:
        """Return the slot of a window; the first one sets the phase, so that jitter moves none across.

        Between two windows of the appliance there is room for half their distance.
        """
        schedule = self._schedule
        if self._anchor_s is None:
            first = math.floor((start_s - schedule.start_s) / schedule.period_s)
            self._anchor_s = start_s - first * schedule.period_s
        slack_s = min(self._pace.period_s(), schedule.period_s) / 2
        return math.floor((start_s - self._anchor_s + slack_s) / schedule.period_s)

    def _write_gaps(self) -> None:
        for slot in range(self._schedule.first_slot, self._due):
            if not self._filled[slot]:
                self._run.add_gap(Gap(slot, None, None, self._reason_for(slot), self._schedule.point))

    def _reason_for(self, slot: int) -> str:
        if slot in self._reasons:
            return self._reasons[slot]
        start_s = self._schedule.start_s + slot * self._schedule.period_s
        if self._absence is not None and self._absence.covers(start_s, start_s + self._schedule.period_s):
            return self._absence.reason
        reason = "the appliance gave no record for this slot"
        if self._outside:
            reason += f"; {self._outside} records lay outside the schedule"
        return reason
