"""Measure an attenuator against the power meter behind it.

True attenuation is P(0 dB) - P(setting), in dB. P(0 dB) at the time of a reading is on the straight line
between the 0 dB readings before and after it, which takes drift of the light source out. A round that was
broken off holds further 0 dB readings, one for each time that it was taken up: the source was plugged in anew
then, so no line leads from before to after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from hil_tests.measure.estimates import Estimate, exactly
from hil_tests.measure.measured import NO_RECORDS, Measured
from sweeps.procedures.calibration import round_settings_db

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil_tests.limits import Limit
    from hil_tests.run_data import RunData
    from sweeps.record.schema import PowerReading

_TOO_FEW = "fewer than two rounds at every setting"


@dataclass(frozen=True, slots=True)
class Seen:
    """The true attenuation at one visit to a setting above 0 dB."""

    round: int
    is_forwards: bool
    setting_db: float
    true_db: float

    @property
    def deviation_db(self) -> float:
        """How much more it attenuates than it is set to."""
        return self.true_db - self.setting_db

    @property
    def visit(self) -> tuple[float, bool]:
        """What all rounds have in common: the setting, and from which side it was reached."""
        return self.setting_db, self.is_forwards

    def __str__(self) -> str:
        visit = f"round {self.round + 1}, {'forwards' if self.is_forwards else 'backwards'}"
        return f"set {self.setting_db:g} dB, measured {self.true_db:.3f} dB ({visit})"


def seen_attenuations(data: RunData) -> list[Seen]:
    """Return the true attenuation at every visit of a run, in the order in which they were made."""
    plan = data.facts.plan.calibration
    if plan is None or not plan.settings_db:
        return []
    visits = len(round_settings_db(plan.settings_db))
    by_time = sorted(data.readings, key=lambda reading: (reading.round, reading.taken_s))
    return [
        seen
        for _, of_round in groupby(by_time, key=lambda reading: reading.round)
        for stretch in _stretches(list(of_round), visits)
        for seen in _seen_in(stretch, visits)
    ]


def _stretches(of_round: Sequence[PowerReading], visits: int) -> list[list[PowerReading]]:
    """Return a round's readings between one plugging of the light source and the next."""
    stretches: list[list[PowerReading]] = []
    for reading in of_round:
        if reading.step == 0 or reading.step >= visits:
            stretches.append([])
        if stretches:  # without its opening nothing is known of a round
            stretches[-1].append(reading)
    return stretches


def _seen_in(stretch: Sequence[PowerReading], visits: int) -> list[Seen]:
    zeros = [reading for reading in stretch if reading.setting_db == 0.0]
    times_s, powers_dbm = [zero.taken_s for zero in zeros], [zero.power_dbm for zero in zeros]
    return [
        Seen(
            round=reading.round,
            is_forwards=reading.step < visits // 2,
            setting_db=reading.setting_db,
            true_db=float(np.interp(reading.taken_s, times_s, powers_dbm)) - reading.power_dbm,
        )
        for reading in stretch
        if reading.setting_db != 0.0
    ]


def coverage(data: RunData, limit: Limit) -> Measured:
    """Give the share of the planned readings that were taken."""
    del limit
    plan = data.facts.plan.calibration
    if plan is None or plan.rounds is None:
        return Measured(None, "the run does not say how many readings were planned")
    visits = len(round_settings_db(plan.settings_db))
    taken = sum(reading.step < visits for reading in data.readings)
    return Measured(exactly(taken / (plan.rounds * visits), taken))


def worst_deviation(data: RunData, limit: Limit) -> Measured:
    """Give the true attenuation less the one set in dB, at the visit where it is largest."""
    del limit
    seen = seen_attenuations(data)
    if not seen:
        return Measured(None, NO_RECORDS)
    worst = max(seen, key=lambda one: abs(one.deviation_db))
    return Measured(exactly(worst.deviation_db, len(seen)), str(worst))


