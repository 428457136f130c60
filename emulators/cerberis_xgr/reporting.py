"""How one appliance reports a record on its Web API, with the reporting defects that it may have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from drivers.facts.names import load_names

if TYPE_CHECKING:
    from drivers.facts.defects import CerberisXgrDefects
    from emulators.cerberis_xgr.pair import PairRecord
    from emulators.cerberis_xgr.readings import SteadyReadings

NAMES = load_names("cerberis_xgr_web_api")


class RecordReporter:
    """Turns records into the JSON objects that this appliance gives for them."""

    def __init__(self, defects: CerberisXgrDefects, readings: SteadyReadings) -> None:
        self._defects = defects
        self._readings = readings

    def report(self, record: PairRecord, first: PairRecord) -> bytes:
        """Return the JSON of `record`; `first` is what an appliance that repeats itself goes on showing."""
        shown = first if self._defects.repeats_record else record
        values = self._values(shown)
        readings = self._readings.at(shown.sequence)
        every = self._defects.zeros_every
        if every is not None and record.sequence % every == 0:
            values = dict.fromkeys(values, 0.0)
            readings = dict.fromkeys(readings, 0.0)
        fields = {
            NAMES["sequence"]: record.sequence,
            NAMES["window_start_s"]: record.window_start_s + self._defects.late_s,
            NAMES["window_s"]: record.window_s,
            **values,
            NAMES["readings"]: readings,
        }
        return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()

    def _values(self, record: PairRecord) -> dict[str, float]:
        sample = record.sample
        rate_scale = 1e-3 if self._defects.rate_unit == "kbps" else 1.0
        error_scale = 100.0 if self._defects.error_unit == "percent" else 1.0
        return {
            NAMES["skr"]: sample.skr_bps * rate_scale,
            NAMES["key_rate"]: record.key_rate_bps * rate_scale,
            NAMES["qber"]: sample.qber * error_scale,
            NAMES["visibility"]: sample.visibility,
            NAMES["detection_count"]: sample.detection_count,
        }
