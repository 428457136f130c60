"""The absolute schedule of telemetry: one slot a record period, and what became of each.

A record belongs to the slot in which its window starts, however late it is read, so a wire that was
down for a while costs nothing that the appliance still holds. A slot that stays empty becomes a gap
row with its reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.errors import GearError
from sweeps.record import Gap

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.telemetry import TelemetryRecord
    from drivers.roles import QkdAppliance
    from sweeps.progress import Progress
    from sweeps.record import RunRecord

RECORD_WINDOW_S = 1.0
"""A record covers this much and is there at its end."""


class SlotSchedule:
    """Takes `count` records from `start_s` on, one each `period_s`, and commits each before the next."""

    def __init__(
        self,
        clock: Clock,
        appliance: QkdAppliance,
        run: RunRecord,
        start_s: float,
        period_s: float,
        count: int,
        point: int | None = None,
    ) -> None:
        self._clock = clock
        self._appliance = appliance
        self._run = run
        self._start_s = start_s
        self._period_s = period_s
        self._count = count
        self._point = point
        self._due = 0
        self._filled: set[int] = set()
        self._reason = "the appliance gave no record for this slot"
        self._reasons: dict[int, str] = {}

    def take_all(self, progress: Progress, text: str) -> None:
        """Take every slot in turn, then write a gap row for each that stayed empty."""
        try:
            for slot in range(self._count):
                # A window that starts in this slot has ended by then.
                due_s = self._start_s + (slot + 1) * self._period_s + RECORD_WINDOW_S
                self._clock.wait_until(due_s)
                self._due = slot + 1
                self._read(slot)
                progress.advance(1, text)
        finally:
            self._write_gaps()

    def _read(self, slot: int) -> None:
        try:
            batch = self._appliance.read_telemetry()
        except GearError as error:
            self._reasons[slot] = str(error)
            self._run.add_event(self._clock.now_s(), "telemetry not read", str(error))
            return
        for gap in batch.gaps:
            self._run.add_gap(Gap(None, gap.first, gap.last, gap.reason))
        for record in batch.records:
            self._keep(record)

    def _keep(self, record: TelemetryRecord) -> None:
        slot = math.floor((record.window_start_s - self._start_s) / self._period_s)
        if 0 <= slot < self._count and record.window_start_s >= self._start_s:
            self._run.add_record(slot, self._point, record)
            self._filled.add(slot)

    def _write_gaps(self) -> None:
        for slot in range(self._due):
            if slot not in self._filled:
                self._run.add_gap(Gap(slot, None, None, self._reasons.get(slot, self._reason)))
