"""The attenuation sweep: key rate and QBER against loss added to the fibre (paper, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.procedures.preparation import prepare_link
from sweeps.procedures.slots import RECORD_WINDOW_S, SlotSchedule

if TYPE_CHECKING:
    from drivers.facts.inventory import Plan
    from drivers.station import Station
    from sweeps.running.progress import Progress
    from sweeps.record.run_record import RunRecord

TOUCHES = "moves the attenuator and darkens the link: key making slows down and stops at high loss"


def record_count(plan: Plan) -> int:
    """Return how many telemetry records the sweep takes."""
    return len(plan.attenuation.added_db) * plan.attenuation.records_per_point


def duration_s(plan: Plan) -> float:
    """Return the lab time that the sweep takes, in s."""
    waiting_s = plan.attenuation.settle_s + RECORD_WINDOW_S
    taking_s = plan.attenuation.records_per_point * plan.record_period_s
    return len(plan.attenuation.added_db) * (waiting_s + taking_s)


def steps(plan: Plan) -> list[str]:
    """Return what the sweep would do, a line a step."""
    points = [
        f"set {added_db:g} dB added, let it settle for {plan.attenuation.settle_s:g} s,"
        f" take {plan.attenuation.records_per_point} records"
        for added_db in plan.attenuation.added_db
    ]
    return ["set the channel's wavelength, open the attenuator at 0 dB", *points, "back to the safe state"]


def run_attenuation(station: Station, plan: Plan, run: RunRecord, progress: Progress) -> None:
    """Visit each point of the plan and take its records; every row is committed before the next is taken."""
    offset_s = prepare_link(station, run)
    for added_db in plan.attenuation.added_db:
        point, settled_s = _go_to(station, plan, run, added_db)
        schedule = SlotSchedule(
            station.clock,
            station.receiver(),
            run,
            start_s=settled_s,
            period_s=plan.record_period_s,
            count=plan.attenuation.records_per_point,
            offset_s=offset_s,
            point=point,
        )
        schedule.take_all(progress, f"{added_db:g} dB")


def _go_to(station: Station, plan: Plan, run: RunRecord, added_db: float) -> tuple[int, float]:
    """Set a point and let it settle; return its number and when it had settled (lab time in s)."""
    clock = station.clock
    loss = station.set_added_db(added_db)
    clock.sleep(plan.attenuation.settle_s)
    settled_s = clock.now_s()
    wavelength_nm = station.attenuator().wavelength_nm()
    point = run.add_point(added_db, loss.setting_db, loss.readback_db, wavelength_nm, settled_s)
    return point.number, settled_s
