"""Fibre types: what light meets in a metre of fibre; every figure stands in `fibre_types.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drivers.facts.figures import Figure, FigureError, Spectrum, read_figures, spectrum_of

FILE = Path(__file__).parent / "fibre_types.yaml"
REFERENCE_C = 20.0
"""Temperature (degrees Celsius) for which the figures hold."""


@dataclass(frozen=True, slots=True)
class FibreType:
    """The optical figures of one kind of fibre, by wavelength."""

    name: str
    attenuation_db_per_km: Spectrum
    group_index: Spectrum
    backscatter_db: Spectrum
    """Backscatter of a pulse of 1 ns, relative to the pulse's power (the K of an OTDR)."""
    bend_loss_15_mm_db: Spectrum
    """Loss of one turn of 15 mm radius."""
    bend_loss_10_mm_db: Spectrum
    delay_ppm_per_k: float
    """Change of the transit time with temperature."""
    attenuation_db_per_km_per_k: float

    def attenuation_at(self, wavelength_nm: float, temperature_c: float) -> float:
        """Return the attenuation in dB/km at a wavelength and temperature."""
        change_k = temperature_c - REFERENCE_C
        return self.attenuation_db_per_km.at(wavelength_nm) + self.attenuation_db_per_km_per_k * change_k

    def turn_loss_db(self, wavelength_nm: float, radius_mm: float) -> float:
        """Return the loss of one turn; radius 5 to 40 mm.

        Exponential in the radius through the two figures (Marcuse, J. Opt. Soc. Am. 66 (1976) 216, to the
        leading order). FigureError outside the range.
        """
        if not 5.0 <= radius_mm <= 40.0:
            raise FigureError(f"bend of radius {radius_mm:g} mm: the model holds from 5 to 40 mm")
        at_15 = self.bend_loss_15_mm_db.at(wavelength_nm)
        at_10 = self.bend_loss_10_mm_db.at(wavelength_nm)
        return float(at_15 * (at_10 / at_15) ** ((15.0 - radius_mm) / 5.0))


class FibreFigures(BaseModel):
    """One fibre type as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attenuation_db_per_km: dict[float, Figure]
    group_index: dict[float, Figure]
    backscatter_db: dict[float, Figure]
    bend_loss_15_mm_db: dict[float, Figure]
    bend_loss_10_mm_db: dict[float, Figure]
    delay_ppm_per_k: Figure
    attenuation_db_per_km_per_k: Figure


class FibreFile(BaseModel):
    """The file of fibre types."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    fibres: dict[str, FibreFigures]


@cache
def fibre_types() -> dict[str, FibreType]:
    """Read all fibre types by name; FigureError with every mistake in the file."""
    return {name: _fibre_type(name, figures) for name, figures in fibre_figures().items()}


def fibre_type(name: str) -> FibreType:
    """Return the fibre type called `name` (such as G.652.D); FigureError if there is none."""
    known = fibre_types()
    if name not in known:
        raise FigureError(f"no fibre type {name!r}; known: {', '.join(sorted(known))}")
    return known[name]


def fibre_figures() -> dict[str, FibreFigures]:
    """Read the figures with their standing; FigureError with every mistake in the file."""
    return read_figures(FILE, FibreFile).fibres


def _fibre_type(name: str, figures: FibreFigures) -> FibreType:
    return FibreType(
        name=name,
        attenuation_db_per_km=spectrum_of(figures.attenuation_db_per_km),
        group_index=spectrum_of(figures.group_index),
        backscatter_db=spectrum_of(figures.backscatter_db),
        bend_loss_15_mm_db=spectrum_of(figures.bend_loss_15_mm_db),
        bend_loss_10_mm_db=spectrum_of(figures.bend_loss_10_mm_db),
        delay_ppm_per_k=figures.delay_ppm_per_k.value,
        attenuation_db_per_km_per_k=figures.attenuation_db_per_km_per_k.value,
    )
