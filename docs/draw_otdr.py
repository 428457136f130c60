# ruff: noqa: INP001 - docs/ is a folder of pages, not a package
"""Draw the picture of docs/physics-otdr.md: an emulated trace of the paper's link and what was found in it.

Run from the top of the repository: `python -m docs.draw_otdr`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from emulators.otdr.analysis import analyse
from emulators.otdr.events import link_result
from emulators.otdr.instrument import load_instrument
from emulators.otdr.settings import AcquisitionSettings
from emulators.otdr.trace import acquire
from tests.otdr.accuracy import LAUNCH_M, TAIL_M, launched, paper_link

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from emulators.otdr.events import Analysis, Event
    from emulators.otdr.settings import Trace

FILE = Path(__file__).parent / "img" / "otdr-trace.png"
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
WHITE = (1.0, 1.0, 1.0, 0.85)
SETTINGS = AcquisitionSettings(1550.0, 100.0, 40.0, 3.125, 30.0)


def main() -> None:
    """Write the picture."""
    mpl.rcParams.update({"font.size": 10.5})
    trace = acquire(
        launched(paper_link()), load_instrument("viavi_smartotdr"), SETTINGS, np.random.default_rng(1)
    )
    analysis = analyse(trace)
    figure = Figure(figsize=(11.0, 6.6), layout="constrained")
    whole, event, dead_zone = figure.subplot_mosaic(
        [["a", "a"], ["b", "c"]], height_ratios=[1.5, 1.0]
    ).values()
    draw_trace(whole, trace, 0.0, 25_000.0)
    mark_events(whole, analysis)
    result = link_result(analysis, LAUNCH_M, TAIL_M)
    whole.set(xlim=(-0.7, 25.0), ylim=(-60.0, -7.5))
    whole.set_title(
        f"launch fibre, link, tail fibre: {result.length_m / 1000:.3f} km, {result.loss_db:.2f} dB at 1550 nm"
        " between the first and the last connector", fontsize=11, loc="left",
    )  # fmt: skip
    draw_close(event, trace, analysis, 12_630.0, 130.0, "a splice of 0.07 dB at 12.63 km")
    draw_close(
        dead_zone, trace, analysis, 14_645.0, 130.0, "a patch cord of 4 m: one event, and its dead zone"
    )
    figure.savefig(FILE, dpi=110)


def draw_trace(axes: Axes, trace: Trace, start_m: float, stop_m: float) -> None:
    """Draw the points between two positions."""
    spacing_m = trace.settings.spacing_m()
    first, last = (round(position_m / spacing_m) for position_m in (start_m, stop_m))
    x_km = np.arange(first, last) * spacing_m / 1000.0
    axes.plot(x_km, trace.level_db[first:last], color=BLUE, linewidth=0.7, rasterized=True)
    axes.set(xlabel="distance / km", ylabel="level / dB (one way)")
    axes.grid(alpha=0.3)


def mark_events(axes: Axes, analysis: Analysis) -> None:
    """Mark each event with its loss, and those that reflect with their reflectance."""
    for number, event in enumerate(analysis.events):
        level_db = level_beside(event)
        axes.plot(event.position_m / 1000.0, level_db, "v", color=colour_of(event), markersize=6)
        words = (
            "port" if event.kind == "port" else "end" if event.kind == "end" else f"{event.loss_db:.2f} dB"
        )
        if event.reflectance_db is not None:
            words += f"\n({event.reflectance_db:.0f})"
        high = (-23.0, -9.0, -16.0)[number % 3]
        axes.plot(
            [event.position_m / 1000.0] * 2, [level_db, high - 2.8], color=GREY, linewidth=0.5, alpha=0.6
        )
        axes.text(
            event.position_m / 1000.0, high, words, ha="center", va="top", fontsize=8.5, backgroundcolor=WHITE
        )


def draw_close(
    axes: Axes, trace: Trace, analysis: Analysis, position_m: float, around_m: float, title: str
) -> None:
    """Draw the surroundings of one event with the lines that give its loss."""
    draw_trace(axes, trace, position_m - around_m, position_m + around_m)
    event = min(analysis.between_ends(), key=lambda one: abs(one.position_m - position_m))
    for line, ends_m in ((event.before, (-around_m, 20.0)), (event.after, (-20.0, around_m))):
        if line is not None:
            x_m = np.array([position_m + end_m for end_m in ends_m])
            axes.plot(x_m / 1000.0, [line.level_db(x) for x in x_m], color=ORANGE, linewidth=1.4)
    axes.axvline(event.position_m / 1000.0, color=GREEN, linewidth=1.0, linestyle="--")
    axes.set_title(title, fontsize=10.5, loc="left")


def level_beside(event: Event) -> float:
    """Return the level of the backscatter at an event."""
    line = event.before or event.after
    return -30.0 if line is None else line.level_db(event.position_m)


def colour_of(event: Event) -> str:
    """Return the colour of an event's mark: reflections orange, all others green."""
    return ORANGE if event.reflectance_db is not None else GREEN


if __name__ == "__main__":
    main()
