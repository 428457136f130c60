# ruff: noqa: INP001 - docs/ is a folder of pages, not a package
"""Draw the pictures of docs/physics.md from the profile and the published tables.

Run from the top of the repository: `python -m docs.draw_physics`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from emulators.cow4.expectation import expected_record
from emulators.cow4.profile import Profile, load_profile
from emulators.cow4.rates import bit_arm
from emulators.cow4.symbols import sifted_share
from hil_tests.paper import load_paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hil_tests.paper import Published

FOLDER = Path(__file__).parent / "img"
# Okabe and Ito's colours, which colour-blind readers tell apart.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#555555"
LOSSES_DB = np.linspace(0.0, 13.0, 66)
ZERO_KEY_DB = 12.0


def main() -> None:
    """Write every picture."""
    mpl.rcParams.update({"font.size": 11, "svg.hashsalt": "physics", "svg.fonttype": "path"})
    profile = load_profile("cerberis_xgr_paper")
    attenuation = Figure(figsize=(10.5, 4.4), layout="constrained")
    left, right = attenuation.subplots(1, 2)
    draw_rate(left, profile)
    draw_qber(right, profile)
    save(attenuation, "physics_attenuation")
    causes = Figure(figsize=(7.2, 4.4), layout="constrained")
    draw_causes(causes.subplots(), profile)
    save(causes, "physics_qber_causes")


def draw_rate(axes: Axes, profile: Profile) -> None:
    """Draw the secret key rate on a logarithmic axis, beside the published one."""
    free = Profile.checked({**profile.model_dump(), "supervisor_block_limit_s": 1e9}, "no supervisor")
    records = [expected_record(free, added_db) for added_db in LOSSES_DB]
    mean = np.array([record.skr_bps for record in records])
    sd = np.array([record.skr_shot_sd_bps for record in records])
    passed = np.array([expected_record(profile, added_db).skr_bps > 0.0 for added_db in LOSSES_DB])
    cut_db = float(LOSSES_DB[passed].max())
    axes.fill_between(
        LOSSES_DB[passed], (mean - sd)[passed], (mean + sd)[passed], color=BLUE, alpha=0.15, linewidth=0
    )
    axes.plot(LOSSES_DB[passed], mean[passed], color=BLUE, label="model, mean and s.d. of records")
    axes.plot(
        LOSSES_DB[~passed], mean[~passed], color=BLUE, linestyle=":", label="model without the supervisor"
    )
    axes.axvline(cut_db, color=GREY, linestyle="--", linewidth=1)
    axes.text(cut_db - 0.15, 2600, "supervisor", rotation=90, ha="right", va="top", color=GREY)
    draw_published(axes, rows_of("skr_bps"), scale=1.0)
    axes.plot(ZERO_KEY_DB, 215, "v", color=ORANGE)
    axes.text(ZERO_KEY_DB + 0.3, 212, "no key\nat 12 dB", va="bottom")
    axes.set(yscale="log", ylim=(200, 3500), xlim=(-0.5, 14.8))
    axes.set_yticks([200, 500, 1000, 2000], ["200", "500", "1000", "2000"])
    axes.set_yticks([], minor=True)
    axes.set(xlabel="added attenuation / dB", ylabel="secret key rate / (bit/s)")
    axes.legend(loc="lower left", frameon=False)
    axes.grid(alpha=0.3)


def draw_qber(axes: Axes, profile: Profile) -> None:
    """Draw the QBER with the deviation of a record, beside the published one."""
    rates = [bit_arm(profile, added_db) for added_db in LOSSES_DB]
    mean = np.array([rate.qber for rate in rates])
    share = sifted_share(profile.bit_state_probability) * profile.disclosed_share
    disclosed = np.array([rate.click_rate_cps * share for rate in rates])
    sd = np.sqrt(mean * (1.0 - mean) / disclosed)
    axes.fill_between(LOSSES_DB, 100 * (mean - sd), 100 * (mean + sd), color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(LOSSES_DB, 100 * mean, color=BLUE, label="model, mean and s.d. of records")
    draw_published(axes, rows_of("qber"), scale=100.0)
    axes.set(xlabel="added attenuation / dB", ylabel="QBER / %", xlim=(-0.5, 13.0), ylim=(0, 3.4))
    axes.legend(loc="upper right", frameon=False)
    axes.grid(alpha=0.3)


def draw_published(axes: Axes, rows: list[Published], scale: float) -> None:
    """Draw published means with the deviation of records and the uncertainty of the attenuators."""
    uncertainty_db = load_paper().added_db_uncertainty
    axes.errorbar(
        [row.added_db for row in rows],
        [scale * row.published for row in rows],
        xerr=[uncertainty_db.get(row.added_db, 0.0) for row in rows],
        yerr=[scale * (row.published_sd or 0.0) for row in rows],
        fmt="o",
        color=ORANGE,
        ecolor=GREY,
        capsize=3,
        label="paper, Tables 2 and 3",
    )


def draw_causes(axes: Axes, profile: Profile) -> None:
    """Draw the QBER as a stack of its causes, with the published values above."""
    errors = [bit_arm(profile, added_db).errors for added_db in LOSSES_DB]
    stack = [
        ("extinction", [error.signal for error in errors], BLUE, (6.0, 0.15)),
        ("charge persistence", [error.twilight for error in errors], ORANGE, (1.8, 0.7)),
        ("afterpulses", [error.afterpulse for error in errors], GREEN, (8.0, 0.635)),
        ("dark counts", [error.dark for error in errors], PURPLE, (11.0, 1.05)),
    ]
    bottom = np.zeros(len(LOSSES_DB))
    for label, values, colour, place in stack:
        top = bottom + 100.0 * np.array(values)
        axes.fill_between(LOSSES_DB, bottom, top, color=colour, alpha=0.6, linewidth=0)
        axes.text(*place, label, ha="center", va="center")
        bottom = top
    rows = rows_of("qber")
    axes.plot(
        [row.added_db for row in rows],
        [100.0 * row.published for row in rows],
        "o",
        color="black",
        label="paper, Tables 2 and 3",
    )
    axes.set(xlabel="added attenuation / dB", ylabel="QBER / %", xlim=(-0.2, 13.0), ylim=(0, 2.4))
    axes.legend(loc="upper center", frameon=False)
    axes.grid(alpha=0.3)


def rows_of(quantity: str) -> list[Published]:
    """Return the published means of `quantity`."""
    return [row for row in load_paper().rows if row.quantity == quantity and row.published_sd is not None]


def save(figure: Figure, name: str) -> None:
    """Write the picture as SVG, the same bytes each time."""
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
