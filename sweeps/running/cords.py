"""Where the cords of a run are that the operator moved, as the record has it: all that a guard can know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drivers.facts.lab import PatchEnd, PatchPort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.facts.inventory import Station as StationFacts
    from drivers.facts.lab import Patch
    from sweeps.record.run_record import RunRecord

CORDS = "cords"
"""Key of a run's facts: to what the operator connected each place; None while a cord is on its way."""
_AN_END = "the fibre's end at "


def note_cord(run: RunRecord, patch: Patch | PatchEnd | PatchPort | None, *, is_done: bool) -> None:
    """Note in a run's facts where a cord is that the operator was asked to move, or that it is on its way."""
    if isinstance(patch, PatchEnd):
        place = f"{_AN_END}{patch.site}"
    elif isinstance(patch, PatchPort):
        place = f"the {patch.port} of {patch.gear}"
    else:
        return
    run.set_meta(CORDS, {**run.meta().get(CORDS, {}), place: patch.to if is_done else None})


def cords_in_words(meta: Mapping[str, Any], station: StationFacts) -> str | None:
    """Return which cords are not where key is made, by a run's facts; None if all are."""
    # One that 0 dB has taken out has no place in the link.
    is_out = station.reference.kind == "attenuator_removed"
    port_home = "nothing" if is_out else "link"
    cords: dict[str, str | None] = meta.get(CORDS, {})
    away = {
        place: to for place, to in cords.items() if to != ("qkd" if place.startswith(_AN_END) else port_home)
    }
    if not away:
        return None
    told = ", ".join(f"{place} is {_connected(to)}" for place, to in away.items())
    is_dark = not is_out or any(place.startswith(_AN_END) for place in away)
    return f"by what the operator did, {told}{': the link is dark' if is_dark else ''}"


def _connected(to: str | None) -> str:
    words = {"qkd": "the QKD appliance", "otdr": "the OTDR", "link": "its place in the link"}
    words |= {"source": "the light source", "nothing": "nothing"}
    return "on its way" if to is None else f"connected to {words[to]}"
