"""Measure an attenuator against the power meter behind it.

True attenuation is P(0 dB) - P(setting), in dB. P(0 dB) at the time of a reading is on the straight line
between the 0 dB readings before and after it, which takes drift of the light source out. A round that was
broken off holds further 0 dB readings, one for each time that it was taken up: the source was plugged in anew
then, so no line leads from before to after. What was read before such a break has only the reading at 0 dB
before it, so that drift stays in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from hil_tests.measure import as_set
from hil_tests.measure.estimates import Estimate, exactly
from hil_tests.measure.measured import NO_RECORDS, Measured
from sweeps.procedures.calibration import round_settings_db

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from hil_tests.limits import Limit
    from hil_tests.run_data import RunData
    from sweeps.record.schema import PowerReading

    Side: TypeAlias = Literal["below", "above"] | None
    """From which side a setting was reached; None where the one before was the same: nothing moved."""

_TOO_FEW = "fewer than two rounds at every setting"


@dataclass(frozen=True, slots=True)
class Seen:
    """The true attenuation at one visit to a setting above 0 dB."""

    round: int
    side: Side
    setting_db: float
    true_db: float

    @property
    def deviation_db(self) -> float:
        """How much more it attenuates than it is set to."""
        return self.true_db - self.setting_db

    @property
    def visit(self) -> tuple[float, Side]:
        """What all rounds have in common: the setting, and from which side it was reached."""
        return self.setting_db, self.side

    def __str__(self) -> str:
        visit = f"round {self.round + 1}, {side_in_words(self.side)}"
        return f"set {self.setting_db:g} dB, measured {self.true_db:.3f} dB ({visit})"


def side_in_words(side: Side) -> str:
    """Say from which side a setting was reached."""
    return "not moved" if side is None else f"from {side}"


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
        for seen in _seen_in(stretch)
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


def _seen_in(stretch: Sequence[PowerReading]) -> list[Seen]:
    zeros = [reading for reading in stretch if reading.setting_db == 0.0]
    times_s, powers_dbm = [zero.taken_s for zero in zeros], [zero.power_dbm for zero in zeros]
    return [
        Seen(
            round=reading.round,
            side=_side(before.setting_db, reading.setting_db),
            setting_db=reading.setting_db,
            true_db=float(np.interp(reading.taken_s, times_s, powers_dbm)) - reading.power_dbm,
        )
        for before, reading in pairwise(stretch)
        if reading.setting_db != 0.0
    ]


def _side(before_db: float, setting_db: float) -> Side:
    if before_db == setting_db:
        return None
    return "below" if before_db < setting_db else "above"


def coverage(data: RunData, limit: Limit) -> Measured:
    """Give the share of the planned readings that were taken."""
    del limit
    plan = data.facts.plan.calibration
    if plan is None or plan.rounds is None:
        return Measured(None, "the run does not say how many readings were planned")
    visits = len(round_settings_db(plan.settings_db))
    taken = len(data.planned_readings())
    return Measured(exactly(taken / (plan.rounds * visits), taken))


def worst_wavelength_offset(data: RunData, limit: Limit) -> Measured:
    """Give the wavelength of the readings less the fibre's in nm, where it is largest."""
    del limit
    if not data.readings:
        return Measured(None, NO_RECORDS)
    return as_set.worst_wavelength_offset(data, data.readings)


def worst_setting_offset(data: RunData, limit: Limit) -> Measured:
    """Give the attenuation read back less the one set in dB, where it is largest."""
    del limit
    if not data.readings:
        return Measured(None, NO_RECORDS)
    return as_set.worst_setting_offset(data.readings)


def worst_deviation(data: RunData, limit: Limit) -> Measured:
    """Give the true attenuation less the one set in dB, at the visit where it is largest."""
    del limit
    seen = seen_attenuations(data)
    if not seen:
        return Measured(None, NO_RECORDS)
    worst = worst_of(seen)
    return Measured(exactly(worst.deviation_db, len(seen)), str(worst))


def worst_of(seen: Sequence[Seen]) -> Seen:
    """Return the visit, of at least one, that deviates most from its setting."""
    return max(seen, key=lambda one: abs(one.deviation_db))


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
    groups = {visit: values for visit, values in by_visit(data).items() if len(values) > 1}
    if not groups:
        return Measured(None, _TOO_FEW)
    worst = max(groups, key=lambda visit: spread_db(groups[visit]))
    setting_db, side = worst
    note = f"at {setting_db:g} dB, {side_in_words(side)}, {len(groups[worst])} visits"
    n = sum(len(values) for values in groups.values())
    return Measured(exactly(spread_db(groups[worst]), n), note)


def spread_db(true_db: Sequence[float]) -> float:
    """Return the largest less the smallest attenuation in dB."""
    return max(true_db) - min(true_db)


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
    """Give the mean attenuation reached from above less that from below in dB, where it is largest."""
    del limit
    groups = by_visit(data)
    gaps = {setting_db: hysteresis_db(groups, setting_db) for setting_db, _ in groups}
    known = [(gap_db, setting_db) for setting_db, gap_db in gaps.items() if gap_db is not None]
    if not known:
        return Measured(None, "no setting above 0 dB was reached from both sides")
    gap_db, setting_db = max(known, key=lambda gap: abs(gap[0]))
    return Measured(exactly(gap_db, len(known)), f"at {setting_db:g} dB")


def hysteresis_db(groups: Mapping[tuple[float, Side], Sequence[float]], setting_db: float) -> float | None:
    """Return the mean attenuation from above less that from below at a setting; None if one is missing."""
    from_below, from_above = groups.get((setting_db, "below")), groups.get((setting_db, "above"))
    if from_below is None or from_above is None:
        return None
    return float(np.mean(from_above) - np.mean(from_below))


def insertion_loss(data: RunData, limit: Limit) -> Measured:
    """Give the light source's power less the power behind the attenuator at 0 dB, in dB, over all readings.

    The uncertainty of the source's power, a bound, is told in the note: it is the same for all readings.
    """
    del limit
    n = len(_zeros_dbm(data))
    if n == 0:
        return Measured(None, "no reading at 0 dB")
    loss_db = insertion_loss_db(data)
    if loss_db is None:
        return Measured(None, "the source's power is not recorded")
    uncertainty_db = data.facts.calibration.source_uncertainty_db
    known = "not recorded" if uncertainty_db is None else f"{uncertainty_db:g} dB"
    return Measured(exactly(loss_db, n), f"uncertainty of the source's power: {known}")


def insertion_loss_db(data: RunData) -> float | None:
    """Return the mean insertion loss in dB; None without a reading at 0 dB or the source's power."""
    source_dbm, zeros_dbm = data.facts.calibration.source_power_dbm, _zeros_dbm(data)
    return source_dbm - float(np.mean(zeros_dbm)) if source_dbm is not None and zeros_dbm else None


def _zeros_dbm(data: RunData) -> list[float]:
    return [reading.power_dbm for reading in data.readings if reading.setting_db == 0.0]


def by_visit(data: RunData) -> dict[tuple[float, Side], list[float]]:
    """Return the true attenuations of all rounds (dB) by setting and the side from which it was reached."""
    groups: dict[tuple[float, Side], list[float]] = {}
    for seen in seen_attenuations(data):
        groups.setdefault(seen.visit, []).append(seen.true_db)
    return groups
