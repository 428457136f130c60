"""The absolute schedule of telemetry: one slot a record period, and what became of each.

A record belongs to the slot in which its window starts, however late it is read, so a wire that was
down for a while costs nothing that the appliance still holds. A slot that stays empty becomes a gap
row with its reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.errors import GearError
from sweeps.record.run_record import Gap

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.telemetry import TelemetryRecord
    from drivers.roles import QkdAppliance
    from sweeps.running.progress import Progress
    from sweeps.record.run_record import RunRecord

RECORD_WINDOW_S = 1.0
"""A record covers this much and is there at its end."""
_GRACE_PERIODS = 2


class SlotSchedule:
    """Takes `count` records from `start_s` on, one each `period_s`, and commits each before the next.

    `offset_s` is the appliance's clock less the station's. `point` numbers the sweep point, if any.
    """

    def __init__(
        self,
        clock: Clock,
        appliance: QkdAppliance,
        run: RunRecord,
        *,
        start_s: float,
        period_s: float,
        count: int,
        offset_s: float = 0.0,
        point: int | None = None,
    ) -> None:
        self._clock = clock
        self._appliance = appliance
        self._run = run
        self._start_s = start_s
        self._period_s = period_s
        self._count = count
        self._offset_s = offset_s
        self._point = point
        self._anchor_s: float | None = None
        self._due = 0
        self._filled: set[int] = set()
        self._outside = 0
        self._reasons: dict[int, str] = {}

    def take_all(self, progress: Progress, text: str) -> None:
        """Take every slot in turn, then write a gap row for each that stayed empty."""
        try:
            self._skip_what_was_before()
            for slot in range(self._count):
                self._clock.wait_until(self._end_of(slot))
                self._due = slot + 1
                self._read(slot)
                progress.advance(1, text)
            self._read_what_is_late()
        finally:
            self._write_gaps()

    def _end_of(self, slot: int) -> float:
        """Return when a window that starts in `slot`, however late in it, has ended."""
        return self._start_s + (slot + 1) * self._period_s + RECORD_WINDOW_S

    def _skip_what_was_before(self) -> None:
        try:
            self._appliance.skip_telemetry()
        except GearError as error:
            # What is read for it later lies before the start and is left out there.
            self._run.add_event(self._clock.now_s(), "telemetry not skipped", str(error))

    def _read_what_is_late(self) -> None:
        """Give an appliance that hands its records out late some more periods."""
        for extra in range(_GRACE_PERIODS):
            if len(self._filled) == self._count:
                return
            self._clock.wait_until(self._end_of(self._count + extra))
            self._read(self._count - 1)

    def _read(self, slot: int) -> None:
        try:
            batch = self._appliance.read_telemetry()
        except GearError as error:
            self._reasons[slot] = str(error)
            self._run.add_event(self._clock.now_s(), "telemetry not read", str(error))
            return
        for gap in batch.gaps:
            self._run.add_gap(Gap(None, gap.first, gap.last, gap.reason, self._point))
        for record in batch.records:
            self._keep(record)

    def _keep(self, record: TelemetryRecord) -> None:
        start_s = record.window_start_s - self._offset_s
        if start_s < self._start_s:
            self._outside += 1
            return
        slot = self._slot_of(start_s)
        if slot >= self._count:
            self._outside += 1
            return
        self._run.add_record(slot, self._point, record)
        self._filled.add(slot)

    def _slot_of(self, start_s: float) -> int:
        """Return the slot of a window; the first one sets the phase, so that jitter moves none across."""
        if self._anchor_s is None:
            first = math.floor((start_s - self._start_s) / self._period_s)
            self._anchor_s = start_s - first * self._period_s
        return round((start_s - self._anchor_s) / self._period_s)

    def _write_gaps(self) -> None:
        reason = "the appliance gave no record for this slot"
        if self._outside:
            reason += f"; {self._outside} records lay outside the schedule"
        for slot in range(self._due):
            if slot not in self._filled:
                self._run.add_gap(Gap(slot, None, None, self._reasons.get(slot, reason), self._point))
