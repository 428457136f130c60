"""The parts of the picture that are drawn or listed, taken from what is kept of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.watching.run_view import (
    QUANTITIES,
    Column,
    Empty,
    Facts,
    GapLine,
    Gaps,
    Level,
    Series,
    SweepPoint,
)
from sweeps.watching.spread import Spread
from sweeps.watching.visits import summaries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweeps.record.schema import Gap
    from sweeps.record.state import RunState
    from sweeps.watching.empty_slots import Stretch
    from sweeps.watching.followed import FollowedRun
    from sweeps.watching.spread import Buckets
    from sweeps.watching.visits import Visit

_MOST_GAP_LINES = 20
_DIGITS = 6
"""More than a screen can show, and a third of what the numbers would take at full length."""


def series_of(buckets: Buckets) -> Series:
    """Return all quantities over time."""
    held = buckets.in_order()
    columns = tuple(
        Column(
            tuple(_rounded(bucket.quantities[number].low) for bucket in held),
            tuple(_rounded(bucket.quantities[number].mean) for bucket in held),
            tuple(_rounded(bucket.quantities[number].high) for bucket in held),
        )
        for number in range(len(QUANTITIES))
    )
    return Series(buckets.width_s, tuple(round(bucket.time_s.mean, 1) for bucket in held), columns)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def levels_of(run: FollowedRun) -> tuple[Level, ...]:
    """Return the means at each setting, in the order in which the settings were visited."""
    return tuple(level for visit in run.visits.values() if (level := visit.level()) is not None)


def gaps_of(run: FollowedRun) -> Gaps:
    """Return what is missing; of many lines the newest."""
    stretches = [(visit, stretch) for visit in run.visits.values() for stretch in visit.empty.stretches()]
    lines = [_line_of(visit, stretch) for visit, stretch in reversed(stretches[-_MOST_GAP_LINES:])]
    lines += [_lost_line(gap) for gap in reversed(run.lost_gaps)]
    return Gaps(
        slots=run.missing(),
        shaded=_joined(
            (times for visit, stretch in stretches if (times := visit.time_of(stretch)) is not None),
            apart_s=run.buckets.width_s / 2,
        ),
        newest=tuple(lines),
        not_shown=max(len(stretches) - _MOST_GAP_LINES, 0),
    )


def _joined(times: Iterable[tuple[float, float]], apart_s: float) -> tuple[Empty, ...]:
    """Return stretches of time in order, those that no eye could tell apart as one."""
    joined: list[Empty] = []
    for from_s, until_s in sorted(times):
        if joined and from_s - joined[-1].until_s <= apart_s:
            joined[-1] = Empty(joined[-1].from_s, max(joined[-1].until_s, until_s))
        else:
            joined.append(Empty(from_s, until_s))
    return tuple(joined)


def _line_of(visit: Visit, stretch: Stretch) -> GapLine:
    slots = f"slot {stretch.first}"
    if stretch.last > stretch.first:
        slots = f"slots {stretch.first} to {stretch.last} ({stretch.slots():,})"
    label = visit.label()
    times = visit.time_of(stretch)
    return GapLine(
        None if times is None else times[0], f"{label}, {slots}" if label else slots, stretch.reason
    )


def _lost_line(gap: Gap) -> GapLine:
    return GapLine(None, f"records {gap.first_sequence} to {gap.last_sequence}", gap.reason)


def shown_facts(name: str, run: FollowedRun) -> Facts:
    """Return what is planned, where and for whom; empty words for what the record does not say."""
    facts = run.facts
    return Facts(
        run=name,
        procedure=facts.procedure or "",
        station=facts.station or "",
        station_title=facts.station_title or "",
        plan_name=facts.plan_name or "",
        plan_title=facts.plan.title or "",
        target=facts.target or "",
        clock=facts.clock or "",
        counted=facts.counted,
        period_s=run.period_s(),
        started_utc_s=facts.started_utc_s,
        finished_utc_s=facts.finished_utc_s,
    )


def points_of(run: FollowedRun, state: RunState) -> tuple[SweepPoint, ...]:
    """Return the points of a planned sweep, visited or not; several visits of one are put together."""
    by_step: dict[int, list[Visit]] = {}
    for visit in run.visits.values():
        if visit.point is not None:
            by_step.setdefault(visit.point.step, []).append(visit)
    here = max((visit.point.number for visit in run.visits.values() if visit.point is not None), default=None)
    return tuple(
        _point_of(run, step, by_step.get(step, []), here, state) for step in range(len(run.points_db()))
    )


def _point_of(
    run: FollowedRun, step: int, visits: list[Visit], here: int | None, state: RunState
) -> SweepPoint:
    newest = visits[-1].point if visits else None
    spreads = tuple(Spread() for _ in QUANTITIES)
    for visit in visits:
        for spread, more in zip(spreads, visit.spreads(), strict=True):
            spread.merge(more)
    records = sum(visit.taken for visit in visits)
    return SweepPoint(
        added_db=run.points_db()[step],
        setting_db=None if newest is None else newest.setting_db,
        readback_db=None if newest is None else newest.readback_db,
        state=_state_of(
            is_visited=newest is not None,
            is_through=sum(visit.dealt_with() for visit in visits) >= run.records_per_point(),
            is_here=newest is not None and newest.number == here and not state.is_over(),
        ),
        records=records,
        planned=run.records_per_point(),
        quantities=summaries(spreads),
    )


def _state_of(*, is_visited: bool, is_through: bool, is_here: bool) -> str:
    if not is_visited:
        return "to come"
    if is_through:
        return "done"
    return "here" if is_here else "broken off"
