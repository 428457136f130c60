"""From what a person asks for to a run that can start: inventory read, station and plan chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from drivers.errors import InventoryError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.inventory import FixedAttenuatorsGear, Inventory
from drivers.roles import LINK_ROLES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from drivers.facts.inventory import AnyConnection, Plan
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import Role

Target = Literal["emulator", "lab"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A station and a plan of an inventory, for one target and seed."""

    inventory_path: Path
    base_folder: Path
    """The folder from which files named in the inventory are found."""
    inventory_bytes: bytes
    """The file as it was read: what steers the run, whatever becomes of the file."""
    station_name: str
    station: StationFacts
    plan_name: str
    plan: Plan
    target: Target
    seed: int

    @property
    def limits_path(self) -> Path:
        """The station's acceptance limits, found from the inventory's folder."""
        return self.base_folder / self.station.acceptance_limits

    def lab_connections(self, roles: Collection[Role] = LINK_ROLES) -> dict[str, AnyConnection]:
        """Return how the real gear of `roles` is reached; InventoryError naming each without an address."""
        wanted = {name: gear for name, gear in self.station.gear.items() if gear.role in roles}
        missing = [
            name
            for name, gear in wanted.items()
            if gear.lab is None and not isinstance(gear, FixedAttenuatorsGear)
        ]
        if missing:
            mistakes = [f"gear.{name}.lab: missing; the target 'lab' needs an address" for name in missing]
            raise InventoryError(str(self.inventory_path), mistakes)
        return {
            name: gear.lab.relative_to(self.base_folder)
            for name, gear in wanted.items()
            if gear.lab is not None
        }


def choose(
    inventory: Path,
    station: str | None,
    plan: str,
    target: Target,
    seed: int,
    *,
    base_folder: Path | None = None,
) -> Choice:
    """Read `inventory` and pick from it; the only station when none is named.

    Files that it names are found from `base_folder`, its own folder when None.
    InventoryError with every mistake of the file, or with the names that there are.
    """
    checked = read_checked(inventory, Inventory)
    if checked.value is None:
        raise InventoryError(str(inventory), checked.mistakes)
    content = checked.value
    try:
        station_name = content.station_called(station)
        chosen_plan = content.plan_called(plan)
    except LookupError as error:
        raise InventoryError(str(inventory), [str(error)]) from None
    chosen = content.stations[station_name]
    mistakes = _beyond_limits(chosen, plan, chosen_plan)
    if mistakes:
        raise InventoryError(str(inventory), mistakes)
    return Choice(
        inventory_path=inventory,
        base_folder=inventory.parent if base_folder is None else base_folder,
        inventory_bytes=checked.source,
        station_name=station_name,
        station=chosen,
        plan_name=plan,
        plan=chosen_plan,
        target=target,
        seed=seed,
    )


def _beyond_limits(station: StationFacts, plan_name: str, plan: Plan) -> list[str]:
    """Return a line for each point of the plan that the station does not allow."""
    maximum_db = station.limits.added_db_max
    return [
        f"plans.{plan_name}.attenuation.added_db: {added_db:g} is above the station's {maximum_db:g} dB"
        for added_db in plan.attenuation.added_db
        if added_db > maximum_db
    ]
