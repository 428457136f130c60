"""What a run's facts say about its plan; a record of an unfinished or foreign run may say little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweeps.watching.run_view import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERIOD_S = 1.0
"""Where the plan does not say: what an appliance's record covers."""


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """The points of a planned sweep; no points outside one."""

    added_db: tuple[float, ...] = ()
    records_per_point: int = 0
    settle_s: float = 0.0


def facts_of(run: str, meta: Mapping[str, Any]) -> Facts:
    """Return the facts of a run from its meta rows."""
    plan = meta.get("plan", {})
    return Facts(
        run=run,
        procedure=str(meta.get("procedure", "")),
        station=str(meta.get("station", "")),
        station_title=str(meta.get("station_title", "")),
        plan_name=str(meta.get("plan_name", "")),
        plan_title=str(plan.get("title", "")),
        target=str(meta.get("target", "")),
        clock=str(meta.get("clock", "")),
        period_s=float(plan.get("record_period_s", _PERIOD_S)),
        started_utc_s=meta.get("started_utc_s"),
        finished_utc_s=meta.get("finished_utc_s"),
    )


def sweep_plan(meta: Mapping[str, Any]) -> SweepPlan:
    """Return the points of an attenuation sweep."""
    sweep = meta.get("plan", {}).get("attenuation")
    if meta.get("procedure") != "attenuation" or sweep is None:
        return SweepPlan()
    return SweepPlan(
        tuple(sweep["added_db"]), int(sweep["records_per_point"]), float(sweep.get("settle_s", 0.0))
    )


def planned_records(meta: Mapping[str, Any]) -> int | None:
    """Return how many records the plan asks for; None for a procedure or a record that does not say."""
    sweep = sweep_plan(meta)
    if sweep.added_db:
        return len(sweep.added_db) * sweep.records_per_point
    if meta.get("procedure") == "stability" and "plan" in meta:
        return int(meta["plan"]["stability"]["records"])
    return None
