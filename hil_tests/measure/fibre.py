"""Measure the fibre by the OTDR's tables of events, from each end that has one.

A trace whose file is not the one that was taken, a direction that is missing, a link that the table does not
hold: each makes the check incomplete, with the reason in words.
"""

from __future__ import annotations

import math
from functools import wraps
from typing import TYPE_CHECKING

from hil_tests.measure.bidirectional import LARGEST_SHIFT_DB
from hil_tests.measure.directions import directions_at, is_same_wavelength, link_events, wavelengths_nm
from hil_tests.measure.estimates import exactly
from hil_tests.measure.event_verdict import loss_verdict, reflectance_verdict
from hil_tests.measure.measured import Measured
from hil_tests.measure.otdr_link import LinkNotFound, is_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.roles import MarkedDb
    from hil_tests.limits import Limit
    from hil_tests.measure.bidirectional import LinkEvent
    from hil_tests.measure.directions import Direction
    from hil_tests.measure.measured import Measure
    from hil_tests.run_data import RunData

# A slope needs a line of some length: over 50 pulses (500 m at 100 ns) it is good to about 0.005 dB/km.
_LEAST_PULSES_FOR_SLOPE = 50.0


def _or_reason(measure: Measure) -> Measure:
    """Make a link that was not found an answer without a value."""

    @wraps(measure)
    def measured(data: RunData, limit: Limit) -> Measured:
        try:
            return measure(data, limit)
        except LinkNotFound as error:
            return Measured(None, str(error))

    return measured


def coverage(data: RunData, limit: Limit) -> Measured:
    """Give the share of the planned traces that were taken and are there as they were taken."""
    del limit
    planned = data.facts.records_planned
    if not planned:
        return Measured(None, "the run does not say how many traces were planned")
    whole = [trace for trace in data.traces if not trace.problem]
    problems = "; ".join(trace.problem for trace in data.traces if trace.problem)
    if problems:
        return Measured(None, problems)
    return Measured(exactly(len(whole) / planned, planned), f"{len(whole)} of {planned}")


@_or_reason
def worst_length_offset(data: RunData, limit: Limit) -> Measured:
    """Give the measured length less the inventory's in m, where it is largest, of all traces."""
    expected_km = data.facts.fibre.length_km
    if expected_km is None:
        return Measured(None, "the run does not say the fibre's length")
    chosen_nm = wavelengths_nm(data) if limit.wavelength_nm is None else [limit.wavelength_nm]
    directions = [direction for nm in chosen_nm for direction in directions_at(data, nm)]
    worst = max(directions, key=lambda each: abs(each.link.length_m - 1000.0 * expected_km), default=None)
    if worst is None:
        return Measured(None, "no trace was taken")
    note = f"{worst.trace.name}: {worst.link.length_m / 1000.0:.4f} km"
    return Measured(exactly(worst.link.length_m - 1000.0 * expected_km, len(directions)), note)


@_or_reason
def loss_offset(data: RunData, limit: Limit) -> Measured:
    """Give the link's loss, mean of both directions, less the inventory's in dB."""
    fibre = data.facts.fibre
    assert limit.wavelength_nm is not None  # noqa: S101 - the limits file is checked for it
    if fibre.loss_db is None or fibre.wavelength_nm is None:
        return Measured(None, "the run does not say the fibre's loss")
    if not is_same_wavelength(fibre.wavelength_nm, limit.wavelength_nm):
        return Measured(None, f"the inventory gives the fibre's loss at {fibre.wavelength_nm:g} nm only")
    measured = _mean_loss(_directions(data, limit))
    if measured.estimate is None:
        return measured
    n = measured.estimate.n
    note = f"{measured.note}; {measured.estimate.value:.3f} dB, inventory {fibre.loss_db:g} dB"
    return Measured(exactly(measured.estimate.value - fibre.loss_db, n), note)


