"""From what a person asks for to devices with addresses: those of the lab, or of an emulated lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import InventoryError, LabError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.inventory import Inventory
from drivers.lab_control.lab_file import read_lab_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drivers.facts.connections import AnyConnection
    from drivers.facts.inventory import Station
    from drivers.facts.lab import LabAddresses


@dataclass(frozen=True, slots=True)
class Choice:
    """A station of an inventory, and the address of each device that has one."""

    inventory: Path
    station_name: str
    station: Station
    connections: Mapping[str, AnyConnection]
    plan_name: str
    """A plan of the inventory for what comes next: its first."""
    is_only_station: bool
    lab: LabAddresses | None
    """The emulated lab whose addresses these are; None for real gear."""


def choose(inventory: Path, station: str | None, lab_file: Path | None) -> Choice:
    """Read `inventory` and pick the station: the one named, the emulated lab's, or the only one.

    InventoryError with every mistake of the file or with the names that there are; LabError for a lab file
    that cannot be read or is of another station.
    """
    checked = read_checked(inventory, Inventory)
    if checked.value is None:
        raise InventoryError(str(inventory), checked.mistakes)
    lab = None if lab_file is None else read_lab_file(lab_file)
    try:
        name = checked.value.station_called(station if station is not None or lab is None else lab.station)
    except LookupError as error:
        raise InventoryError(str(inventory), [str(error)]) from None
    if lab is not None and lab.station != name:
        raise LabError(f"{lab_file}: this emulated lab is {lab.station!r}, not {name!r}")
    facts = checked.value.stations[name]
    connections = _of_real_gear(facts, inventory.parent) if lab is None else lab.connections
    return Choice(
        inventory=inventory,
        station_name=name,
        station=facts,
        connections=connections,
        plan_name=next(iter(checked.value.plans)),
        is_only_station=len(checked.value.stations) == 1,
        lab=lab,
    )


def _of_real_gear(station: Station, folder: Path) -> dict[str, AnyConnection]:
    return {name: gear.lab.relative_to(folder) for name, gear in station.gear.items() if gear.lab is not None}
