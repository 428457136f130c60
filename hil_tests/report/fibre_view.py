"""The fibre's part of the report: the traces of each wavelength, the events with verdicts, the link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil_tests.measure.directions import (
    direction_of,
    is_same_wavelength,
    link_events,
    missing_at,
    traces_at,
    wavelengths_nm,
)
from hil_tests.measure.event_verdict import loss_verdict, reflectance_verdict
from hil_tests.measure.otdr_link import LinkNotFound
from hil_tests.report import formats
from hil_tests.report.trace_figure import trace_figure, whole_trace_figure
from hil_tests.verdict import WORST_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from drivers.roles import MarkedDb, OtdrEvent
    from hil_tests.fibre_trace import FibreTrace
    from hil_tests.measure.bidirectional import LinkEvent
    from hil_tests.measure.directions import Direction
    from hil_tests.run_data import RunData
    from hil_tests.verdict import Check, Verdict


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event of the link with its verdict; a limit that there is not is empty."""

    number: int
    event: LinkEvent
    loss_limit: str
    reflectance_limit: str
    verdict: Verdict | None
    """None where no limit is about it."""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """The link as one direction shows it."""

    site: str
    length: str
    loss: str
    return_loss: str
    settings: str


@dataclass(frozen=True, slots=True)
class LostTrace:
    """A trace in which the link, or what an event of it loses, was not found; shown as it is."""

    name: str
    reason: str
    figure: Markup | None
    """None where the file cannot be used either."""
    events: Sequence[OtdrEvent]


@dataclass(frozen=True, slots=True)
class FibreView:
    """One wavelength of one run."""

    run: str
    wavelength_nm: float
    sites: Sequence[str]
    """Where the OTDRs stood, the near end first."""
    missing: str
    """What was planned and not taken, in words; empty if nothing."""
    lost: Sequence[LostTrace]
    figure: Markup | None
    event_rows: Sequence[EventRow]
    link_rows: Sequence[LinkRow]


def fibre_views(data: Sequence[RunData], checks: Sequence[Check]) -> list[FibreView]:
    """Return a view of each wavelength of each run of the fibre."""
    return [
        _view(run, wavelength_nm, checks, f"fibre{number}-{place}")
        for number, run in enumerate(data)
        if run.facts.procedure == "fibre"
        for place, wavelength_nm in enumerate(wavelengths_nm(run))
    ]


def _view(run: RunData, wavelength_nm: float, checks: Sequence[Check], name: str) -> FibreView:
    directions: list[Direction] = []
    lost: list[LostTrace] = []
    for trace in traces_at(run, wavelength_nm):
        try:
            direction = direction_of(trace)
            direction.needs_losses()
            directions.append(direction)
        except LinkNotFound as error:
            lost.append(_lost(trace, str(error), f"{name}-lost{len(lost)}"))
    missing = missing_at(run, wavelength_nm)
    events: list[LinkEvent] = []
    if directions:
        try:
            events = link_events(directions)
        except LinkNotFound as error:
            # Traces that are not the two ends' make no table: their losses would be no one's.
            directions, missing = [], str(error)
    # One direction of two cannot tell what an event loses, so that none is judged then.
    is_judged = run.facts.is_finished and not lost and not missing
    judged_by = _checks_at(checks, wavelength_nm) if is_judged else []
    is_whole = all(direction.shows_both_ends() for direction in directions)
    return FibreView(
        run=run.name,
        wavelength_nm=wavelength_nm,
        sites=[direction.site for direction in directions],
        missing=missing,
        lost=lost,
        figure=_figure(run, wavelength_nm, directions, events, name) if directions else None,
        event_rows=[
            _event_row(number, each, judged_by, is_whole=is_whole)
            for number, each in enumerate(events, start=1)
        ],
        link_rows=[_link_row(direction) for direction in directions],
    )


def _checks_at(checks: Sequence[Check], wavelength_nm: float) -> list[Check]:
    return [
        check
        for check in checks
        if check.wavelength_nm is not None and is_same_wavelength(check.wavelength_nm, wavelength_nm)
    ]


def _figure(
    run: RunData,
    wavelength_nm: float,
    directions: Sequence[Direction],
    events: Sequence[LinkEvent],
    name: str,
) -> Markup:
    sites = " and ".join(direction.site for direction in directions)
    label = f"OTDR trace at {wavelength_nm:g} nm from {sites} with {len(events)} events, run {run.name}"
    return trace_figure(directions, events, label, name)


def _lost(trace: FibreTrace, reason: str, name: str) -> LostTrace:
    label = f"OTDR trace at {trace.name} with {len(trace.events)} events, none of them judged"
    figure = None if trace.curve is None else whole_trace_figure(trace, label, name)
    return LostTrace(trace.name, reason, figure, trace.events)


def _event_row(number: int, event: LinkEvent, checks: Sequence[Check], *, is_whole: bool) -> EventRow:
    """Judge an event; where the link's ends cannot be measured nothing passes, as in the checks."""
    quantity = "fibre_splice_loss" if event.reflectance_db is None else "fibre_connection_loss"
    loss_high = _limit_of(quantity, checks)
    reflectance_high = _limit_of("fibre_reflectance", checks)
    verdicts: list[Verdict] = []
    if loss_high is not None:
        verdicts.append(loss_verdict(event, loss_high))
    mark = event.reflectance_db
    if reflectance_high is not None and mark is not None:
        verdicts.append(reflectance_verdict(mark, reflectance_high))
    if verdicts and not is_whole:
        verdicts.append("incomplete")
    return EventRow(
        number=number,
        event=event,
        loss_limit="" if loss_high is None else formats.limit(None, loss_high, "dB"),
        reflectance_limit=""
        if reflectance_high is None or mark is None
        else formats.limit(None, reflectance_high, "dB"),
        verdict=next((verdict for verdict in WORST_FIRST if verdict in verdicts), None),
    )


def _limit_of(quantity: str, checks: Sequence[Check]) -> float | None:
    """Return the lowest upper limit of the checks of a quantity."""
    return min((c.high for c in checks if c.quantity == quantity and c.high is not None), default=None)


def _link_row(direction: Direction) -> LinkRow:
    taken = direction.trace.acquisition
    return LinkRow(
        site=direction.site,
        length=f"{direction.link.length_m / 1000.0:.4f} km",
        loss=_or_not_found(lambda: formats.figure(direction.loss_db(), "dB")),
        return_loss=_or_not_found(lambda: _return_loss(direction)),
        settings=(
            f"{taken.pulse_ns:g} ns, {taken.range_km:g} km, {taken.averaging_s:g} s, index"
            f" {taken.group_index:g}, K {_typographic(f'{taken.backscatter_db:g}')} dB;"
            f" launch {taken.launch_m:g} m, tail {taken.tail_m:g} m"
        ),
    )


def _return_loss(direction: Direction) -> str:
    found = direction.return_loss()
    return ("at most " if found.is_upper_bound else "") + formats.figure(round(found.value_db, 2), "dB")


def _or_not_found(write: Callable[[], str]) -> str:
    try:
        return write()
    except LinkNotFound as error:
        return f"not found: {error}"


def marked(figure: MarkedDb | None, decimals: int = 3) -> str:
    """Write a figure of an event table with its marks; a dash for what the table leaves empty."""
    if figure is None:
        return formats.NO_FIGURE
    bound = {"at_least": "≥ ", "at_most": "≤ ", None: ""}[figure.bound]
    value = _typographic(f"{figure.value:.{decimals}f}")
    return f"{'~ ' if figure.is_approximate else ''}{bound}{value}"


def _typographic(text: str) -> str:
    return text.replace("-", "\u2212")
