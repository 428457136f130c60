"""The events of an analysis as lines of the instrument's table.

A real one: `  1,,     0.00,~ 25.614,~>-25.75,,     0.00,` (HellWorld, public code).
Number, type, distance (m), loss (dB), reflectance (dB), slope (dB/km), section (m), total loss (dB).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.names import load_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulators.otdr.events import Analysis, Event, EventKind

_NAMES = load_names("viavi_smartotdr")
# `Reflection` and the empty word of the first line: real answers. ASSUMED: the others.
_KINDS: Mapping[EventKind, str] = {
    "port": "",
    "reflective": "Reflection",
    "non_reflective": "Splice",
    "gainer": "Splice",
    "ghost": _NAMES["kind_ghost"],
    "end": _NAMES["kind_end"],
}


def table_lines(analysis: Analysis) -> list[str]:
    """Return one line for each event, in order."""
    lines: list[str] = []
    last_m = 0.0
    for number, event in enumerate(analysis.events, start=1):
        lines.append(_line(number, event, event.position_m - last_m))
        last_m = event.position_m
    return lines


def _line(number: int, event: Event, section_m: float) -> str:
    slope = "" if event.before is None else f"{event.before.attenuation_db_per_km():.3f}"
    fields = [
        f"{number:3d}",
        _KINDS[event.kind],
        f"{event.position_m:9.2f}",
        _loss(event),
        _reflectance(event),
        slope,
        f"{section_m:9.2f}",
        "" if event.cumulated_db is None else f"{event.cumulated_db:.3f}",
    ]
    return ",".join(fields)


def _loss(event: Event) -> str:
    if event.loss_db is None:
        return ""
    # Without a line on both sides the loss holds that of a neighbour in the same dead zone.
    is_sure = event.before is not None and event.after is not None
    return f"{'' if is_sure else '~'}{event.loss_db:7.3f}"


def _reflectance(event: Event) -> str:
    if event.reflectance_db is None:
        return ""
    mark = "" if event.before is not None or event.kind == "port" else "~"
    return f"{mark}{'>' if event.saturated else ''}{event.reflectance_db:.2f}"
