"""Figures 6 and 7 of the paper, drawn from run records with the published values beside."""

# matplotlib leaves its keyword arguments untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil_tests.measure.estimates import sample_sd
from hil_tests.report.svg import draw_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hil_tests.measure.estimates import Floats
    from hil_tests.paper import Paper, Quantity
    from hil_tests.run_data import RunData

MEASURED = "#1f5a96"
MEAN = "#c00000"
PUBLISHED = "#1a1a1a"
GAP = "#f2b84b"

_MANY_RECORDS = 3000
"""From here on a cloud of points is drawn as an image: as shapes it would be tens of megabytes."""
_MOST_GAPS_DRAWN = 200
_UNITS_S = {"days": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0}


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    axis: str
    quantity: Quantity
    scale: float
    """From the record's unit to the axis's."""
    decimals: int


_PANELS = (
    _Panel("Secret key rate", "SKR (bps)", "skr_bps", 1.0, 0),
    _Panel("QBER", "QBER (%)", "qber", 100.0, 2),
    _Panel("Dcc visibility", "Dcc visibility (%)", "visibility", 100.0, 2),
    _Panel("Total detection count", "Detections (1/s)", "detection_count", 1.0, 0),
)


def stability_figure(data: RunData, paper: Paper, name: str) -> Markup:
    """Draw Figure 6, the four key parameters over the time of a run with records, as SVG.

    `name` sets the ids inside apart from those of other figures on the page.
    """

    def draw(figure: Figure) -> None:
        for number, panel in enumerate(_PANELS, start=1):
            _draw_over_time(figure.add_subplot(2, 2, number), data, panel, paper)

    label = f"Secret key rate, QBER, Dcc visibility and total detection count over time, run {data.name}"
    return draw_svg(name, label, 10.0, 6.4, draw)


def _draw_over_time(axes: Axes, data: RunData, panel: _Panel, paper: Paper) -> None:
    times, unit = _elapsed(data.columns.window_start_s)
    values = _values(data, panel.quantity, None) * panel.scale
    is_cloud = values.size > _MANY_RECORDS
    axes.plot(
        times,
        values,
        linestyle="none",
        marker=".",
        markersize=1.0 if is_cloud else 4.0,
        alpha=0.25 if is_cloud else 1.0,
        color=MEASURED,
        rasterized=is_cloud,
    )
    _draw_gaps(axes, data)
    mean = float(values.mean())
    text = f"mean of this run {mean:,.{panel.decimals}f}"
    axes.axhline(mean, color=MEAN, linewidth=2.4, label=text)
    published = paper.find(panel.quantity, 0.0)
    if published is not None:
        level = published.published * panel.scale
        text = f"published mean {level:,.{panel.decimals}f}"
        # Thinner and broken, so that both lines show where they lie on each other.
        axes.axhline(level, color=PUBLISHED, linestyle="--", linewidth=0.9, label=text)
    axes.set_title(panel.title)
    axes.set_ylabel(panel.axis)
    axes.set_xlabel(f"Time ({unit})")
    _, labels = axes.get_legend_handles_labels()
    _leave_room_for_legend(axes, rows=math.ceil(len(labels) / 2))
    axes.legend(loc="upper right", ncols=2)


def _elapsed(window_start_s: Floats) -> tuple[Floats, str]:
    elapsed_s = window_start_s - window_start_s[0]
    for unit, unit_s in _UNITS_S.items():
        if elapsed_s[-1] >= 2 * unit_s:
            return elapsed_s / unit_s, unit
    return elapsed_s, "s"


def _draw_gaps(axes: Axes, data: RunData) -> None:
    """Shade the stretches that have empty slots in them."""
    for number, (begin, end) in enumerate(_empty_stretches(data)[:_MOST_GAPS_DRAWN]):
        label = "no record" if number == 0 else None
        axes.axvspan(begin, end, color=GAP, alpha=0.5, lw=0, label=label)


def _empty_stretches(data: RunData) -> list[tuple[float, float]]:
    """Return where no record is: before the first one, between two, after the last; in the axis's unit."""
    slots, (times, unit) = data.columns.slot, _elapsed(data.columns.window_start_s)
    after = np.flatnonzero(np.diff(slots) > 1)
    stretches = [(float(times[index]), float(times[index + 1])) for index in after]
    period_s, planned = data.facts.plan.record_period_s, data.facts.records_planned_at(None)
    if period_s is None or planned is None:
        return stretches
    period = period_s / _UNITS_S[unit]
    before, behind = slots[0] * period, (planned - 1 - slots[-1]) * period
    edges = [(times[0] - before, times[0]), (times[-1], times[-1] + behind)]
    return [(float(begin), float(end)) for begin, end in edges if end > begin] + stretches


def _leave_room_for_legend(axes: Axes, rows: int) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + (0.06 + 0.12 * rows) * (high - low))


# --- Figure 7


@dataclass(frozen=True, slots=True)
class _Look:
    label: str
    color: str
    marker: str
    marker_size: float
    fill: str
    bar_color: str
    bar_width: float
    cap_size: float
    order: float


