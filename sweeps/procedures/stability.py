"""The stability run: key rate, QBER, visibility and counts over days on an absolute schedule (paper, 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.telemetry import RECORD_WINDOW_S
from sweeps.procedures.appliance_clock import ApplianceClock
from sweeps.procedures.preparation import is_at_reference, prepare_link, prepare_steps
from sweeps.procedures.record_pace import RecordPace
from sweeps.procedures.slots import Absence, SlotSchedule, skip_telemetry
from sweeps.record.schema import FOUND_AWAY, Schedule

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.inventory import Plan
    from drivers.facts.inventory import Station as StationFacts
    from drivers.station import Station
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord

TOUCHES = "opens the attenuator at 0 dB; then only reads"
SETTLE_S = 5.0
"""Lab time between opening the link and the first slot."""

# An offset between two clocks is known no better.
_SAME_MOMENT_S = 1.0


def record_count(plan: Plan, station: StationFacts) -> int:  # noqa: ARG001 - as all procedures
    """Return how many telemetry records the run takes."""
    return plan.stability.records


def duration_s(plan: Plan, station: StationFacts) -> float:  # noqa: ARG001 - as all procedures
    """Return the lab time that the run takes, in s."""
    return SETTLE_S + plan.stability.records * plan.record_period_s + RECORD_WINDOW_S


def steps(plan: Plan, station: StationFacts) -> list[str]:
    """Return what the run would do, a line a step."""
    return [
        *prepare_steps(station),
        f"take {plan.stability.records} records, one each {plan.record_period_s:g} s",
        "back to the safe state",
    ]


def run_stability(station: Station, plan: Plan, run: RunRecord, progress: Progress) -> None:
    """Take the plan's records, or those that are still to be taken; each row is committed before the next."""
    planned = run.schedules()
    if planned and not is_at_reference(station):
        # Written before anything is touched: whoever comes after another kill finds the link put right.
        run.add_event(station.clock.now_s(), FOUND_AWAY, "while the run was broken off")
    prepared = prepare_link(station, run)
    station.clock.sleep(SETTLE_S)
    receiver = station.receiver()
    clock = ApplianceClock(station.clock, receiver, run, prepared.offset_s)
    if planned:
        schedule = planned[0]
        absence = _absence(run, station.clock, schedule, clock.now_s(), clock.offset_s)
    else:
        skip_telemetry(receiver, station.clock, run)
        schedule = Schedule(None, clock.now_s(), plan.record_period_s, 0, plan.stability.records)
        absence = None
        run.add_schedule(schedule)
    slots = SlotSchedule(clock, receiver, run, schedule, RecordPace(plan.record_period_s), absence)
    slots.take_all(progress, "0 dB")


def _absence(run: RunRecord, clock: Clock, schedule: Schedule, now_s: float, offset_s: float) -> Absence:
    """Return the time since the last record, in which nobody took any."""
    newest = run.newest_slot()
    from_s = schedule.start_s if newest is None else newest.record.window_start_s + newest.record.window_s
    reason = "the run was broken off here and taken up again later"
    doubt = _doubt(run, clock, from_s - offset_s)
    return Absence(from_s, now_s, f"{reason}; {doubt}" if doubt else reason, link_kept=doubt is None)


def _doubt(run: RunRecord, clock: Clock, from_s: float) -> str | None:
    """Return why the link may have been another one since `from_s` (station time); None if it was not."""
    since = [event.kind for event in run.events() if event.lab_time_s >= from_s - _SAME_MOMENT_S]
    if FOUND_AWAY in since:
        return "the link was not at its reference meanwhile"
    if clock.kind != "virtual":  # there, time stood still while nobody was there
        return "nobody knows what was done to the link meanwhile"
    return None
