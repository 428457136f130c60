"""The stability run: key rate, QBER, visibility and counts over days on an absolute schedule (paper, 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.procedures.preparation import prepare_link
from sweeps.procedures.slots import RECORD_WINDOW_S, SlotSchedule

if TYPE_CHECKING:
    from drivers.facts.inventory import Plan
    from drivers.station import Station
    from sweeps.running.progress import Progress
    from sweeps.record.run_record import RunRecord

TOUCHES = "opens the attenuator at 0 dB; then only reads"
SETTLE_S = 5.0
"""Lab time between opening the link and the first slot."""


def record_count(plan: Plan) -> int:
    """Return how many telemetry records the run takes."""
    return plan.stability.records


def duration_s(plan: Plan) -> float:
    """Return the lab time that the run takes, in s."""
    return SETTLE_S + plan.stability.records * plan.record_period_s + RECORD_WINDOW_S


def steps(plan: Plan) -> list[str]:
    """Return what the run would do, a line a step."""
    return [
        "set the channel's wavelength, open the attenuator at 0 dB",
        f"take {plan.stability.records} records, one each {plan.record_period_s:g} s",
        "back to the safe state",
    ]


def run_stability(station: Station, plan: Plan, run: RunRecord, progress: Progress) -> None:
    """Take the plan's records; every row is committed before the next is taken."""
    offset_s = prepare_link(station, run)
    station.clock.sleep(SETTLE_S)
    schedule = SlotSchedule(
        station.clock,
        station.receiver(),
        run,
        start_s=station.clock.now_s(),
        period_s=plan.record_period_s,
        count=plan.stability.records,
        offset_s=offset_s,
    )
    schedule.take_all(progress, "0 dB")
