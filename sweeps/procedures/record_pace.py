"""How often the appliance makes a record, as its first records show, beside what the plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import StationError

if TYPE_CHECKING:
    from drivers.facts.telemetry import TelemetryRecord

# One may be long where the appliance made no key for a while; the shortest of some is its period.
_SPACINGS = 3
_TOO_SLOW = 1.1


class RecordPace:
    """Learns the appliance's record period from the first records that it is shown."""

    def __init__(self, planned_s: float) -> None:
        self._planned_s = planned_s
        self._spacings_s: list[float] = []
        self._previous: TelemetryRecord | None = None

    def period_s(self) -> float:
        """Return the appliance's record period in s; the plan's as long as nothing is known of it."""
        return min(self._spacings_s, default=self._planned_s)

    def note(self, record: TelemetryRecord) -> None:
        """Take in the next record; StationError if the appliance makes fewer records than the plan takes."""
        previous, self._previous = self._previous, record
        if len(self._spacings_s) == _SPACINGS or previous is None or record.sequence <= previous.sequence:
            return
        # By number, so that records which nobody has read do not count.
        spacing_s = (record.window_start_s - previous.window_start_s) / (record.sequence - previous.sequence)
        if spacing_s > 0:
            self._spacings_s.append(spacing_s)
        if len(self._spacings_s) == _SPACINGS and self.period_s() > _TOO_SLOW * self._planned_s:
            raise StationError(
                f"the appliance makes a record each {self.period_s():.4g} s, the plan says"
                f" {self._planned_s:g} s: slots would stay empty; give the plan its record_period_s"
            )

    def in_words(self) -> str:
        """Return what is known of the appliance's period beside the plan's."""
        made = f"the appliance makes one each {self.period_s():.4g} s"
        return f"{made}, the plan takes one each {self._planned_s:g} s"
