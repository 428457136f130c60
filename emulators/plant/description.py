"""An optical path from a plain description: a list of mappings, as it would stand in YAML.

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

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from emulators.plant.fibre_types import fibre_type
from emulators.plant.figures import FigureError, Spectrum
from emulators.plant.path import (
    Bend,
    Connector,
    Element,
    FibreEnd,
    FibreSpan,
    InlineLoss,
    OpticalPath,
    Splice,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
LossDb = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ReflectanceDb = Annotated[float, Field(gt=-200, lt=0)]
LossByWavelength = LossDb | dict[float, LossDb]
ReflectanceByWavelength = ReflectanceDb | dict[float, ReflectanceDb]


class Part(BaseModel):
    """One entry of a description."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SpanPart(Part):
    """A length of fibre."""

    kind: Literal["span"]
    fibre: str
    length_m: Positive

    def elements(self) -> tuple[Element, ...]:
        """Return the elements of this part."""
        return (FibreSpan(self.length_m, fibre_type(self.fibre)),)


class SplicePart(Part):
    """A fusion splice."""

    kind: Literal["splice"]
    loss_db: LossByWavelength

    def elements(self) -> tuple[Element, ...]:
        """Return the elements of this part."""
        return (Splice(_spectrum(self.loss_db)),)


class ConnectorPart(Part):
    """A mated pair of connectors."""

    kind: Literal["connector"]
    loss_db: LossByWavelength
    reflectance_db: ReflectanceByWavelength

    def elements(self) -> tuple[Element, ...]:
        """Return the elements of this part."""
        return (Connector(_spectrum(self.loss_db), _spectrum(self.reflectance_db)),)


class PatchPart(Part):
    """A cord between two connectors of the same loss and reflectance."""

    kind: Literal["patch"]
    fibre: str
    length_m: Positive
    loss_db: LossByWavelength
    reflectance_db: ReflectanceByWavelength

    def elements(self) -> tuple[Element, ...]:
        """Return the elements of this part."""
        connector = Connector(_spectrum(self.loss_db), _spectrum(self.reflectance_db))
        return (connector, FibreSpan(self.length_m, fibre_type(self.fibre)), connector)


class BendPart(Part):
    """Tight turns of fibre."""

    kind: Literal["bend"]
    fibre: str
    radius_mm: Annotated[float, Field(ge=5, le=40)]
    turns: Positive = 1.0

    def elements(self) -> tuple[Element, ...]:
        """Return the elements of this part."""
        return (Bend(self.radius_mm, self.turns, fibre_type(self.fibre)),)


class LossPart(Part):
    """An attenuator or other device in line."""

    kind: Literal["loss"]
    loss_db: LossByWavelength
    reflectance_db: ReflectanceByWavelength | None = None

    def elements(self) -> tuple[Element, ...]:
        """Return the elements of this part."""
        reflectance = None if self.reflectance_db is None else _spectrum(self.reflectance_db)
        return (InlineLoss(_spectrum(self.loss_db), reflectance),)


AnyPart = Annotated[
    SpanPart | SplicePart | ConnectorPart | PatchPart | BendPart | LossPart, Field(discriminator="kind")
]
_PARTS: TypeAdapter[list[AnyPart]] = TypeAdapter(list[AnyPart])


def path_from(
    description: Sequence[Mapping[str, Any]],
    far: FibreEnd | None = None,
    near: FibreEnd | None = None,
) -> OpticalPath:
    """Build a path from a description; ends are open PC connectors unless given.

    FigureError names every mistake of the description, and a fibre type that is not known.
    """
    try:
        parts = _PARTS.validate_python(list(description))
    except ValidationError as error:
        mistakes = [f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in error.errors()]
        raise FigureError("\n  ".join(["description of an optical path:", *mistakes])) from None
    elements = tuple(element for part in parts for element in part.elements())
    if not any(isinstance(element, FibreSpan) for element in elements):
        raise FigureError("description of an optical path: no span of fibre in it; expected at least one")
    open_pc = FibreEnd("open_pc")
    return OpticalPath(elements, far=far or open_pc, near=near or open_pc)


def _spectrum(quantity: float | dict[float, float]) -> float | Spectrum:
    if not isinstance(quantity, dict):
        return quantity
    wavelengths_nm = tuple(sorted(quantity))
    return Spectrum(wavelengths_nm, tuple(quantity[wavelength] for wavelength in wavelengths_nm))
