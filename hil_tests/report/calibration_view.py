"""The calibration's part of the report: a sentence, a figure and a table for each calibrated attenuator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from hil_tests.measure.calibration import by_visit, seen_attenuations
from hil_tests.report import formats
from hil_tests.report.calibration_figure import calibration_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil_tests.run_data import RunData
    from hil_tests.verdict import Check

LINEARITY = "calibration_linearity_db"
"""Name of the limit whose bounds are drawn into the figure."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """What was found at one setting, in dB."""

    setting_db: float
    mean_db: float
    worst_deviation_db: float
    spread_db: float | None
    """Largest less smallest attenuation from one side; None with a single round."""
    hysteresis_db: float | None
    """Backwards less forwards; None where one of them is missing."""
    n: int


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """One calibration, ready for the page."""

    run: str
    source: str
    insertion_loss: str
    uncertainty_held: str
    figure: Markup
    rows: Sequence[SettingRow]


def calibration_views(runs: Sequence[RunData], checks: Sequence[Check]) -> list[CalibrationView]:
    """Return a view of every run that calibrated an attenuator and has something to show."""
    bounds = next(((check.low, check.high) for check in checks if check.name == LINEARITY), (None, None))
    return [
        _view(run, f"calibration{number}", bounds)
        for number, run in enumerate(runs)
        if run.facts.procedure == "calibration" and seen_attenuations(run)
    ]


def _view(run: RunData, name: str, limits_db: tuple[float | None, float | None]) -> CalibrationView:
    svg = calibration_figure(run, name, limits_db)
    return CalibrationView(
        run=run.name,
        source=_source(run),
        insertion_loss=_insertion_loss(run),
        uncertainty_held=_uncertainty_held(run),
        figure=Markup(svg),  # noqa: S704 - matplotlib and svg.py escape every text in it
        rows=_rows(run),
    )


def _source(run: RunData) -> str:
    facts = run.facts.calibration
    return (
        f"{formats.fact(facts.source_power_dbm, 'dBm')} ± {formats.fact(facts.source_uncertainty_db, 'dB')}"
        f" at {formats.fact(facts.source_wavelength_nm, 'nm')} ({formats.fact(facts.source)})"
    )


def _insertion_loss(run: RunData) -> str:
    facts = run.facts.calibration
    if facts.source_power_dbm is None or facts.source_uncertainty_db is None:
        return "not known: the source's power is not recorded"
    zeros_dbm = [reading.power_dbm for reading in run.readings if reading.setting_db == 0.0]
    loss_db = facts.source_power_dbm - float(np.mean(zeros_dbm))
    return f"{loss_db:.2f} ± {facts.source_uncertainty_db:g} dB, by what is known of the source's power"


def _uncertainty_held(run: RunData) -> str:
    stated_db = run.facts.calibration.attenuator_uncertainty_db
    worst = max(seen_attenuations(run), key=lambda one: abs(one.deviation_db))
    found = f"The worst deviation is {formats.figure(worst.deviation_db, 'dB', signed=True)}: {worst}."
    if stated_db is None:
        return found
    holds = "holds" if abs(worst.deviation_db) <= stated_db else "does NOT hold"
    return f"{found} The uncertainty that is stated of the attenuator, ±{stated_db:g}\u00a0dB, {holds}."


def _rows(run: RunData) -> list[SettingRow]:
    groups = by_visit(run)
    return [
        _row(setting_db, groups.get((setting_db, True), []), groups.get((setting_db, False), []))
        for setting_db in sorted({setting_db for setting_db, _ in groups})
    ]


def _row(setting_db: float, forwards_db: Sequence[float], backwards_db: Sequence[float]) -> SettingRow:
    all_db = [*forwards_db, *backwards_db]
    spreads_db = [max(side) - min(side) for side in (forwards_db, backwards_db) if len(side) > 1]
    hysteresis_db = None
    if forwards_db and backwards_db:
        hysteresis_db = float(np.mean(backwards_db) - np.mean(forwards_db))
    return SettingRow(
        setting_db=setting_db,
        mean_db=float(np.mean(all_db)),
        worst_deviation_db=max((true_db - setting_db for true_db in all_db), key=abs),
        spread_db=max(spreads_db, default=None),
        hysteresis_db=hysteresis_db,
        n=len(all_db),
    )
