"""The calibration's part of the report: a sentence, a figure and a table for each calibrated attenuator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil_tests.measure.calibration import (
    by_visit,
    hysteresis_db,
    insertion_loss_db,
    seen_attenuations,
    spread_db,
    worst_of,
)
from hil_tests.report import formats
from hil_tests.report.calibration_figure import calibration_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from hil_tests.measure.calibration import Side
    from hil_tests.run_data import RunData
    from hil_tests.verdict import Check

ACCURACY = "calibration_accuracy_db"
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
    """From above less from below; None where one of them is missing."""
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
    bounds = next(((check.low, check.high) for check in checks if check.name == ACCURACY), (None, None))
    return [
        _view(run, f"calibration{number}", bounds)
        for number, run in enumerate(runs)
        if run.facts.procedure == "calibration" and seen_attenuations(run)
    ]


def _view(run: RunData, name: str, limits_db: tuple[float | None, float | None]) -> CalibrationView:
    return CalibrationView(
        run=run.name,
        source=_source(run),
        insertion_loss=_insertion_loss(run),
        uncertainty_held=_uncertainty_held(run),
        figure=calibration_figure(run, name, limits_db),
        rows=_rows(run),
    )


def _source(run: RunData) -> str:
    facts = run.facts.calibration
    return (
        f"{formats.fact(facts.source_power_dbm, 'dBm')} ± {formats.fact(facts.source_uncertainty_db, 'dB')}"
        f" at {formats.fact(facts.source_wavelength_nm, 'nm')} ({formats.fact(facts.source)})"
    )


def _insertion_loss(run: RunData) -> str:
    loss_db, uncertainty_db = insertion_loss_db(run), run.facts.calibration.source_uncertainty_db
    if loss_db is None or uncertainty_db is None:
        return "not known: the source's power is not recorded"
    return f"{loss_db:.2f} ± {uncertainty_db:g} dB, by what is known of the source's power"


def _uncertainty_held(run: RunData) -> str:
    stated_db = run.facts.calibration.attenuator_uncertainty_db
    worst = worst_of(seen_attenuations(run))
    found = f"The worst deviation is {formats.figure(worst.deviation_db, 'dB', signed=True)}: {worst}."
    if stated_db is None:
        return found
    holds = "holds" if abs(worst.deviation_db) <= stated_db else "does NOT hold"
    return (
        f"{found} The uncertainty that is stated of the attenuator, ±{stated_db:g}\u00a0dB, {holds}, by the"
        " device's own power meter, whose linearity nobody states."
    )


def _rows(run: RunData) -> list[SettingRow]:
    groups = by_visit(run)
    return [_row(setting_db, groups) for setting_db in sorted({setting_db for setting_db, _ in groups})]


def _row(setting_db: float, groups: Mapping[tuple[float, Side], Sequence[float]]) -> SettingRow:
    by_side = [seen_db for (at_db, _), seen_db in groups.items() if at_db == setting_db]
    all_db = [true_db for of_side in by_side for true_db in of_side]
    return SettingRow(
        setting_db=setting_db,
        mean_db=float(np.mean(all_db)),
        worst_deviation_db=max((true_db - setting_db for true_db in all_db), key=abs),
        spread_db=max((spread_db(of_side) for of_side in by_side if len(of_side) > 1), default=None),
        hysteresis_db=hysteresis_db(groups, setting_db),
        n=len(all_db),
    )