def _mean_loss(directions: Sequence[Direction]) -> Measured:
    losses_db = [direction.loss_db() for direction in directions]
    told = ", ".join(f"{loss:.3f} dB from {d.site}" for loss, d in zip(losses_db, directions, strict=True))
    alone = "one direction only: " if len(directions) == 1 else ""
    return Measured(exactly(sum(losses_db) / len(losses_db), len(losses_db)), f"{alone}{told}")


@_or_reason
def worst_connection_loss(data: RunData, limit: Limit) -> Measured:
    """Give the loss in dB of the event with a reflection that loses most: a connector, or several."""
    directions = _directions(data, limit)
    events = [e for e in link_events(directions) if e.reflectance_db is not None]
    return _worst_loss(events, directions, limit, "connection")


@_or_reason
def worst_splice_loss(data: RunData, limit: Limit) -> Measured:
    """Give the loss in dB of the event without a reflection that loses most: a splice, a bend."""
    directions = _directions(data, limit)
    events = [e for e in link_events(directions) if e.reflectance_db is None]
    return _worst_loss(events, directions, limit, "splice")


def _worst_loss(
    events: Sequence[LinkEvent], directions: Sequence[Direction], limit: Limit, kind: str
) -> Measured:
    """Give the loss of the worst event, as a value only where no event can be on the limit's other side."""
    for direction in directions:
        # The losses of the two connectors must be there, or the worst could be one of them.
        direction.loss_db()
    high_db = math.inf if limit.high is None else limit.high
    beyond = [event for event in events if loss_verdict(event, high_db) == "fail"]
    if not beyond:
        if len(directions) == 1:
            return Measured(None, _of_one_direction(events, kind))
        untold = [event for event in events if loss_verdict(event, high_db) == "incomplete"]
        if untold:
            worst = max(untold, key=lambda event: event.loss_db)
            return Measured(None, _why_untold(worst, directions))
    if not events:
        return Measured(exactly(0.0, len(directions)), "no such event")
    worst = max(beyond or events, key=lambda event: event.loss_db)
    note = f"at {_km(worst.position_m)}, of {len(events)} events{_marks(worst, directions)}"
    return Measured(exactly(worst.loss_db, len(events)), note)


def _marks(event: LinkEvent, directions: Sequence[Direction]) -> str:
    """Say what is to be known of an event's loss beside its value; empty if it is plain."""
    marks = ", approximate: a neighbour's loss may be in it" if event.is_approximate else ""
    if event.is_from_one_end:
        return f"{marks}, one direction only: at most {LARGEST_SHIFT_DB:g} dB of it are backscatter's"
    if event.is_seen_once:
        return f"{marks}, {_seen_by_one(event, directions)}"
    return marks


def _of_one_direction(events: Sequence[LinkEvent], kind: str) -> str:
    told = f"one direction only: a {kind}'s own loss cannot be told"
    if not events:
        return told
    most = max(events, key=lambda event: event.loss_db)
    return f"{told} ({most.loss_db:.3f} dB seen at {_km(most.position_m)})"


def _why_untold(event: LinkEvent, directions: Sequence[Direction]) -> str:
    at = f"at {_km(event.position_m)}"
    marks = (event.near_loss_db, event.far_loss_db)
    if any(mark is not None and mark.bound is not None for mark in marks):
        return f"{at}: its loss of {event.loss_db:.3f} dB is only a bound: an event is too near"
    return f"{at}: {_seen_by_one(event, directions)}; take a longer average or a shorter pulse"


def _seen_by_one(event: LinkEvent, directions: Sequence[Direction]) -> str:
    """Say what the one direction shows of an event of which the other reports nothing."""
    sees, silent = (1, 0) if event.near_loss_db is None else (0, 1)
    seen = event.far_loss_db or event.near_loss_db
    assert seen is not None  # noqa: S101 - an event was seen from somewhere
    there = directions[silent].site
    return f"{seen.value:.3f} dB from {directions[sees].site}, and {there} reports nothing there"


