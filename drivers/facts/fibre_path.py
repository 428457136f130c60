"""A fibre as a list of parts, in the order in which light from the first site meets them.

    - {kind: span, fibre: G.652.D, length_m: 2840}
    - {kind: splice, loss_db: 0.05}
    - {kind: connector, loss_db: 0.4, reflectance_db: -50}
    - {kind: patch, fibre: G.657.A1, length_m: 5, loss_db: 0.5, reflectance_db: -50}
    - {kind: bend, fibre: G.652.D, radius_mm: 12, turns: 1}
    - {kind: loss, loss_db: 3.0}

A loss or reflectance may be a mapping from wavelength (nm) to dB. A patch is a cord with a connector at each
end, each with the loss and reflectance given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from drivers.facts.fibre_types import REFERENCE_C, fibre_type
from drivers.facts.figures import Spectrum, value_at

if TYPE_CHECKING:
    from collections.abc import Sequence


def _known(fibre: str) -> str:
    fibre_type(fibre)
    return fibre


def _shape(quantity: object) -> str:
    return "dB by nm" if isinstance(quantity, dict) else "dB"


FibreName = Annotated[str, AfterValidator(_known)]
"""Name of a fibre type in `fibre_types.yaml`."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LossDb = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ReflectanceDb = Annotated[float, Field(gt=-200, lt=0)]
# Told apart by hand: a mistake is then told once, and not for every shape that it might have had.
LossByWavelength = Annotated[
    Annotated[LossDb, Tag("dB")] | Annotated[dict[float, LossDb], Field(min_length=1), Tag("dB by nm")],
    Discriminator(_shape),
]
ReflectanceByWavelength = Annotated[
    Annotated[ReflectanceDb, Tag("dB")]
    | Annotated[dict[float, ReflectanceDb], Field(min_length=1), Tag("dB by nm")],
    Discriminator(_shape),
]


class Part(BaseModel):
    """One entry of a path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def fibre_m(self) -> float:
        """Return the length of the fibre in it, in m."""
        return 0.0

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return its loss at 20 degrees Celsius in dB; FigureError outside a table of wavelengths."""
        raise NotImplementedError


class SpanPart(Part):
    """A length of fibre."""

    kind: Literal["span"]
    fibre: FibreName
    length_m: Positive

    def fibre_m(self) -> float:
        """Return its length in m."""
        return self.length_m

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return attenuation times length in dB."""
        return _span_db(self.fibre, self.length_m, wavelength_nm)


class SplicePart(Part):
    """A fusion splice."""

    kind: Literal["splice"]
    loss_db: LossByWavelength

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return its loss in dB."""
        return value_at(as_spectrum(self.loss_db), wavelength_nm)


class ConnectorPart(Part):
    """A mated pair of connectors."""

    kind: Literal["connector"]
    loss_db: LossByWavelength
    reflectance_db: ReflectanceByWavelength

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return its loss in dB."""
        return value_at(as_spectrum(self.loss_db), wavelength_nm)


class PatchPart(Part):
    """A cord between two connectors of the same loss and reflectance."""

    kind: Literal["patch"]
    fibre: FibreName
    length_m: Positive
    loss_db: LossByWavelength
    reflectance_db: ReflectanceByWavelength

    def fibre_m(self) -> float:
        """Return the cord's length in m."""
        return self.length_m

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return the loss of the cord and of both connectors in dB."""
        connector_db = value_at(as_spectrum(self.loss_db), wavelength_nm)
        return 2.0 * connector_db + _span_db(self.fibre, self.length_m, wavelength_nm)


class BendPart(Part):
    """Tight turns of fibre."""

    kind: Literal["bend"]
    fibre: FibreName
    radius_mm: Annotated[float, Field(ge=5, le=40)]
    turns: Positive = 1.0

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return the loss of all turns in dB."""
        return self.turns * fibre_type(self.fibre).turn_loss_db(wavelength_nm, self.radius_mm)


class LossPart(Part):
    """An attenuator or other device in line."""

    kind: Literal["loss"]
    loss_db: LossByWavelength
    reflectance_db: ReflectanceByWavelength | None = None

    def one_way_db(self, wavelength_nm: float) -> float:
        """Return its loss in dB."""
        return value_at(as_spectrum(self.loss_db), wavelength_nm)


AnyPart = Annotated[
    SpanPart | SplicePart | ConnectorPart | PatchPart | BendPart | LossPart, Field(discriminator="kind")
]


def path_length_m(parts: Sequence[AnyPart]) -> float:
    """Return the length of all fibre in m."""
    return sum(part.fibre_m() for part in parts)


def path_loss_db(parts: Sequence[AnyPart], wavelength_nm: float) -> float:
    """Return the loss of all parts in dB, one way; FigureError outside a table of wavelengths."""
    return sum(part.one_way_db(wavelength_nm) for part in parts)


def as_spectrum(quantity: float | dict[float, float]) -> float | Spectrum:
    """Return a mapping from wavelength as a spectrum, and one number as it is."""
    if not isinstance(quantity, dict):
        return quantity
    wavelengths_nm = tuple(sorted(quantity))
    return Spectrum(wavelengths_nm, tuple(quantity[wavelength] for wavelength in wavelengths_nm))


def _span_db(fibre: str, length_m: float, wavelength_nm: float) -> float:
    return fibre_type(fibre).attenuation_at(wavelength_nm, REFERENCE_C) * length_m / 1000.0
