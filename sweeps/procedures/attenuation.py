"""The attenuation sweep: key rate and QBER against loss added to the fibre (paper, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.attenuators.combinations import pieces_for
from drivers.facts.gear import FixedAttenuatorsGear
from drivers.facts.telemetry import RECORD_WINDOW_S
from sweeps.procedures.appliance_clock import ApplianceClock
from sweeps.procedures.preparation import prepare_link, prepare_steps
from sweeps.procedures.record_pace import RecordPace
from sweeps.procedures.slots import SlotSchedule, skip_telemetry
from sweeps.record.schema import Gap, Schedule

if TYPE_CHECKING:
    from drivers.facts.inventory import Plan
    from drivers.facts.inventory import Station as StationFacts
    from drivers.station import Station
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord
    from sweeps.record.schema import Point

TOUCHES = "moves the attenuator and darkens the link: key making slows down and stops at high loss"

_BROKEN_OFF = "not read before the run was broken off"


def record_count(plan: Plan, station: StationFacts) -> int:  # noqa: ARG001 - as all procedures
    """Return how many telemetry records the sweep takes."""
    return len(plan.attenuation.added_db) * plan.attenuation.records_per_point


def duration_s(plan: Plan, station: StationFacts) -> float:  # noqa: ARG001 - as all procedures
    """Return the lab time that the sweep takes, in s."""
    waiting_s = plan.attenuation.settle_s + RECORD_WINDOW_S
    taking_s = plan.attenuation.records_per_point * plan.record_period_s
    return len(plan.attenuation.added_db) * (waiting_s + taking_s)


def steps(plan: Plan, station: StationFacts) -> list[str]:
    """Return what the sweep would do, a line a step."""
    points = [
        f"set {added_db:g} dB added{_by_hand(added_db, station)}, let it settle for"
        f" {plan.attenuation.settle_s:g} s, take {plan.attenuation.records_per_point} records"
        for added_db in plan.attenuation.added_db
    ]
    return [*prepare_steps(station), *points, "back to the safe state"]


def _by_hand(added_db: float, station: StationFacts) -> str:
    """Return what an operator is asked for at a point, if anything."""
    for name, gear in station.gear.items():
        if isinstance(gear, FixedAttenuatorsGear):
            wanted = pieces_for(gear.pieces, added_db, name)
            return f" (an operator has {' and '.join(wanted) or 'no attenuator'} in line)"
    if station.reference.kind != "attenuator_removed":
        return ""
    return " (asks an operator to take the attenuator out)" if added_db == 0 else " (attenuator in line)"


def run_attenuation(station: Station, plan: Plan, run: RunRecord, progress: Progress) -> None:
    """Visit each point of the plan and take its records; every row is committed before the next is taken.

    A point whose records are all there is not visited again; one that was broken off is, for the rest.
    """
    for added_db in plan.attenuation.added_db:
        station.setting_for(added_db)  # refused now rather than hours later
    prepared = prepare_link(station, run)
    receiver = station.receiver()
    clock = ApplianceClock(station.clock, receiver, run, prepared.offset_s)
    pace = RecordPace(plan.record_period_s)
    for step, added_db in enumerate(plan.attenuation.added_db):
        first_slot = _slots_taken(run, step)
        progress.skip(first_slot)
        if first_slot >= plan.attenuation.records_per_point:
            continue
        point = _go_to(station, plan, run, step)
        start_s = point.settled_s + clock.offset_s - first_slot * plan.record_period_s
        schedule = Schedule(
            point.number, start_s, plan.record_period_s, first_slot, plan.attenuation.records_per_point
        )
        run.add_schedule(schedule)
        slots = SlotSchedule(clock, receiver, run, schedule, pace)
        slots.take_all(progress, f"{added_db:g} dB")


def _go_to(station: Station, plan: Plan, run: RunRecord, step: int) -> Point:
    """Set the point of `step`, let it settle, and note that it is visited; what came before is not read."""
    clock = station.clock
    added_db = plan.attenuation.added_db[step]
    loss = station.set_added_db(added_db)
    clock.sleep(plan.attenuation.settle_s)
    wavelength_nm = station.attenuator().wavelength_nm()
    skip_telemetry(station.receiver(), clock, run)
    return run.add_point(
        step,
        added_db,
        loss.setting_db,
        loss.readback_db,
        wavelength_nm,
        settled_s=clock.now_s(),
        uncertainty_db=loss.uncertainty_db,
    )


def _slots_taken(run: RunRecord, step: int) -> int:
    """Return how many slots of a step earlier visits have dealt with, each by a record or a gap row."""
    visits = {point.number for point in run.points() if point.step == step}
    gaps = {(gap.point, gap.slot) for gap in run.gaps()}
    taken = 0
    for schedule in run.schedules():
        if schedule.point not in visits:
            continue
        filled = run.filled_slots(schedule.point)
        missed = {slot for point, slot in gaps if point == schedule.point and slot is not None}
        end_slot = max(filled | missed, default=schedule.first_slot - 1) + 1
        for slot in set(range(schedule.first_slot, end_slot)) - filled - missed:
            run.add_gap(Gap(slot, None, None, _BROKEN_OFF, schedule.point))
        taken = max(taken, end_slot)
    return taken
