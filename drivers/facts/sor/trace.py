"""The trace of a `.sor` file as levels over distance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.units import distance_m, spacing_m

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drivers.facts.sor.fxd_params import Pulse
    from drivers.facts.sor.model import SorFile


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The points taken with one pulse width."""

    pulse_width_ns: int
    first_point_m: float
    """From the front panel to the first point: the acquisition offset (0 in most makers' files)."""
    spacing_m: float
    levels_db: NDArray[np.float64]
    """0 or below, on the scale of 5 log10 of the power, so that a loss is what it is one way."""

    def distances_m(self) -> NDArray[np.float64]:
        """Return the distance of each point from the front panel in m."""
        return self.first_point_m + np.arange(len(self.levels_db), dtype=np.float64) * self.spacing_m


def traces(file: SorFile) -> tuple[Trace, ...]:
    """Return one trace per pulse width; SorError if blocks are missing or contradict each other.

    Points lie at (acquisition offset + i spacing) c / n from the front panel, events at
    (user offset + time) c / n: on a Noyes file whose offsets are not 0 the reflections of front
    panel, launch connector and end stand where these formulas put them.
    """
    params = file.block(FxdParams)
    levels_db = file.block(DataPts).levels_db()
    index = params.group_index
    first_point_m = distance_m(params.acquisition_offset_100ps, index)
    return tuple(
        Trace(pulse.width_ns, first_point_m, spacing_m(pulse.spacing_10fs, index), levels_db[part])
        for pulse, part in zip(params.pulses, _parts(params.pulses, len(levels_db)), strict=True)
    )


def _parts(pulses: tuple[Pulse, ...], points: int) -> list[slice]:
    """Return which points belong to each pulse width."""
    if not pulses:
        raise SorError(FxdParams.NAME, "the file gives no pulse width, so its points have no distance")
    # With a single pulse width all points are its own, whatever FxdParams counts.
    if len(pulses) == 1:
        return [slice(0, points)]
    ends = list(accumulate(pulse.points for pulse in pulses))
    if ends[-1] != points:
        raise SorError(FxdParams.NAME, f"pulse widths count {ends[-1]} points, DataPts holds {points}")
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
