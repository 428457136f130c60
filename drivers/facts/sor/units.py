"""Times of flight, distances and thousandths of a decibel, as `.sor` files count them.

The file counts one-way times in units of 100 ps, so that a distance follows from the group index
that the user has set: L = t c / n (ITU-T G.650.3; the same in the public parsers otdrparser, otdrs and
pyOTDR). The spacing of points is given as the time of 10 000 points in 100 ps, which is 10 fs a point.
"""

from __future__ import annotations

import math

from drivers.facts.sor.errors import SorError
from drivers.facts.units import LIGHT_M_PER_S

UNITS_100PS_PER_S = 1e10
UNITS_10FS_PER_S = 1e14


def distance_m(time_100ps: float, group_index: float) -> float:
    """Return the length of fibre in m that light passes in `time_100ps`; SorError for an index below 1."""
    return time_100ps / UNITS_100PS_PER_S * LIGHT_M_PER_S / _checked(group_index)


def time_100ps(length_m: float, group_index: float) -> int:
    """Return the time of flight through `length_m` of fibre, rounded to 100 ps (about 2 cm)."""
    return _rounded(length_m * _checked(group_index) / LIGHT_M_PER_S * UNITS_100PS_PER_S, "length_m")


def spacing_m(spacing_10fs: int, group_index: float) -> float:
    """Return the distance in m between two points."""
    return spacing_10fs / UNITS_10FS_PER_S * LIGHT_M_PER_S / _checked(group_index)


def spacing_10fs(length_m: float, group_index: float) -> int:
    """Return the spacing of points `length_m` apart, rounded to 10 fs (about 2 µm)."""
    return _rounded(length_m * _checked(group_index) / LIGHT_M_PER_S * UNITS_10FS_PER_S, "length_m")


def mdb(value_db: float) -> int:
    """Return a level, loss or reflectance rounded to 0.001 dB, as most fields count it."""
    return _rounded(value_db * 1000.0, "value_db")


def _checked(group_index: float) -> float:
    if not 1.0 <= group_index < math.inf:
        raise SorError("FxdParams", f"group index {group_index} gives no distance; expected 1 or more")
    return group_index


def _rounded(value: float, what: str) -> int:
    if not math.isfinite(value):
        raise SorError("units", f"{what} is not a finite number")
    return round(value)
