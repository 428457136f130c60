"""Traces of the fibre over the link: from the one end above, from the other mirrored below, events between.

Mirrored, a place of the fibre stands at one place of the figure, whichever end looks at it.
"""

# matplotlib leaves its keyword arguments untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hil_tests.report.figures import GAP, MEAN, MEASURED
from hil_tests.report.svg import INK, draw_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from drivers.roles import OtdrEvent
    from hil_tests.fibre_trace import FibreTrace
    from hil_tests.measure.bidirectional import LinkEvent
    from hil_tests.measure.directions import Direction
    from hil_tests.measure.estimates import Floats

# So many stretches, each with its lowest and highest level, look like all points and weigh a hundredth.
_STRETCHES = 900
_BEYOND_M = 300.0
_HEADROOM_DB = 6.0
_FLOOR_ROOM_DB = 10.0


def trace_figure(
    directions: Sequence[Direction], events: Sequence[LinkEvent], label: str, name: str
) -> Markup:
    """Draw the traces of one wavelength from one or both ends as SVG; every one has a curve.

    `events` are numbered from 1. `name` sets the ids inside apart from those of other figures on the page.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(directions), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        ranges_db = [
            _draw_direction(each, direction, events, is_mirrored=place == 1)
            for place, (each, direction) in enumerate(zip(axes, directions, strict=True))
        ]
        axes[-1].set_ylim(min(low for low, _ in ranges_db), max(high for _, high in ranges_db))
        axes[-1].set_xlim(*_range_km(directions))
        axes[-1].set_xlabel(f"Distance from the link's end at {directions[0].site} (km)")

    return draw_svg(name, label, 10.0, 1.2 + 2.6 * len(directions), draw)


def whole_trace_figure(trace: FibreTrace, label: str, name: str) -> Markup:
    """Draw a trace that has a curve, over the distance from the OTDR, with the events of its table.

    What the table lists far behind the end of fibre is left out.
    """

    def draw(figure: Figure) -> None:
        axes, curve = figure.subplots(), trace.curve
        assert curve is not None  # noqa: S101 - the caller looked
        last_m = _end_of_fibre_m(trace.events)
        until_m = last_m + 4.0 * _BEYOND_M
        shown = curve.distances_m() <= until_m
        x_m, levels_db = thinned(curve.distances_m()[shown], curve.levels_db[shown])
        axes.plot(x_m / 1000.0, levels_db, color=MEASURED, linewidth=0.8)
        for event in trace.events:
            if event.distance_m <= until_m:
                _mark(axes, event.number, event.distance_m, "-")
        axes.set_ylim(
            _foot_db(curve.levels_db, last_m / curve.spacing_m), float(levels_db.max()) + _HEADROOM_DB
        )
        axes.set_ylabel("Level (dB, one way)")
        axes.set_xlabel("Distance from the OTDR (km)")

    return draw_svg(name, label, 10.0, 3.6, draw)


def _draw_direction(
    axes: Axes, direction: Direction, events: Sequence[LinkEvent], *, is_mirrored: bool
) -> tuple[float, float]:
    """Draw one trace with its events, and return the levels between which it is to be seen."""
    link, curve = direction.link, direction.trace.curve
    assert curve is not None  # noqa: S101 - a link is only found in traces that have one
    begin_m, end_m = link.near.distance_m, _end_of_fibre_m(direction.trace.events)
    shown = curve.distances_m() <= end_m + _BEYOND_M
    x_m, levels_db = thinned(curve.distances_m()[shown] - begin_m, curve.levels_db[shown])
    lead_m = (-begin_m, end_m - begin_m)
    if is_mirrored:
        x_m, lead_m = link.length_m - x_m, (link.length_m + begin_m, link.length_m - end_m + begin_m)
    axes.plot(x_m / 1000.0, levels_db, color=MEASURED, linewidth=0.8)
    _shade_leads(axes, lead_m, link.length_m)
    _mark_events(axes, events, is_mirrored=is_mirrored)
    axes.set_ylabel("Level (dB, one way)")
    arrow = "light goes to the left" if is_mirrored else "light goes to the right"
    axes.set_title(f"From {direction.site} ({arrow})", loc="left")
    foot_db = _foot_db(curve.levels_db, end_m / curve.spacing_m)
    return foot_db, float(levels_db.max()) + _HEADROOM_DB


def _range_km(directions: Sequence[Direction]) -> tuple[float, float]:
    """Return from where to where the figure goes, by the near end's axis."""
    near, far = directions[0], directions[-1]
    end_m = _end_of_fibre_m(near.trace.events) - near.link.near.distance_m
    begin_m = -near.link.near.distance_m
    if far is not near:
        begin_m = min(
            begin_m, far.link.length_m + far.link.near.distance_m - _end_of_fibre_m(far.trace.events)
        )
        end_m = max(end_m, far.link.length_m + far.link.near.distance_m)
    return (begin_m - _BEYOND_M) / 1000.0, (end_m + _BEYOND_M) / 1000.0


