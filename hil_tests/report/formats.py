"""How figures, times and facts are written for people."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import pairwise

NOT_RECORDED = "not recorded"
NO_FIGURE = "\u2013"

_DECIMALS = {"bps": 0, "1/s": 0, "records": 0, "s": 3, "nm": 1, "dB": 3, "m": 1, "s.d.": 2}
_UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
_WITHOUT_UNIT = ("1", "records")
_MINUS = "\u2212"


def figure(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Write a value with its unit; a share (unit "1") has four significant digits and no unit."""
    if value is None:
        return NO_FIGURE
    sign = "+" if signed and value else ""
    if unit == "1":
        return f"{value:{sign}.4g}".replace("-", _MINUS)
    decimals = _DECIMALS.get(unit, 3)
    # Rounding may leave a zero with the sign of what was lost.
    value = round(value, decimals) + 0.0
    text = f"{value:{sign if value else ''},.{decimals}f}".replace("-", _MINUS)
    return text if unit in _WITHOUT_UNIT else f"{text} {unit}"


def uncertainty(standard_error: float | None, unit: str) -> str:
    """Write a standard error with two significant digits; empty for a value that has none."""
    if not standard_error:
        return ""
    decimals = max(1 - math.floor(math.log10(standard_error)), 0)
    suffix = "" if unit in _WITHOUT_UNIT else f" {unit}"
    return f"± {standard_error:,.{decimals}f}{suffix}"


def limit(low: float | None, high: float | None, unit: str) -> str:
    """Write a limit (of which there is at least one) with its unit."""
    low_text, high_text = (
        "" if bound is None else f"{bound:,.10g}".replace("-", _MINUS) for bound in (low, high)
    )
    if low is None:
        text = f"≤ {high_text}"
    elif high is None:
        text = f"≥ {low_text}"
    else:
        text = f"= {low_text}" if low == high else f"{low_text} to {high_text}"
    return text if unit in _WITHOUT_UNIT else f"{text} {unit}"


def utc(seconds: float | None) -> str:
    """Write seconds since the Unix epoch as UTC."""
    if seconds is None:
        return NOT_RECORDED
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """Write a duration in its two largest units, rounded."""
    for (unit, unit_s), (part, part_s) in pairwise(_UNITS):
        parts = round(seconds / part_s)
        ratio = round(unit_s / part_s)
        if parts >= ratio:
            rest = f" {parts % ratio} {part}" if parts % ratio else ""
            return f"{parts // ratio} {unit}{rest}"
    return f"{seconds:.0f} s"


def fact(value: object, unit: str = "") -> str:
    """Write a fact of the run, or that it was not recorded."""
    if value is None or value == "":
        return NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}" if unit else text
