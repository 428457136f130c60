"""Measure in the telemetry records of a run: rates, errors, counts, and whether the records are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil_tests.measure import estimates
from hil_tests.measure.measured import NO_RECORDS, Measured
from sweeps.record.facts import is_same_point

if TYPE_CHECKING:
    from hil_tests.limits import Limit
    from hil_tests.measure.estimates import Floats
    from hil_tests.run_data import Columns, RunData


def values_of(columns: Columns, quantity: str) -> Floats:
    """Return the column of a quantity as it is called in a limits file."""
    return {
        "skr": columns.skr_bps,
        "qber": columns.qber,
        "visibility": columns.visibility,
        "count": columns.detection_count,
    }[quantity]


def of_records(data: RunData, limit: Limit) -> Measured:
    """Give the limit's statistic of one quantity over the records."""
    values = values_of(data.at(limit.point_db), limit.quantity)
    if values.size == 0:
        return Measured(None, NO_RECORDS)
    match limit.statistic:
        case "mean":
            return Measured(estimates.mean_of(values))
        case "min":
            return Measured(estimates.exactly(float(values.min()), values.size))
        case "max":
            return Measured(estimates.exactly(float(values.max()), values.size))
        case "share_below":
            assert limit.threshold is not None  # noqa: S101 - the limits file is checked for it
            return Measured(estimates.share_below(values, limit.threshold))
        case _:
            return _scatter(values, limit.statistic)


def _scatter(values: Floats, statistic: str) -> Measured:
    if values.size < 2:
        return Measured(None, "one record has no scatter")
    if statistic == "relative_sd" and values.mean() == 0:
        return Measured(None, "the mean is zero")
    of = estimates.sd_of if statistic == "sd" else estimates.relative_sd_of
    return Measured(of(values))


def coverage(data: RunData, limit: Limit) -> Measured:
    """Give the share of the planned slots that hold a record."""
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
    return Measured(estimates.exactly(filled / planned, planned), f"{filled} of {planned}")


def distinct_share(data: RunData, limit: Limit) -> Measured:
    """Give the share of records whose contents no other record has."""
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    contents = np.column_stack([columns.skr_bps, columns.qber, columns.visibility, columns.detection_count])
    distinct = np.unique(contents, axis=0).shape[0]
    return Measured(estimates.exactly(distinct / columns.n, columns.n), f"{distinct} of {columns.n}")


def with_zero_count(data: RunData, limit: Limit) -> Measured:
    """Give the number of records without a single detection."""
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    zero = np.flatnonzero(columns.detection_count <= 0)
    note = f"first in slot {columns.slot[zero[0]]:.0f}; dark counts alone give some" if zero.size else ""
    return Measured(estimates.exactly(float(zero.size), columns.n), note)


def key_rate_ratio(data: RunData, limit: Limit) -> Measured:
    """Give the mean key rate of finished blocks over the mean of the records' estimates."""
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    finished = np.flatnonzero(columns.key_rate_bps > 0)
    if finished.size == 0:
        return Measured(estimates.exactly(0.0, columns.n), "the ledger never finished a key block")
    since = int(finished[0])
    if not columns.skr_bps[since:].any():
        return Measured(None, "every estimate of the key rate is zero")
    # Records before the first finished block are left out; zeros after it count.
    ratio = estimates.ratio_of_means(columns.key_rate_bps[since:], columns.skr_bps[since:])
    return Measured(ratio, f"from record {since} on, where the ledger has its first block")
