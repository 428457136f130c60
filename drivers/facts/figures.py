"""Figures of optical parts: one number with its standing and source, or one for each of some wavelengths."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from drivers.facts.checked_yaml import read_checked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ModelT = TypeVar("ModelT", bound=BaseModel)

Standing = Literal["documented", "inferred", "assumed"]
"""documented: read in the named public source; inferred: follows from documented figures;
assumed: the field's usual range, or not found in public."""


class FigureError(ValueError):
    """A file of figures has mistakes, or nothing of the name asked for."""


class Figure(BaseModel):
    """One number as a file of figures states it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[float, Field(allow_inf_nan=False)]
    status: Standing
    source: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A quantity at some wavelengths (nm, rising); straight lines between them, nothing outside."""

    wavelengths_nm: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.wavelengths_nm) != len(self.values) or not self.values:
            raise FigureError("a spectrum needs one value for each of at least one wavelength")
        if list(self.wavelengths_nm) != sorted(set(self.wavelengths_nm)):
            raise FigureError(f"wavelengths must rise, got {self.wavelengths_nm}")

    def at(self, wavelength_nm: float) -> float:
        """Return the value at a wavelength; FigureError outside the range of the table."""
        first, last = self.wavelengths_nm[0], self.wavelengths_nm[-1]
        if not first <= wavelength_nm <= last:
            raise FigureError(
                f"no figure at {wavelength_nm:g} nm; the table goes from {first:g} to {last:g} nm"
            )
        right = bisect_left(self.wavelengths_nm, wavelength_nm)
        if self.wavelengths_nm[right] == wavelength_nm:
            return self.values[right]
        left = right - 1
        share = (wavelength_nm - self.wavelengths_nm[left]) / (
            self.wavelengths_nm[right] - self.wavelengths_nm[left]
        )
        return self.values[left] * (1.0 - share) + self.values[right] * share


def value_at(quantity: float | Spectrum, wavelength_nm: float) -> float:
    """Return the value at a wavelength of what is either a spectrum or the same everywhere."""
    return quantity.at(wavelength_nm) if isinstance(quantity, Spectrum) else quantity


def spectrum_of(figures: Mapping[float, Figure]) -> Spectrum:
    """Return the values of figures by wavelength (nm), without their standing."""
    wavelengths_nm = tuple(sorted(figures))
    return Spectrum(wavelengths_nm, tuple(figures[wavelength].value for wavelength in wavelengths_nm))


def read_figures(path: Path, model: type[ModelT]) -> ModelT:
    """Read a file of figures; FigureError with every mistake in it."""
    checked = read_checked(path, model)
    if checked.value is None:
        raise FigureError("\n  ".join([f"{path.name}:", *checked.mistakes]))
    return checked.value
