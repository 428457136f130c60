"""The figures of an emulated mVOA and of its light source; each stands in `mvoa_profile.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drivers.facts.figures import Figure, FigureError, read_figures

FILE = Path(__file__).parent / "mvoa_profile.yaml"


@dataclass(frozen=True, slots=True)
class MvoaProfile:
    """What an mVOA does beside what it is set to, and what its light source does."""

    wavelength_slope_per_nm: float
    """Relative error of the attenuation per nm between the light and the calibration wavelength."""
    scale_reach: float
    """Relative error of the attenuation that is the same everywhere: drawn within this of nothing."""
    ripple_db: float
    """Amplitude of the error that comes and goes with the setting."""
    ripple_period_db: float
    hysteresis_db: float
    """How much less it attenuates at a setting that was reached from below than from above."""
    repeatability_db: float
    """Standard deviation at one setting from visit to visit."""
    meter_low_dbm: float
    meter_high_dbm: float
    meter_noise_db: float
    """Standard deviation of a reading of 1 s, where there is light."""
    meter_floor_dbm: float
    """Standard deviation of a reading of 1 s in the dark."""
    source_drift_db: float
    """Amplitude of the source's drift."""
    source_drift_period_s: float
    mating_db: float
    """The most that a connector loses more than at its best: another value each time it is plugged in."""


class MvoaFile(BaseModel):
    """The file of figures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    figures: dict[str, Figure]


@cache
def mvoa_profile() -> MvoaProfile:
    """Read the figures; FigureError with every mistake in the file."""
    figures = read_figures(FILE, MvoaFile).figures
    expected = {field.name for field in fields(MvoaProfile)}
    if figures.keys() != expected:
        wrong = ", ".join(sorted(figures.keys() ^ expected))
        raise FigureError(f"{FILE.name}: missing, or not known: {wrong}")
    return MvoaProfile(**{name: figure.value for name, figure in figures.items()})
