"""An appliance that makes records on a clock which only tests move, and the schedule that takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.telemetry import TelemetryRecord
from drivers.roles import ApplianceStatus, Identity, TelemetryBatch
from sweeps.procedures.appliance_clock import ApplianceClock
from sweeps.procedures.record_pace import RecordPace
from sweeps.procedures.slots import Absence, SlotSchedule
from sweeps.record.schema import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.errors import GearError
    from sweeps.record.run_record import RunRecord

T0_S = 1_700_000_000.0


def record_at(sequence: int, window_start_s: float) -> TelemetryRecord:
    """Return a record of a right bench."""
    return TelemetryRecord(
        sequence=sequence,
        window_start_s=window_start_s,
        window_s=1.0,
        skr_bps=2392.5,
        key_rate_bps=0.1 + 0.2,
        qber=0.019,
        visibility=0.9912,
        detection_count=18_199.0,
        readings={"Laser_Temperature": 25.01},
    )


class SteppedClock:
    kind = "virtual"

    def __init__(self) -> None:
        self.t_s = T0_S

    def now_s(self) -> float:
        return self.t_s

    def wait_until(self, t_s: float) -> None:
        self.t_s = max(self.t_s, t_s)

    def sleep(self, duration_s: float) -> None:
        self.t_s += duration_s

    def wall_timeout_s(self, deadline_s: float) -> float:
        return deadline_s


class ScriptedAppliance:
    """Makes a record each `period_s` of its own clock; reading number n fails with `failures[n]`.

    Its clock gains `gain` s in each, and is set by `step_s` when record `step_at` begins.
    """

    def __init__(
        self,
        clock: SteppedClock,
        period_s: float,
        failures: Mapping[int, GearError] | None = None,
        *,
        gain: float = 0.0,
        step_at: int = 0,
        step_s: float = 0.0,
    ) -> None:
        self._clock = clock
        self._period_s = period_s
        self._failures = failures or {}
        self._gain, self._step_at, self._step_s = gain, step_at, step_s
        self._read_up_to = 0
        self.readings = 0

    def status(self) -> ApplianceStatus:
        """Tell the clock; the rest does not matter."""
        begun = int(self._elapsed_s() // self._period_s)
        offset_s = self._elapsed_s() - (self._clock.t_s - T0_S) + self._step_by(begun)
        return ApplianceStatus(Identity("", "", "", ""), "bob", "COW-4", 1550.0, "Running", offset_s)

    def skip_telemetry(self) -> None:
        """Take all as read."""
        self._read_up_to = self._ended()

    def continue_telemetry(self, newest: TelemetryRecord) -> None:
        """Take all up to `newest` as read."""
        self._read_up_to = newest.sequence

    def read_telemetry(self) -> TelemetryBatch:
        """Read what is new."""
        self.readings += 1
        if self.readings in self._failures:
            raise self._failures[self.readings]
        new = range(self._read_up_to, self._ended())
        self._read_up_to = self._ended()
        starts_s = [T0_S + k * self._period_s + self._step_by(k) for k in new]
        return TelemetryBatch(
            [record_at(k + 1, start_s) for k, start_s in zip(new, starts_s, strict=True)], []
        )

    def _elapsed_s(self) -> float:
        return (self._clock.t_s - T0_S) * (1.0 + self._gain)

    def _ended(self) -> int:
        """Return how many windows have ended."""
        # What a float of this size cannot hold must not make a window end late.
        return int((self._elapsed_s() - 1.0 + 1e-6) // self._period_s) + 1

    def _step_by(self, record: int) -> float:
        return self._step_s if record >= self._step_at else 0.0


def schedule_of(
    clock: SteppedClock,
    appliance: ScriptedAppliance,
    run: RunRecord,
    count: int,
    *,
    start_s: float = T0_S,
    offset_s: float = 0.0,
    absence: Absence | None = None,
    pace: RecordPace | None = None,
) -> SlotSchedule:
    """Return a schedule of `count` slots of 10 s that begins at `start_s`, station time."""
    schedule = Schedule(None, start_s + offset_s, 10.0, 0, count)
    appliance_clock = ApplianceClock(clock, appliance, run, offset_s)  # pyright: ignore[reportArgumentType] - no more is used
    return SlotSchedule(appliance_clock, appliance, run, schedule, pace or RecordPace(10.0), absence)  # pyright: ignore[reportArgumentType] - as above