def slope(data: RunData, limit: Limit) -> Measured:
    """Give the slope of the least-squares line of true attenuation over setting."""
    del limit
    seen = seen_attenuations(data)
    if len({one.setting_db for one in seen}) < 2:
        return Measured(None, "a line needs two settings above 0 dB")
    set_db = np.array([one.setting_db for one in seen])
    true_db = np.array([one.true_db for one in seen])
    rise, offset_db = (
        float(value) for value in np.polynomial.Polynomial.fit(set_db, true_db, 1).convert().coef[::-1]
    )
    error = None
    if len(seen) > 2:
        residual_db = true_db - offset_db - rise * set_db
        scatter = float((residual_db**2).sum()) / (len(seen) - 2)
        error = math.sqrt(scatter / float(((set_db - set_db.mean()) ** 2).sum()))
    return Measured(
        Estimate(rise, error, len(seen), float(len(seen))), f"at 0 dB the line is at {offset_db:.3f} dB"
    )


def worst_spread(data: RunData, limit: Limit) -> Measured:
    """Give the largest less the smallest attenuation of all rounds at one setting from one side, in dB."""
    del limit
    return _of_visits(data, lambda of_visit: max(of_visit) - min(of_visit))


def repeatability(data: RunData, limit: Limit) -> Measured:
    """Give the standard deviation of the attenuation at one setting from round to round, in dB."""
    del limit
    groups = [np.array(values) for values in by_visit(data).values() if len(values) > 1]
    if not groups:
        return Measured(None, _TOO_FEW)
    freedom = sum(values.size - 1 for values in groups)
    sd_db = math.sqrt(sum(float(((values - values.mean()) ** 2).sum()) for values in groups) / freedom)
    n = sum(values.size for values in groups)
    return Measured(Estimate(sd_db, sd_db / math.sqrt(2.0 * freedom), n, float(freedom)))


def worst_hysteresis(data: RunData, limit: Limit) -> Measured:
    """Give the mean attenuation backwards less that forwards in dB, at the setting where it is largest."""
    del limit
    groups = by_visit(data)
    gaps = [
        (float(np.mean(groups[setting_db, False]) - np.mean(forwards)), setting_db)
        for (setting_db, is_forwards), forwards in groups.items()
        if is_forwards and (setting_db, False) in groups
    ]
    if not gaps:
        return Measured(None, "no setting was reached from both sides")
    gap_db, setting_db = max(gaps, key=lambda gap: abs(gap[0]))
    return Measured(exactly(gap_db, len(gaps)), f"at {setting_db:g} dB")


def insertion_loss(data: RunData, limit: Limit) -> Measured:
    """Give the light source's power less the power behind the attenuator at 0 dB, in dB, over all readings.

    The uncertainty of the source's power, a bound, is told in the note: it is the same for all readings.
    """
    del limit
    source_dbm = data.facts.calibration.source_power_dbm
    zeros = np.array([reading.power_dbm for reading in data.readings if reading.setting_db == 0.0])
    if source_dbm is None or zeros.size == 0:
        return Measured(
            None, "no reading at 0 dB" if zeros.size == 0 else "the source's power is not recorded"
        )
    uncertainty_db = data.facts.calibration.source_uncertainty_db
    known = "not recorded" if uncertainty_db is None else f"{uncertainty_db:g} dB"
    return Measured(
        exactly(float((source_dbm - zeros).mean()), zeros.size), f"uncertainty of the source's power: {known}"
    )


def by_visit(data: RunData) -> dict[tuple[float, bool], list[float]]:
    """Return the true attenuations of all rounds (dB) by setting and side: (setting, is it forwards)."""
    groups: dict[tuple[float, bool], list[float]] = {}
    for seen in seen_attenuations(data):
        groups.setdefault(seen.visit, []).append(seen.true_db)
    return groups


def _of_visits(data: RunData, spread: Callable[[Sequence[float]], float]) -> Measured:
    groups = {visit: values for visit, values in by_visit(data).items() if len(values) > 1}
    if not groups:
        return Measured(None, _TOO_FEW)
    worst = max(groups, key=lambda visit: spread(groups[visit]))
    setting_db, is_forwards = worst
    note = f"at {setting_db:g} dB, {'forwards' if is_forwards else 'backwards'}, {len(groups[worst])} rounds"
    return Measured(exactly(spread(groups[worst]), sum(len(values) for values in groups.values())), note)
