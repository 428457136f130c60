"""Every procedure by name, with what can be said of it before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.roles import LINK_ROLES
from sweeps.procedures import attenuation, calibration, fibre, stability

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.inventory import Plan
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import Role
    from drivers.station import Station
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure: how to run it, and what can be said of it beforehand."""

    name: str
    run: Callable[[Station, Plan, RunRecord, Progress], None]
    record_count: Callable[[Plan, StationFacts], int]
    duration_s: Callable[[Plan, StationFacts], float]
    steps: Callable[[Plan, StationFacts], list[str]]
    touches: str
    is_destructive: bool
    """Whether on any station it darkens the link, uses up keys or restarts a device."""
    roles: tuple[Role, ...] = LINK_ROLES
    """The roles of the gear that it needs; no other is opened or leased for it."""


PROCEDURES = {
    "fibre": Procedure(
        "fibre",
        fibre.run_fibre,
        fibre.record_count,
        fibre.duration_s,
        fibre.steps,
        fibre.TOUCHES,
        is_destructive=True,
        roles=(*LINK_ROLES, "otdr"),
    ),
    "calibration": Procedure(
        "calibration",
        calibration.run_calibration,
        calibration.record_count,
        calibration.duration_s,
        calibration.steps,
        calibration.TOUCHES,
        is_destructive=True,
    ),
    "attenuation": Procedure(
        "attenuation",
        attenuation.run_attenuation,
        attenuation.record_count,
        attenuation.duration_s,
        attenuation.steps,
        attenuation.TOUCHES,
        is_destructive=True,
    ),
    "stability": Procedure(
        "stability",
        stability.run_stability,
        stability.record_count,
        stability.duration_s,
        stability.steps,
        stability.TOUCHES,
        is_destructive=False,
    ),
}
