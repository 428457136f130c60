"""An optical path of elements, from the parts that `drivers/facts/fibre_path.py` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from drivers.facts.fibre_path import (
    AnyPart,
    BendPart,
    ConnectorPart,
    LossPart,
    PatchPart,
    SpanPart,
    SplicePart,
    as_spectrum,
)
from drivers.facts.fibre_types import REFERENCE_C, fibre_type
from drivers.facts.figures import FigureError
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

    from drivers.facts.inventory import Fibre

_PARTS: TypeAdapter[list[AnyPart]] = TypeAdapter(list[AnyPart])
_OPEN_PC = FibreEnd("open_pc")
_PLAIN_FIBRE = "G.652.D"
_PLAIN_REFLECTANCE_DB = -50.0


def path_from(
    description: Sequence[Mapping[str, Any]],
    far: FibreEnd | None = None,
    near: FibreEnd | None = None,
) -> OpticalPath:
    """Build a path from a description as it would stand in YAML; ends are open PC connectors unless given.

    FigureError names every mistake of the description, and a fibre type that is not known.
    """
    try:
        parts = _PARTS.validate_python(list(description))
    except ValidationError as error:
        mistakes = [f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in error.errors()]
        raise FigureError("\n  ".join(["description of an optical path:", *mistakes])) from None
    if not any(part.fibre_m() for part in parts):
        raise FigureError("description of an optical path: no span of fibre in it; expected at least one")
    return path_of_parts(parts, far or _OPEN_PC, near or _OPEN_PC)


def path_of_parts(
    parts: Sequence[AnyPart], far: FibreEnd = _OPEN_PC, near: FibreEnd = _OPEN_PC
) -> OpticalPath:
    """Build a path from parts, at least one of them with fibre in it."""
    return OpticalPath(tuple(element for part in parts for element in _elements(part)), far=far, near=near)


def path_of_fibre(fibre: Fibre) -> OpticalPath:
    """Build the path of the inventory's fibre.

    Where the inventory has only its length and loss: plain G.652.D, and what that does not lose in two
    connectors, one at each end. FigureError for a wavelength at which a part has no figure.
    """
    if fibre.path is not None:
        return path_of_parts(fibre.path)
    span = FibreSpan(fibre.length_km * 1000.0, fibre_type(_PLAIN_FIBRE))
    left_db = max(0.0, fibre.loss_db - span.loss_db(fibre.wavelength_nm, REFERENCE_C))
    connector = Connector(left_db / 2.0, _PLAIN_REFLECTANCE_DB)
    return OpticalPath((connector, span, connector))


def _elements(part: AnyPart) -> tuple[Element, ...]:
    match part:
        case SpanPart():
            return (FibreSpan(part.length_m, fibre_type(part.fibre)),)
        case SplicePart():
            return (Splice(as_spectrum(part.loss_db)),)
        case ConnectorPart():
            return (_connector(part),)
        case PatchPart():
            return (_connector(part), FibreSpan(part.length_m, fibre_type(part.fibre)), _connector(part))
        case BendPart():
            return (Bend(part.radius_mm, part.turns, fibre_type(part.fibre)),)
        case LossPart():
            reflectance = None if part.reflectance_db is None else as_spectrum(part.reflectance_db)
            return (InlineLoss(as_spectrum(part.loss_db), reflectance),)


def _connector(part: ConnectorPart | PatchPart) -> Connector:
    return Connector(as_spectrum(part.loss_db), as_spectrum(part.reflectance_db))
