"""The calibration's figure: how far an attenuator's light is from its setting."""

# matplotlib leaves its keyword arguments untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil_tests.measure.calibration import seen_attenuations, side_in_words
from hil_tests.report.figures import MEAN, MEASURED, PUBLISHED
from hil_tests.report.svg import draw_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hil_tests.measure.calibration import Seen, Side
    from hil_tests.run_data import RunData

_COLORS: dict[Side, str] = {"below": MEASURED, "above": "#9a5b00", None: "#8a8a8a"}
_ROUND_MARKERS = "osD^vP*X"
# What was reached from below stands to the left of a setting, from above to its right, each round in a place
# of its own; what was not moved in between stands beyond those from above.
_SHARE_OF_RANGE = 0.008


def calibration_figure(data: RunData, name: str, limits_db: tuple[float | None, float | None]) -> Markup:
    """Draw the deviation from the setting over the setting, of a run with readings, as SVG.

    `limits_db` are the acceptance limits of the deviation; `name` sets the ids inside apart.
    """

    def draw(figure: Figure) -> None:
        _draw_deviations(figure.add_subplot(1, 1, 1), data, limits_db)

    label = f"True attenuation less the one set, over the setting, run {data.name}"
    return draw_svg(name, label, 10.0, 4.2, draw)


def _draw_deviations(axes: Axes, data: RunData, limits_db: tuple[float | None, float | None]) -> None:
    seen = seen_attenuations(data)
    rounds = sorted({one.round for one in seen})
    step_db = _SHARE_OF_RANGE * max(one.setting_db for one in seen)
    for side, color in _COLORS.items():
        for place, number in enumerate(rounds):
            shown = [one for one in seen if one.round == number and one.side == side]
            if not shown:
                continue
            away = {"below": -0.5 - place, "above": 0.5 + place, None: 0.5 + len(rounds) + place}[side]
            axes.plot(
                np.array([one.setting_db for one in shown]) + step_db * away,
                [one.deviation_db for one in shown],
                linestyle="none",
                marker=_ROUND_MARKERS[number % len(_ROUND_MARKERS)],
                markersize=5.0,
                markerfacecolor=color if side == "below" else "white",
                color=color,
                label=f"round {number + 1}, {side_in_words(side)}",
            )
    _draw_mean(axes, seen)
    for bound_db in limits_db:
        if bound_db is not None:
            axes.axhline(
                bound_db,
                color=MEAN,
                linewidth=2.4,
                label="acceptance limit" if bound_db == limits_db[1] else None,
            )
    stated_db = data.facts.calibration.attenuator_uncertainty_db
    if stated_db is not None:
        for bound_db in (-stated_db, stated_db):
            label = f"stated by the attenuator: ±{stated_db:g} dB" if bound_db > 0 else None
            # Thinner and broken, so that both lines show where they lie on each other.
            axes.axhline(bound_db, color=PUBLISHED, linestyle=(0, (7, 7)), linewidth=1.0, label=label)
    axes.set_title("True attenuation less the one set")
    axes.set_xlabel("Setting (dB)")
    axes.set_ylabel("Deviation (dB)")
    axes.set_xlim(left=0.0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.42 * (high - low))
    axes.legend(loc="upper center", ncols=3)


def _draw_mean(axes: Axes, seen: Sequence[Seen]) -> None:
    settings_db = sorted({one.setting_db for one in seen})
    means_db = [
        float(np.mean([one.deviation_db for one in seen if one.setting_db == db])) for db in settings_db
    ]
    axes.plot([0.0, *settings_db], [0.0, *means_db], color="#8a8a8a", linewidth=1.0, zorder=1.0, label="mean")
