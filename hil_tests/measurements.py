"""Measure in a run record what a limit asks for.

A measurement never judges. One that cannot be made has no value and says why; the check is then
incomplete, never passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil_tests import identity_measurements, statistics, sweep_measurements
from hil_tests.measured import NO_RECORDS, Measure, Measured
from hil_tests.quantities import KINDS, RECORD_UNITS
from hil_tests.run_facts import is_same_point

if TYPE_CHECKING:
    from hil_tests.limits import Limit
    from hil_tests.run_data import Columns, RunData
    from hil_tests.statistics import Floats


def measure(data: RunData, limit: Limit) -> Measured:
    """Measure in `data` what `limit` is about; KeyError for a kind that a checked limits file cannot have."""
    return _MEASURES[limit.quantity, limit.statistic](data, limit)


def values_of(columns: Columns, quantity: str) -> Floats:
    """Return the column of a quantity as it is called in a limits file."""
    return {
        "skr": columns.skr_bps,
        "qber": columns.qber,
        "visibility": columns.visibility,
        "count": columns.detection_count,
    }[quantity]


def _of_records(data: RunData, limit: Limit) -> Measured:
    values = values_of(data.at(limit.point_db), limit.quantity)
    if values.size == 0:
        return Measured(None, NO_RECORDS)
    match limit.statistic:
        case "mean":
            return Measured(statistics.mean_of(values))
        case "min":
            return Measured(statistics.exactly(float(values.min()), values.size))
        case "max":
            return Measured(statistics.exactly(float(values.max()), values.size))
        case "share_below":
            assert limit.threshold is not None  # noqa: S101 - the limits file is checked for it
            return Measured(statistics.share_below(values, limit.threshold))
        case _:
            return _scatter(values, limit.statistic)


def _scatter(values: Floats, statistic: str) -> Measured:
    if values.size < 2:
        return Measured(None, "one record has no scatter")
    if statistic == "relative_sd" and values.mean() == 0:
        return Measured(None, "the mean is zero")
    estimate = statistics.sd_of if statistic == "sd" else statistics.relative_sd_of
    return Measured(estimate(values))


def _coverage(data: RunData, limit: Limit) -> Measured:
    planned = data.facts.records_planned_at(limit.point_db)
    if planned is None:
        return Measured(None, "the run does not say how many records were planned")
    if limit.point_db is not None and not any(
        is_same_point(limit.point_db, point.added_db) for point in data.points
    ):
        return Measured(None, "the point was not visited")
    columns = data.at(limit.point_db)
    places = np.column_stack([np.nan_to_num(columns.point, nan=-1.0), columns.slot])
    filled = np.unique(places, axis=0).shape[0]
    return Measured(statistics.exactly(filled / planned, planned), f"{filled} of {planned}")


def _distinct_share(data: RunData, limit: Limit) -> Measured:
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    contents = np.column_stack([columns.skr_bps, columns.qber, columns.visibility, columns.detection_count])
    distinct = np.unique(contents, axis=0).shape[0]
    return Measured(statistics.exactly(distinct / columns.n, columns.n), f"{distinct} of {columns.n}")


def _with_zero_count(data: RunData, limit: Limit) -> Measured:
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    zero = np.flatnonzero(columns.detection_count <= 0)
    note = f"first in slot {columns.slot[zero[0]]:.0f}; dark counts alone give some" if zero.size else ""
    return Measured(statistics.exactly(float(zero.size), columns.n), note)


def _key_rate_ratio(data: RunData, limit: Limit) -> Measured:
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    finished = np.flatnonzero(columns.key_rate_bps > 0)
    if finished.size == 0:
        return Measured(statistics.exactly(0.0, columns.n), "the ledger never finished a key block")
    since = int(finished[0])
    if not columns.skr_bps[since:].any():
        return Measured(None, "every estimate of the key rate is zero")
    # Records before the first finished block are left out; zeros after it count.
    ratio = statistics.ratio_of_means(columns.key_rate_bps[since:], columns.skr_bps[since:])
    return Measured(ratio, f"from record {since} on, where the ledger has its first block")


_MEASURES: dict[tuple[str, str], Measure] = {
    **{kind: _of_records for kind in KINDS if kind[0] in RECORD_UNITS},
    ("appliance_end", "as_expected"): identity_measurements.end_as_expected,
    ("appliance_clock_offset", "worst"): identity_measurements.worst_clock_offset,
    ("records", "coverage"): _coverage,
    ("records", "distinct_share"): _distinct_share,
    ("records", "with_zero_count"): _with_zero_count,
    ("key_rate", "ratio_to_skr"): _key_rate_ratio,
    ("attenuator_wavelength", "worst_offset"): sweep_measurements.worst_wavelength_offset,
    ("attenuator_setting", "worst_offset"): sweep_measurements.worst_setting_offset,
    ("count", "worst_drop_offset"): sweep_measurements.worst_drop_offset,
    ("count", "worst_outlier"): sweep_measurements.worst_outlier,
}
