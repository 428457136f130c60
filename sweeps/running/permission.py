"""What a run may do without being asked twice: nothing destructive to live gear, nothing that takes long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from drivers.errors import BenchError

if TYPE_CHECKING:
    from drivers.facts.inventory import Station as StationFacts
    from sweeps.choice import Choice
    from sweeps.procedures.registry import Procedure


class NotAllowed(BenchError):
    """A run that its starter has not allowed; the text says what would allow it."""


LONG_WALL_S = 15 * 60
# What one record costs on a virtual clock (measured, rounded up; `make bench`).
_VIRTUAL_RECORD_WALL_S = 0.003


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the person who starts a run has allowed."""

    long: bool = False
    destructive: bool = False


def not_allowed(choice: Choice, procedure: Procedure, allowed: Allowed) -> str | None:
    """Return why `procedure` must not be run with `allowed`, and what would allow it; None if it may."""
    reasons: list[str] = []
    wall_s = wall_duration_s(choice, procedure)
    if wall_s > LONG_WALL_S and not allowed.long:
        reasons.append(f"it takes {timedelta(seconds=round(wall_s))} by the wall clock; allow it with --long")
    live = live_gear(choice, procedure)
    dark = what_darkens(procedure, choice.station)
    if dark is not None and live and not allowed.destructive:
        reasons.append(f"it {dark}, and {', '.join(live)} is live; allow it with --allow-destructive")
    return f"{procedure.name} was not run: {'; '.join(reasons)}" if reasons else None


def what_darkens(procedure: Procedure, station: StationFacts) -> str | None:
    """Return what `procedure` does on `station` that darkens the link, in words; None if nothing does."""
    if procedure.is_destructive:
        return procedure.touches
    if station.safe_state.attenuator == "maximum":
        return "leaves the link at its largest attenuation"
    # Fixed attenuators too: the inventory allows them no other reference.
    if station.reference.kind == "attenuator_removed":
        return "has an operator open the fibre"
    return None


def wall_duration_s(choice: Choice, procedure: Procedure) -> float:
    """Return about how long `procedure` takes by the wall clock, in s."""
    if choice.target == "lab":
        return procedure.duration_s(choice.plan, choice.station)
    return procedure.record_count(choice.plan, choice.station) * _VIRTUAL_RECORD_WALL_S


def live_gear(choice: Choice, procedure: Procedure) -> list[str]:
    """Return the gear at the target that `procedure` uses and others depend on; none in an emulated lab."""
    if choice.target != "lab":
        return []
    used = {name: gear.lab for name, gear in choice.station.gear.items() if gear.role in procedure.roles}
    return [name for name, lab in used.items() if lab is not None and lab.live]