@_or_reason
def worst_reflectance(data: RunData, limit: Limit) -> Measured:
    """Give the largest reflectance of any event in dB.

    One beyond the limit is a value always; else both end connectors must be seen, and no bound may be left.
    """
    directions = _directions(data, limit)
    high_db = math.inf if limit.high is None else limit.high
    seen = _reflectances(directions)
    beyond = [one for one in seen if reflectance_verdict(one[0], high_db) == "fail"]
    if beyond:
        worst, position_m = max(beyond, key=lambda one: one[0].value)
        told = "at least this, " if worst.bound == "at_least" else ""
        return Measured(exactly(worst.value, len(seen)), f"{told}at {_km(position_m)}")
    for direction in directions:
        direction.needs_lead_fibres()
    events = link_events(directions)
    known = [(e.reflectance_db, e.position_m) for e in events if e.reflectance_db is not None]
    if not known:
        return Measured(None, "no event reflects: what the connectors reflect is below the OTDR's threshold")
    bounds = [one for one in known if reflectance_verdict(one[0], high_db) == "incomplete"]
    if bounds:
        at = ", ".join(f"{mark.value:g} dB at {_km(at_m)}" for mark, at_m in bounds)
        return Measured(None, f"the receiver was saturated, so these are bounds: at least {at}")
    worst, position_m = max(known, key=lambda one: one[0].value)
    return Measured(exactly(worst.value, len(known)), f"at {_km(position_m)}, of {len(known)} events")


def _reflectances(directions: Sequence[Direction]) -> list[tuple[MarkedDb, float]]:
    """Return what each direction sees reflect, with the position in m from the near end.

    Taken from the tables as they are: an event reflects also where its loss is not told.
    """
    found: list[tuple[MarkedDb, float]] = []
    for place, direction in enumerate(directions):
        link = direction.link
        for event in link.with_loss():
            if event.reflectance_db is not None:
                from_here_m = event.distance_m - link.near.distance_m
                found.append((event.reflectance_db, link.length_m - from_here_m if place else from_here_m))
    return found


@_or_reason
def worst_return_loss(data: RunData, limit: Limit) -> Measured:
    """Give the link's return loss in dB from the end where it is lower."""
    directions = _directions(data, limit)
    worst, at = min(
        ((direction.return_loss(), direction) for direction in directions), key=lambda each: each[0].value_db
    )
    note = f"from {at.site}"
    if any(direction.return_loss().is_upper_bound for direction in directions):
        note = f"{note}, at most {worst.value_db:.2f} dB: the receiver was saturated"
        if limit.low is None or worst.value_db >= limit.low:
            return Measured(None, note)
    return Measured(exactly(worst.value_db, len(directions)), note)


@_or_reason
def worst_slope(data: RunData, limit: Limit) -> Measured:
    """Give the largest attenuation in dB/km of a section that is long enough for a line."""
    slopes: list[tuple[float, str]] = []
    unsure: list[str] = []
    for direction in _directions(data, limit):
        begin_m = direction.link.near.distance_m
        for event in direction.link.events[1:]:
            slope, section_m = event.slope_db_per_km, event.section_m
            if slope is None or section_m is None or section_m < _LEAST_PULSES_FOR_SLOPE * direction.pulse_m:
                continue
            end_m = event.distance_m - begin_m
            where = f"{_km(end_m - section_m)} to {_km(end_m)} from {direction.site}"
            if is_plain(slope):
                slopes.append((slope.value, where))
            else:
                unsure.append(where)
    if unsure:
        return Measured(None, f"the slope is only approximate, or a bound: {'; '.join(unsure)}")
    if not slopes:
        return Measured(None, f"no section is {_LEAST_PULSES_FOR_SLOPE:g} pulses long")
    value, where = max(slopes)
    return Measured(exactly(value, len(slopes)), f"{where}, of {len(slopes)} sections")


def _directions(data: RunData, limit: Limit) -> list[Direction]:
    assert limit.wavelength_nm is not None  # noqa: S101 - the limits file is checked for it
    return directions_at(data, limit.wavelength_nm)


def _km(position_m: float) -> str:
    return f"{position_m / 1000.0:.3f} km"
