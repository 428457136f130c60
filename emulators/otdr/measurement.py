"""One measurement of an emulated OTDR: its trace as the instrument keeps it, and the events found in that."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emulators.otdr.analysis import analyse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulators.otdr.events import Analysis
    from emulators.otdr.settings import AcquisitionSettings, Trace

STEP_DB = 0.00147
"""One count of a level: scale factor 1470 in real VIAVI `.sor` files, YScale in a capture of a curve."""
# The capture has signed counts of 16 bits around an offset. ASSUMED: the offset, which puts 0 dB at the top.
TOP_COUNT = 32_767
OFFSET_DB = -TOP_COUNT * STEP_DB


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A trace in counts of `STEP_DB` below 0 dB, shape (points,), and its analysis."""

    settings: AcquisitionSettings
    ended_at_s: float
    """Lab time in s since the Unix epoch."""
    counts_below: NDArray[np.uint16]
    analysis: Analysis

    @classmethod
    def of_trace(cls, trace: Trace, ended_at_s: float) -> Measurement:
        """Analyse a trace and keep it in the instrument's counts."""
        counts = np.rint(np.maximum(-trace.level_db, 0.0) / STEP_DB).astype(np.uint16)
        return cls(trace.settings, ended_at_s, counts, analyse(trace))

    def curve_digits(self) -> bytes:
        """Return four hexadecimal digits a point: signed, level = count * STEP_DB + OFFSET_DB."""
        signed = (TOP_COUNT - self.counts_below.astype(np.int32)).astype(">i2")
        return binascii.hexlify(signed.tobytes()).upper()
