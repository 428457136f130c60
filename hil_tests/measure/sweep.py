"""Measure a sweep itself: did the attenuator do what was asked, and did the light follow it.

A detector with a non-paralysable dead time tau counts n = m / (1 + m tau) of m detections per second,
so m = n / (1 - n tau); the loss between two points is 10 log10 of the ratio of their m.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hil_tests.measure import as_set
from hil_tests.measure.estimates import Estimate, exactly, mean_of
from hil_tests.measure.measured import NO_RECORDS, Measured
from sweeps.record.facts import is_same_point

if TYPE_CHECKING:
    from hil_tests.limits import Limit
    from hil_tests.measure.estimates import Floats
    from hil_tests.run_data import Columns, RunData

# What is put in the place of no count at all: half a detection in the whole time.
_HALF_A_DETECTION = 0.5


def worst_wavelength_offset(data: RunData, limit: Limit) -> Measured:
    """Give the read-back wavelength less the fibre's in nm, where it is largest."""
    del limit
    if _missing_points(data):
        return Measured(None, f"not visited: {_missing_points(data)}")
    return as_set.worst_wavelength_offset(data, data.points)


def worst_setting_offset(data: RunData, limit: Limit) -> Measured:
    """Give the read-back attenuation less the one set in dB, where it is largest."""
    del limit
    if _missing_points(data):
        return Measured(None, f"not visited: {_missing_points(data)}")
    return as_set.worst_setting_offset(data.points)


def worst_drop_offset(data: RunData, limit: Limit) -> Measured:
    """Give the loss that the counts show less the one added in dB, where it is largest.

    Both are taken relative to the point with the least attenuation.
    """
    assert limit.dead_time_s is not None  # noqa: S101 - the limits file is checked for it
    if _missing_points(data):
        return Measured(None, f"not visited: {_missing_points(data)}")
    added_db = data.added_db()
    if len(added_db) < len({point.added_db for point in data.points}) or len(added_db) < 2:
        return Measured(None, "no records at one point, or only one point")
    levels = [_detections_db(data.at(db), limit.dead_time_s) for db in added_db]
    reference = levels[0]
    if any(level is None for level in levels) or reference is None:
        return Measured(None, f"a count above what a dead time of {limit.dead_time_s * 1e6:g} us allows")
    offsets = [
        (reference.value - level.value - (db - added_db[0]), db, level)
        for db, level in zip(added_db[1:], levels[1:], strict=True)
        if level is not None
    ]
    offset_db, at_db, level = max(offsets, key=lambda item: abs(item[0]))
    error_db = math.hypot(reference.standard_error or 0.0, level.standard_error or 0.0)
    n_effective = min(reference.n_effective, level.n_effective)
    note = f"at {at_db:g} dB added the counts show {offset_db + at_db - added_db[0]:.2f} dB"
    return Measured(Estimate(offset_db, error_db, data.columns.n, n_effective), note)


def worst_outlier(data: RunData, limit: Limit) -> Measured:
    """Give the largest distance of a count from the point's median, in s.d. of shot noise and drift."""
    assert limit.relative_drift is not None  # noqa: S101 - the limits file is checked for it
    columns = data.at(limit.point_db)
    if columns.n == 0:
        return Measured(None, NO_RECORDS)
    median = float(np.median(columns.detection_count))
    distance = outlier_distance(columns.detection_count, columns.window_s, limit.relative_drift)
    worst = int(np.argmax(distance))
    note = f"slot {columns.slot[worst]:.0f}: {columns.detection_count[worst]:.0f}/s, median {median:.0f}/s"
    return Measured(exactly(float(distance[worst]), columns.n), note)


def outlier_distance(counts: Floats, window_s: Floats, relative_drift: float) -> Floats:
    """Return how far each count (per second) is from the median, in s.d. of shot noise and drift."""
    median = float(np.median(counts))
    # At least one detection, so that a dark point has a scale.
    shot_variance = np.maximum(median / window_s, 1.0)
    return np.abs(counts - median) / np.sqrt(shot_variance + (relative_drift * median) ** 2)


def _detections_db(columns: Columns, dead_time_s: float) -> Estimate | None:
    """Return 10 log10 of the detections per second that the light alone would give, without dead time."""
    counts = mean_of(columns.detection_count)
    floor = _HALF_A_DETECTION / float(columns.window_s.sum())
    count = max(counts.value, floor)
    live = 1.0 - count * dead_time_s
    if live <= 0.0:
        return None
    error = counts.standard_error
    error_db = None if error is None else 10.0 / math.log(10.0) * error / (count * live)
    return Estimate(10.0 * math.log10(count / live), error_db, counts.n, counts.n_effective)


def _missing_points(data: RunData) -> str:
    """Name the planned points that the run did not visit; empty when it was at all of them."""
    planned = data.facts.plan.attenuation.added_db
    if not data.points:
        return "any point"
    missing = [db for db in planned if not any(is_same_point(db, point.added_db) for point in data.points)]
    return ", ".join(f"{db:g} dB" for db in missing)
