"""A SCPI device whose settings the lab remembers: what may change it is kept in the lab's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulators.lab.history import History
    from emulators.wires.scpi_server import Answer, ErrorQueue, ScpiDevice


class RememberedDevice:
    """Hands every command on to `device`; a `ScpiDevice`. Queries change nothing and are not kept."""

    def __init__(self, gear: str, device: ScpiDevice, history: History) -> None:
        self._gear = gear
        self._device = device
        self._history = history
        history.add_actor(gear, device.handle)

    @property
    def errors(self) -> ErrorQueue:
        """The device's error queue."""
        return self._device.errors

    def handle(self, command: str) -> Answer | None:
        """Do one command."""
        if not command.partition(" ")[0].endswith("?"):
            self._history.note(self._gear, command)
        return self._device.handle(command)