def _end_of_fibre_m(events: Sequence[OtdrEvent]) -> float:
    """Return where the fibre ends, inf for no events; a ghost that is listed behind it is no fibre."""
    real_m = [event.distance_m for event in events if not event.is_ghost]
    ends_m = [event.distance_m for event in events if event.is_end]
    return max(ends_m or real_m, default=math.inf)


def _foot_db(levels_db: Floats, end: float) -> float:
    """Return where a figure ends below: under the backscatter before point `end`, the last one of it.

    What lies behind the fibre is noise; a few dB of it are enough.
    """
    last = int(min(end, levels_db.size))
    before = levels_db[max(last - 400, 0) : max(last - 40, 1)]
    return float(np.median(before)) - _FLOOR_ROOM_DB


def _shade_leads(axes: Axes, lead_m: tuple[float, float], length_m: float) -> None:
    """Shade launch and tail fibre: they are no part of the link."""
    low_m, high_m = sorted(lead_m)
    spans = [(low_m, 0.0), (length_m, high_m)]
    for number, (begin_m, end_m) in enumerate(span for span in spans if span[1] - span[0] > 1.0):
        text = "launch and tail fibre" if number == 0 else None
        axes.axvspan(begin_m / 1000.0, end_m / 1000.0, color=GAP, alpha=0.25, lw=0, label=text)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower left")


def _mark_events(axes: Axes, events: Sequence[LinkEvent], *, is_mirrored: bool) -> None:
    """Draw a line and the number of each event that this direction reports, and the others broken."""
    for number, event in enumerate(events, start=1):
        is_seen = (event.far_loss_db if is_mirrored else event.near_loss_db) is not None
        style = "-" if is_seen else ":"
        _mark(axes, number, event.position_m, style)


def _mark(axes: Axes, number: int, position_m: float, style: str) -> None:
    axes.axvline(position_m / 1000.0, color=MEAN, linewidth=0.6, alpha=0.7, linestyle=style, zorder=1.0)
    axes.annotate(
        str(number),
        (position_m / 1000.0, 1.0),
        xycoords=axes.get_xaxis_transform(),
        # Two heights, since neighbours may lie close.
        xytext=(0.0, -4.0 if number % 2 else -15.0),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": MEAN, "linewidth": 0.5, "pad": 1.2},
    )


def thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest point of each of many stretches, in their order; few are kept all."""
    size = x.size // _STRETCHES
    if size < 3:
        return x, y
    whole = size * (x.size // size)
    stretches = y[:whole].reshape(-1, size)
    first = np.arange(stretches.shape[0]) * size
    picked = np.sort(np.concatenate([first + stretches.argmin(axis=1), first + stretches.argmax(axis=1)]))
    # A stretch of one level has one point for both.
    picked = np.unique(np.concatenate([picked, np.arange(whole, x.size)]))
    return x[picked], y[picked]
