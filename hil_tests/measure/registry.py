"""What can be measured in a run record: each pair of quantity and statistic, its unit, and how.

Limits files are checked against this table, and measured by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil_tests.measure import calibration, fibre, identity, sweep, telemetry

if TYPE_CHECKING:
    from hil_tests.limits import Limit
    from hil_tests.measure.measured import Measure, Measured
    from hil_tests.run_data import RunData

RECORD_UNITS = {"skr": "bps", "qber": "1", "visibility": "1", "count": "1/s"}
"""Quantities that every telemetry record has, with their units."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of measurement: the unit of its value, how it is made, the limit's settings that it needs."""

    unit: str
    measure: Measure
    needs: tuple[str, ...] = ()


def _of_records() -> dict[tuple[str, str], Kind]:
    kinds: dict[tuple[str, str], Kind] = {}
    for quantity, unit in RECORD_UNITS.items():
        for statistic in ("mean", "sd", "min", "max"):
            kinds[quantity, statistic] = Kind(unit, telemetry.of_records)
        kinds[quantity, "relative_sd"] = Kind("1", telemetry.of_records)
        kinds[quantity, "share_below"] = Kind("1", telemetry.of_records, ("threshold",))
    return kinds


KINDS: dict[tuple[str, str], Kind] = {
    **_of_records(),
    ("appliance_end", "as_expected"): Kind("1", identity.end_as_expected, ("end",)),
    ("appliance_clock_offset", "worst"): Kind("s", identity.worst_clock_offset),
    ("records", "coverage"): Kind("1", telemetry.coverage),
    ("records", "distinct_share"): Kind("1", telemetry.distinct_share),
    ("records", "with_zero_count"): Kind("records", telemetry.with_zero_count),
    ("key_rate", "ratio_to_skr"): Kind("1", telemetry.key_rate_ratio),
    ("attenuator_wavelength", "worst_offset"): Kind("nm", sweep.worst_wavelength_offset),
    ("attenuator_setting", "worst_offset"): Kind("dB", sweep.worst_setting_offset),
    ("count", "worst_drop_offset"): Kind("dB", sweep.worst_drop_offset, ("dead_time_s",)),
    ("power_readings", "coverage"): Kind("1", calibration.coverage),
    ("calibration_wavelength", "worst_offset"): Kind("nm", calibration.worst_wavelength_offset),
    ("calibration_setting", "worst_offset"): Kind("dB", calibration.worst_setting_offset),
    ("true_attenuation", "worst_deviation"): Kind("dB", calibration.worst_deviation),
    ("true_attenuation", "slope"): Kind("1", calibration.slope),
    ("true_attenuation", "worst_spread"): Kind("dB", calibration.worst_spread),
    ("true_attenuation", "repeatability"): Kind("dB", calibration.repeatability),
    ("true_attenuation", "worst_hysteresis"): Kind("dB", calibration.worst_hysteresis),
    ("insertion_loss", "mean"): Kind("dB", calibration.insertion_loss),
    ("count", "worst_outlier"): Kind("s.d.", sweep.worst_outlier, ("point_db", "relative_drift")),
    ("fibre_traces", "coverage"): Kind("1", fibre.coverage),
    ("fibre_length", "worst_offset"): Kind("m", fibre.worst_length_offset),
    ("fibre_loss", "offset"): Kind("dB", fibre.loss_offset, ("wavelength_nm",)),
    ("fibre_connection_loss", "worst"): Kind("dB", fibre.worst_connection_loss, ("wavelength_nm",)),
    ("fibre_splice_loss", "worst"): Kind("dB", fibre.worst_splice_loss, ("wavelength_nm",)),
    ("fibre_reflectance", "worst"): Kind("dB", fibre.worst_reflectance, ("wavelength_nm",)),
    ("fibre_orl", "worst"): Kind("dB", fibre.worst_return_loss, ("wavelength_nm",)),
    ("fibre_slope", "worst"): Kind("dB/km", fibre.worst_slope, ("wavelength_nm",)),
}


def measure(data: RunData, limit: Limit) -> Measured:
    """Measure in `data` what `limit` is about; KeyError for a kind that a checked limits file cannot have."""
    return KINDS[limit.quantity, limit.statistic].measure(data, limit)
