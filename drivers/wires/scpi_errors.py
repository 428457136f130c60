"""The error queue of a SCPI device: what it has to say about the command before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drivers.errors import DeviceError, ProtocolError

if TYPE_CHECKING:
    from drivers.wires.scpi_wire import ScpiWire

# No maker's queue is longer; a device that never says "no error" must not hold us for ever.
_LONGEST_QUEUE = 50

_ENTRY = re.compile(r'([+-]?\d+)\s*,\s*"([^"]*)"')


def raise_device_error(wire: ScpiWire, query: str, command: str) -> None:
    """Empty the queue by `query`; DeviceError with its first entry, blamed on `command`, if it has any.

    To the end of the queue, so that no error is blamed on the next command.
    """
    first: tuple[int, str] | None = None
    for _ in range(_LONGEST_QUEUE):
        code, text = _next_entry(wire, query)
        if code == 0:
            break
        first = first or (code, text)
    if first is not None:
        raise DeviceError(wire.device, command, *first)


def _next_entry(wire: ScpiWire, query: str) -> tuple[int, str]:
    answer = wire.query(query)
    found = _ENTRY.fullmatch(answer.strip())
    if found is None:
        raise ProtocolError(wire.device, query, f"{answer!r} is no error entry")
    return int(found[1]), found[2]
