"""What the optics hand to the appliance for one record window, whatever the fidelity.

`RecordSource` is the seat of a fidelity: the statistical one draws a window from the analytic model
(`emulators.cow4.statistical`); the click-exact engine will fill the same seat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class LossSegment:
    """A stretch of constant loss within a window."""

    duration_s: float
    added_db: float
    """Loss beyond the profile's reference fibre, in dB; inf when no light passes."""


@dataclass(frozen=True, slots=True)
class LinkSample:
    """One record window as the receiver and its estimators saw it."""

    skr_bps: float
    qber: float
    visibility: float
    detection_count: float
    """Detections of D_bit per second."""


class RecordSource(Protocol):
    """Makes the content of record windows; a window's content depends on the seed, its index and the loss."""

    def sample(self, index: int, start_s: float, segments: Sequence[LossSegment]) -> LinkSample:
        """Return window number `index` (0 or more), starting at `start_s`, with the losses `segments`."""
        ...
