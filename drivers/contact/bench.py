"""The check of all devices of a station, one after the other; none can stop the check of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from drivers.attenuators.mvoa_queries import connect_mvoa
from drivers.attenuators.oz_dd100mc import open_oz_dd100mc
from drivers.contact.advice import address_of
from drivers.contact.appliance import check_appliance
from drivers.contact.attenuator import check_attenuator
from drivers.contact.found import DeviceContact, Interface, Problem
from drivers.contact.otdr import check_otdr
from drivers.facts.connections import SerialConnection, VisaSocketConnection, WebApiConnection
from drivers.facts.gear import CerberisXgrGear, FixedAttenuatorsGear, MapMvoaGear, OzDd100Gear, ViaviOtdrGear
from drivers.facts.names import load_names
from drivers.otdr.smartotdr_queries import connect_smartotdr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drivers.clock import Clock
    from drivers.facts.connections import AnyConnection
    from drivers.facts.gear import AnyGear
    from drivers.wires.byte_log import ByteLog

_WiredGear: TypeAlias = "MapMvoaGear | OzDd100Gear | CerberisXgrGear | ViaviOtdrGear"

_INTERFACES = {
    "cerberis_xgr": "cerberis_xgr_web_api",
    "viavi_map_mvoa": "viavi_map_mvoa",
    "oz_dd100mc": "oz_dd100mc",
    "viavi_smartotdr": "viavi_smartotdr",
}


def check_devices(
    gear: Mapping[str, AnyGear], connections: Mapping[str, AnyConnection], clock: Clock, log: ByteLog
) -> Iterator[DeviceContact]:
    """Check one device after the other and give what was found of each as soon as it is known.

    Gear that no wire leads to cannot be asked, and is left out.
    """
    for name, device in gear.items():
        if not isinstance(device, FixedAttenuatorsGear):
            yield _check(name, device, connections.get(name), clock, log)


def problems_between(contacts: Sequence[DeviceContact]) -> list[Problem]:
    """Return what is wrong with devices that are each as they should be, or that only shows beside others.

    The OTDRs of both ends may be one instrument, which is carried from one to the other.
    """
    by_identity: dict[tuple[str, str], list[str]] = {}
    for contact in contacts:
        if contact.identity is not None and contact.expected != "otdr":
            key = (contact.identity.model, contact.identity.serial)
            by_identity.setdefault(key, []).append(contact.name)
    return [
        Problem(
            f"{' and '.join(names)} are one and the same device: {model}, serial {serial}",
            "is one of their addresses wrong?",
        )
        for (model, serial), names in by_identity.items()
        if len(names) > 1
    ]


def _check(
    name: str, gear: _WiredGear, connection: AnyConnection | None, clock: Clock, log: ByteLog
) -> DeviceContact:
    interface = _INTERFACES[gear.driver]
    contact = DeviceContact(
        name=name,
        driver=gear.driver,
        expected=gear.end if isinstance(gear, CerberisXgrGear) else gear.role,
        address="no address" if connection is None else address_of(connection),
        interface=Interface(f"drivers/facts/names/{interface}.yaml", load_names(interface)),
    )
    if isinstance(gear, CerberisXgrGear) and isinstance(connection, WebApiConnection):
        return check_appliance(contact, connection, clock, log)
    if isinstance(gear, MapMvoaGear) and isinstance(connection, VisaSocketConnection):
        return check_attenuator(
            contact, lambda: connect_mvoa(name, connection, clock, log), connection, clock
        )
    if isinstance(gear, OzDd100Gear) and isinstance(connection, SerialConnection):
        return check_attenuator(
            contact,
            lambda: open_oz_dd100mc(name, connection, gear.calibration_nm, clock, log),
            connection,
            clock,
        )
    if isinstance(gear, ViaviOtdrGear) and isinstance(connection, VisaSocketConnection):
        otdr = connect_smartotdr(name, connection, clock, log)
        return check_otdr(contact, otdr, gear.wavelengths_nm, connection, clock)
    if connection is None:
        problem = Problem("it has no address", f"write one into the inventory: gear.{name}.lab")
        contact = replace(contact, is_brought_later=gear.role == "otdr")
    else:
        problem = Problem(f"driver {gear.driver} cannot use such an address", "see the inventory's gear")
    return contact.with_problem(problem)
