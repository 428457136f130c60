"""The telemetry record of a QKD appliance: the values that Tables 2 and 3 of the paper are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD_WINDOW_S = 1.0
"""A record covers this much and is there at its end."""


@dataclass(frozen=True, slots=True)
class TelemetryRecord:
    """One numbered record: what the appliance saw in [window_start_s, window_start_s + window_s)."""

    sequence: int
    """Number given by the appliance; rises by one from record to record."""
    window_start_s: float
    """Start of the record's window, s since the Unix epoch, by the appliance's clock."""
    window_s: float
    """Length of the window in s."""
    skr_bps: float
    """Secret key rate in bit/s, the estimate from this record alone; 0 when no key block can complete."""
    key_rate_bps: float
    """Secret key rate in bit/s as the ledger of finished key blocks gives it."""
    qber: float
    """Quantum bit error rate as a fraction (0.019 for 1.9 %)."""
    visibility: float
    """Dark-count corrected (Dcc) visibility as a fraction."""
    detection_count: float
    """Total Detection Count: detections of D_bit per second, dark counts included."""
    readings: Mapping[str, float] = field(default_factory=dict[str, float])
    """Further readings under the maker's public signal names, e.g. `Laser_Temperature`."""


@dataclass(frozen=True, slots=True)
class RecordGap:
    """Sequence numbers `first` to `last` (both included) that the appliance no longer holds."""

    first: int
    last: int
    reason: str
