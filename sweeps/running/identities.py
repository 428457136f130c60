"""Who the devices of a run are, and whether they are still those with which it began."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweeps.running.differences import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.roles import Attenuator, Otdr
    from drivers.station import Station

# What of its facts makes a device that very device.
_DEVICE_FACTS = ("vendor", "model", "serial", "firmware", "end", "protocol")


def identities(station: Station) -> dict[str, Any]:
    """Return who answers at each address, and which end the inventory expects there; OTDRs come later."""
    appliances: dict[str, Any] = {}
    for name, appliance in station.appliances().items():
        status = appliance.status()
        appliances[name] = {
            **asdict(status.identity),
            "end": status.end,
            "expected_end": getattr(station.facts.gear[name], "end", None),
            "protocol": status.protocol,
            "wavelength_nm": status.wavelength_nm,
            "state": status.state,
            "clock_offset_s": status.clock_offset_s,
        }
    return {"appliances": appliances, "attenuator": asdict(station.attenuator().identity())}


def changed_devices(meta: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return a line for each fact by which the devices `found` are not those that a run's `meta` names.

    Nothing for a run that had not yet come to ask its devices.
    """
    if any(key not in meta for key in found):
        return []
    return differences(_who(meta), _who(found))


def changed_attenuator(meta: Mapping[str, Any], attenuator: Attenuator) -> list[str]:
    """Ask `attenuator` who it is and return the same of it alone."""
    if "attenuator" not in meta:
        return []
    found = _device_facts(asdict(attenuator.identity()))
    return differences(_device_facts(meta["attenuator"]), found, "attenuator")


def changed_otdr(meta: Mapping[str, Any], name: str, otdr: Otdr) -> list[str]:
    """Ask the OTDR of that gear name who it is and return the same of it alone."""
    known = meta.get("otdrs", {}).get(name)
    if known is None:
        return []
    return differences(_device_facts(known), _device_facts(asdict(otdr.identity())), name)


def _who(facts: Mapping[str, Any]) -> dict[str, Any]:
    devices = {**facts["appliances"], "attenuator": facts["attenuator"]}
    return {name: _device_facts(device) for name, device in devices.items()}


def _device_facts(device: Mapping[str, Any]) -> dict[str, Any]:
    return {fact: device[fact] for fact in _DEVICE_FACTS if fact in device}
