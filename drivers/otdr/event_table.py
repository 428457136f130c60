"""One line of a JDSU or VIAVI OTDR's event table, such as `  1,,     0.00,~ 25.614,~>-25.75,,     0.00,`.

Eight fields: number, type, distance, loss, reflectance, slope, section, total loss. What was not measured is
empty; `~` marks what is approximate, `>` what is at least so much (HellWorld, public code with real answers).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from drivers.facts.names import load_names
from drivers.otdr.smartotdr_platform import INTERFACE
from drivers.roles import MarkedDb, OtdrEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = 8
_DECIMAL = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_MARKED = re.compile(rf"(~?)\s*([<>]?)\s*({_DECIMAL})")
_PLAIN = re.compile(_DECIMAL)
_BOUNDS: Mapping[str, Literal["at_least", "at_most"]] = {">": "at_least", "<": "at_most"}


def parse_line(line: str, metres_to_unit: float) -> OtdrEvent:
    """Return the event of a line, its distances in units of `metres_to_unit`; ValueError if it is none."""
    fields = [field.strip() for field in line.split(",")]
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields between commas, {_FIELDS} were expected")
    number, kind, distance, loss, reflectance, slope, section, total = fields
    if not (number.isascii() and number.isdigit()):
        raise ValueError(f"{number!r} is no number of an event")
    return OtdrEvent(
        number=int(number),
        kind=kind,
        distance_m=_plain("distance", distance) * metres_to_unit,
        loss_db=_marked("loss", loss),
        reflectance_db=_marked("reflectance", reflectance),
        slope_db_per_km=_marked("slope", slope),
        section_m=_plain("section", section) * metres_to_unit if section else None,
        total_loss_db=_marked("total loss", total),
        is_end=_is_called(kind, "kind_end"),
        is_ghost=_is_called(kind, "kind_ghost"),
    )


def _is_called(kind: str, name: str) -> bool:
    return kind.casefold().startswith(load_names(INTERFACE)[name].casefold())


def _plain(what: str, field: str) -> float:
    if _PLAIN.fullmatch(field) is None:
        raise ValueError(f"{what} {field!r} is no number")
    return float(field)


def _marked(what: str, field: str) -> MarkedDb | None:
    if not field:
        return None
    found = _MARKED.fullmatch(field)
    if found is None:
        raise ValueError(f"{what} {field!r} is no number, with or without marks")
    approximate, bound, value = found.groups()
    return MarkedDb(float(value), is_approximate=bool(approximate), bound=_BOUNDS.get(bound))
