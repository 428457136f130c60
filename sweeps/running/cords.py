"""Where the cords of a run are that the operator moved, as the record has it: all that a guard can know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.facts.lab import PatchEnd, PatchPort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.facts.inventory import Station as StationFacts
    from drivers.facts.lab import Patch
    from sweeps.record.run_record import RunRecord

CORDS = "cords"
"""Key of a run's facts: {"ends": by site, "ports": by port of the attenuator}, to what the operator connected
each of those that were moved; None while a cord is on its way."""

_TO = {
    None: "on its way",
    "qkd": "connected to the QKD appliance",
    "otdr": "connected to the OTDR",
    "link": "connected to its place in the link",
    "source": "connected to the light source",
    "nothing": "connected to nothing",
}


@dataclass(frozen=True, slots=True)
class CordsAway:
    """The cords that are not where key is made, each with what it is connected to; None on its way."""

    ends: Mapping[str, str | None]
    """Ends of the fibre by site."""
    ports: Mapping[str, str | None]
    """Ports of the attenuator: `input`, `output`."""


def note_cord(run: RunRecord, patch: Patch | PatchEnd | PatchPort | None, *, is_done: bool) -> None:
    """Note in a run's facts where a cord is that the operator was asked to move, or that it is on its way."""
    if isinstance(patch, PatchEnd):
        kind, place = "ends", patch.site
    elif isinstance(patch, PatchPort):
        kind, place = "ports", patch.port
    else:
        return
    cords: dict[str, dict[str, str | None]] = run.meta().get(CORDS, {})
    moved = {**cords.get(kind, {}), place: patch.to if is_done else None}
    run.set_meta(CORDS, {**cords, kind: moved})


def cords_away(meta: Mapping[str, Any], station: StationFacts) -> CordsAway:
    """Return which cords are away from where key is made, by a run's facts."""
    cords: dict[str, dict[str, str | None]] = meta.get(CORDS, {})
    # One that 0 dB has taken out has no place in the link.
    port_home = "nothing" if _is_out(station) else "link"
    return CordsAway(
        ends={site: to for site, to in cords.get("ends", {}).items() if to != "qkd"},
        ports={port: to for port, to in cords.get("ports", {}).items() if to != port_home},
    )


def cords_in_words(meta: Mapping[str, Any], station: StationFacts) -> str | None:
    """Return which cords are away from where key is made, by a run's facts; None if none is."""
    away = cords_away(meta, station)
    gear = next(name for name, gear in station.gear.items() if gear.role == "attenuator")
    told = [
        *(f"the fibre's end at {site} is {_TO[to]}" for site, to in away.ends.items()),
        *(f"the {port} of {gear} is {_TO[to]}" for port, to in away.ports.items()),
    ]
    if not told:
        return None
    is_dark = bool(away.ends) or not _is_out(station)
    return f"by what the operator did, {', '.join(told)}{': the link is dark' if is_dark else ''}"


def _is_out(station: StationFacts) -> bool:
    return station.reference.kind == "attenuator_removed"