_PUBLISHED_LOOK = _Look("published", PUBLISHED, "s", 6.5, "white", "#b0b0b0", 4.0, 0.0, 2.0)
_MEASURED_LOOK = _Look("measured", MEASURED, "o", 3.5, MEASURED, MEASURED, 1.2, 3.0, 3.0)


@dataclass(frozen=True, slots=True)
class _Series:
    added_db: Floats
    added_error_db: Floats
    mean: Floats
    sd: Floats


def attenuation_figure(data: RunData, paper: Paper, name: str) -> Markup:
    """Draw Figure 7, SKR (logarithmic) and QBER against the attenuation added, of a run with records.

    Vertical bars are standard deviations of records; horizontal ones the uncertainty of the attenuation.
    """

    def draw(figure: Figure) -> None:
        key_rate = figure.add_subplot(1, 2, 1)
        key_rate.set_yscale("log")
        _draw_against_loss(key_rate, data, paper, _PANELS[0])
        _draw_against_loss(figure.add_subplot(1, 2, 2), data, paper, _PANELS[1])

    label = f"Secret key rate and QBER against the attenuation added, run {data.name} beside the paper"
    return draw_svg(name, label, 10.0, 4.0, draw)


def _draw_against_loss(axes: Axes, data: RunData, paper: Paper, panel: _Panel) -> None:
    published = _published_series(paper, panel)
    measured = _measured_series(data, panel)
    # A dot in a frame, a thin line on a broad one: both show where they lie on each other.
    _draw_series(axes, published, _PUBLISHED_LOOK)
    _draw_series(axes, measured, _MEASURED_LOOK)
    axes.set_title(panel.title)
    axes.set_ylabel(panel.axis)
    axes.set_xlabel("Attenuation added (dB)")
    axes.set_xlim(-0.8, max(12.0, float(measured.added_db.max())) + 0.8)
    if axes.get_yscale() == "log":
        _set_log_range(axes, [published, measured])
        _mark_zeros(axes, published, PUBLISHED, "published", 0.12)
        _mark_zeros(axes, measured, MEASURED, "measured", 0.04)
    else:
        axes.set_ylim(bottom=0.0)
        _leave_room_for_legend(axes, rows=1)
    axes.legend(loc="upper right", ncols=2)


def _draw_series(axes: Axes, series: _Series, look: _Look) -> None:
    shown = series.mean > 0 if axes.get_yscale() == "log" else np.full(series.mean.shape, fill_value=True)
    # A bar below zero has no place on either axis.
    down = np.minimum(series.sd, series.mean * (0.999 if axes.get_yscale() == "log" else 1.0))
    axes.errorbar(
        series.added_db[shown],
        series.mean[shown],
        xerr=series.added_error_db[shown],
        yerr=np.array([down[shown], series.sd[shown]]),
        linestyle="none",
        marker=look.marker,
        markersize=look.marker_size,
        markerfacecolor=look.fill,
        color=look.color,
        ecolor=look.bar_color,
        elinewidth=look.bar_width,
        capsize=look.cap_size,
        zorder=look.order,
        label=look.label,
    )


def _set_log_range(axes: Axes, drawn: Sequence[_Series]) -> None:
    positive = np.concatenate([series.mean[series.mean > 0] for series in drawn])
    axes.set_ylim(0.35 * float(positive.min()), 2.0 * float(positive.max()))
    from matplotlib.ticker import NullFormatter, ScalarFormatter  # noqa: PLC0415 - lazy, as in svg.py

    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([ticks for ticks in (1, 10, 100, 200, 500, 1000, 2000, 5000) if _is_within(axes, ticks)])


def _is_within(axes: Axes, value: float) -> bool:
    low, high = axes.get_ylim()
    return low <= value <= high


def _mark_zeros(axes: Axes, series: _Series, color: str, label: str, height: float) -> None:
    """Say a zero in words at the foot of its point: a logarithmic axis has no place for it."""
    for added_db in series.added_db[series.mean <= 0]:
        axes.text(
            float(added_db),
            height,
            f"{label}: 0 bps ▼",
            color=color,
            ha="right" if added_db > 6 else "left",
            transform=axes.get_xaxis_transform(),
            fontsize=8,
            # The bar of a neighbouring point may pass behind.
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0},
            zorder=4.0,
        )


def _published_series(paper: Paper, panel: _Panel) -> _Series:
    rows = [row for row in paper.rows if row.quantity == panel.quantity]
    added = np.array([row.added_db for row in rows])
    errors = np.array([paper.added_db_uncertainty.get(row.added_db, 0.0) for row in rows])
    mean = np.array([row.published for row in rows]) * panel.scale
    sd = np.array([row.published_sd or 0.0 for row in rows]) * panel.scale
    return _Series(added, errors, mean, sd)


def _measured_series(data: RunData, panel: _Panel) -> _Series:
    added = data.added_db()
    at_point = [_values(data, panel.quantity, db) * panel.scale for db in added]
    return _Series(
        np.array(added),
        np.array([data.uncertainty_db(db) for db in added]),
        np.array([float(values.mean()) for values in at_point]),
        np.array([sample_sd(values) if values.size > 1 else 0.0 for values in at_point]),
    )


def _values(data: RunData, quantity: Quantity, point_db: float | None) -> Floats:
    columns = data.at(point_db)
    values: Floats = getattr(columns, quantity)
    return values
