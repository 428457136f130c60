"""What can be measured in a run record: each pair of quantity and statistic, its unit, what it needs.

The limits file is checked against this table; `hil_tests.measurements` measures what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass

RECORD_UNITS = {"skr": "bps", "qber": "1", "visibility": "1", "count": "1/s"}
"""Quantities that every telemetry record has, with their units."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of measurement: the unit of its value and the limit's settings that it needs."""

    unit: str
    needs: tuple[str, ...] = ()


def _of_records() -> dict[tuple[str, str], Kind]:
    kinds: dict[tuple[str, str], Kind] = {}
    for quantity, unit in RECORD_UNITS.items():
        for statistic in ("mean", "sd", "min", "max"):
            kinds[quantity, statistic] = Kind(unit)
        kinds[quantity, "relative_sd"] = Kind("1")
        kinds[quantity, "share_below"] = Kind("1", ("threshold",))
    return kinds


KINDS: dict[tuple[str, str], Kind] = {
    **_of_records(),
    ("appliance_end", "as_expected"): Kind("1", ("end",)),
    ("appliance_clock_offset", "worst"): Kind("s"),
    ("records", "coverage"): Kind("1"),
    ("records", "distinct_share"): Kind("1"),
    ("records", "with_zero_count"): Kind("records"),
    ("key_rate", "ratio_to_skr"): Kind("1"),
    ("attenuator_wavelength", "worst_offset"): Kind("nm"),
    ("attenuator_setting", "worst_offset"): Kind("dB"),
    ("count", "worst_drop_offset"): Kind("dB", ("dead_time_s",)),
    ("count", "worst_outlier"): Kind("s.d.", ("point_db", "relative_drift")),
}
