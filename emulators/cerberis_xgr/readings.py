"""Further readings of an appliance, under IDQ's public signal names: steady values with a little noise.

The names are documented; values, noise and units are assumed, and nothing in the lab moves them yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drivers.facts.names import load_names

if TYPE_CHECKING:
    from emulators.cerberis_xgr.pair import End
    from emulators.lab.streams import Stream

NAMES = load_names("cerberis_xgr_web_api")

# Key in the names file -> (mean, standard deviation), units as in the notes there.
_STEADY: dict[End, dict[str, tuple[float, float]]] = {
    "alice": {
        "laser_bias_current": (62.0, 0.05),
        "laser_temperature": (25.0, 0.01),
        "laser_power": (3.0, 0.01),
        "laser_tec_current": (180.0, 2.0),
        "im_bias_voltage": (2.4, 0.005),
        "im_temperature": (30.0, 0.02),
        "voa_attenuation": (61.5, 0.01),
        "monitoring_photodiode_power": (-22.0, 0.02),
    },
    "bob": {
        "if_temperature": (35.0, 0.005),
        "filter_temperature": (30.0, 0.02),
        "data_detector_temperature": (-50.0, 0.05),
        "data_detector_bias_current": (4.0, 0.02),
        "monitor_detector_temperature": (-50.0, 0.05),
        "monitor_detector_bias_current": (4.0, 0.02),
    },
}


class SteadyReadings:
    """The readings of one end; those of a record depend on its number and the stream alone."""

    def __init__(self, end: End, stream: Stream) -> None:
        steady = _STEADY[end]
        self._names = [NAMES[key] for key in steady]
        self._means = np.array([mean for mean, _ in steady.values()])
        self._deviations = np.array([deviation for _, deviation in steady.values()])
        self._stream = stream

    def at(self, sequence: int) -> dict[str, float]:
        """Return the readings that belong to record `sequence`."""
        noise = self._stream.generator(sequence).standard_normal(len(self._names))
        values: list[float] = (self._means + self._deviations * noise).round(4).tolist()
        return dict(zip(self._names, values, strict=True))
