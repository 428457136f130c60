"""A check for machines: one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from drivers.contact.summary import is_all_good

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.contact.choice import Choice
    from drivers.contact.found import DeviceContact, Problem


def json_of(choice: Choice, contacts: Sequence[DeviceContact], between: Sequence[Problem]) -> str:
    """Return everything that was found; times are in s, validity in s since the Unix epoch."""
    document = {
        "version": 1,
        "station": choice.station_name,
        "target": "lab" if choice.lab is None else "emulator",
        "is_good": is_all_good(contacts, between),
        "reached": sum(contact.is_reached() for contact in contacts),
        "of": len(contacts),
        "problems": [asdict(problem) for problem in between],
        "devices": [_device(contact) for contact in contacts],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _device(contact: DeviceContact) -> dict[str, Any]:
    names = contact.interface.names
    return {
        "name": contact.name,
        "driver": contact.driver,
        "expected": contact.expected,
        "address": contact.address,
        "is_reached": contact.is_reached(),
        "is_as_expected": contact.is_as_expected(),
        "is_brought_later": contact.is_brought_later,
        "problems": [asdict(problem) for problem in contact.problems],
        "identity": None if contact.identity is None else asdict(contact.identity),
        "readings": dict(contact.readings),
        "clock": None if contact.clock is None else asdict(contact.clock),
        "latency": None if contact.latency is None else asdict(contact.latency),
        "certificate": None if contact.certificate is None else asdict(contact.certificate),
        "interface": {
            "file": contact.interface.file,
            "names": len(names.entries),
            "unproven": {key: entry.model_dump() for key, entry in names.unproven().items()},
        },
    }
