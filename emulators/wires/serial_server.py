"""The other end of a serial line: commands in, lines out, over a pseudo-terminal, and faults on demand.

The port has a path that stays, as a USB adapter's in /dev/serial/by-id/ does: a link to the present
pseudo-terminal. One command is done after the other; what comes meanwhile waits in the device's buffer.
"""

from __future__ import annotations

import asyncio
import os
import re
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drivers.facts.lab import Fault
    from emulators.lab.clock import LabClock
    from emulators.lab.faults import FaultSchedule

MAX_COMMAND_BYTES = 128
OVERFLOW = -6

_NOISE = b"\xfe\x00#?\x80\xff"
_SERIAL_FAULTS = frozenset(
    {"delay", "silence", "drop", "garbage", "half_reply", "lost_bytes", "device_error"}
)
# CR, LF and both together end a command.
_COMMAND_END = re.compile(rb"[\r\n]+")


class SerialDevice(Protocol):
    """A device as its serial line sees it."""

    @property
    def echoes(self) -> bool:
        """Whether every character received is sent back."""
        ...

    async def handle(self, command: str) -> Sequence[str]:
        """Do one command, for as long as it takes, and return the lines of its answer."""
        ...

    def refusal(self, code: int) -> Sequence[str]:
        """Return the lines that refuse a command."""
        ...


class SerialServer:
    """Serves one device on a pseudo-terminal; made by `serve_serial`."""

    def __init__(
        self, gear: str, device: SerialDevice, clock: LabClock, faults: FaultSchedule, port: Path
    ) -> None:
        self.port = port
        """Path under which the port is opened."""
        self._gear = gear
        self._device = device
        self._clock = clock
        self._faults = faults
        self._received = b""
        self._commands: asyncio.Queue[bytes] = asyncio.Queue()
        self._talk: asyncio.Task[None] | None = None
        self._terminal: tuple[int, int] | None = None

    def start(self) -> None:
        """Make the port; call it in a running loop."""
        self.plug_in()
        self._talk = asyncio.get_running_loop().create_task(self._converse())

    def plug_in(self) -> None:
        """Let the port appear; one that was there vanishes, as a USB adapter's does that is plugged anew."""
        before, self._received = self._terminal, b""
        device_side, port_side = os.openpty()
        # Raw on both sides: bytes pass as they are, and the terminal itself echoes nothing.
        tty.setraw(port_side)
        os.set_blocking(device_side, False)
        # Our hold on the port's side keeps the line up while nobody has opened it.
        self._terminal = (device_side, port_side)
        asyncio.get_running_loop().add_reader(device_side, self._receive, device_side)
        # In one step, and before the old line goes: whoever sees it go finds the new one.
        link = self.port.with_name(f"{self.port.name}.new")
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(port_side))
        link.replace(self.port)
        if before is not None:
            _hang_up(before)

    def unplug(self) -> None:
        """Let the port vanish; the device stays as it is."""
        if self._terminal is not None:
            self.port.unlink(missing_ok=True)
            _hang_up(self._terminal)
            self._terminal = None

    async def close(self) -> None:
        """Stop serving; the port vanishes."""
        self.unplug()
        if self._talk is not None:
            self._talk.cancel()
            with suppress(asyncio.CancelledError):
                await self._talk

    def send(self, data: bytes) -> None:
        """Put bytes on the line; without flow control, what nobody fetches is lost."""
        if self._terminal is not None:
            with suppress(BlockingIOError):
                os.write(self._terminal[0], data)

    def _receive(self, device_side: int) -> None:
        data = os.read(device_side, 4096)
        if self._device.echoes:
            self.send(data)
        *commands, self._received = _COMMAND_END.split(self._received + data)
        for command in commands:
            if command:
                self._commands.put_nowait(command)
        self._received = self._received[: MAX_COMMAND_BYTES + 1]

    async def _converse(self) -> None:
        while True:
            await self._answer(await self._commands.get())

    async def _answer(self, message: bytes) -> None:
        if len(message) > MAX_COMMAND_BYTES:
            self.send(_on_the_wire(self._device.refusal(OVERFLOW), None))
            return
        # What is no ASCII is no command either: the device answers it as it answers any nonsense.
        command = message.decode("ascii", errors="replace").strip()
        fault = self._strike(command)
        if fault is not None and fault.action == "drop":
            self.plug_in()
            return
        if fault is not None and fault.action == "device_error":
            answer = self._device.refusal(int(fault.value))
        else:
            answer = await self._device.handle(command)
        if fault is not None and fault.action == "delay":
            await self._clock.sleep(fault.value)
        self.send(_on_the_wire(answer, fault))

    def _strike(self, command: str) -> Fault | None:
        fault = self._faults.strike(self._gear, command)
        if fault is None or fault.action in _SERIAL_FAULTS:
            return fault
        self._faults.journal.note(
            "fault without effect", f"{self._gear}: {fault.action} is not for a serial wire"
        )
        return None


async def serve_serial(
    gear: str, device: SerialDevice, clock: LabClock, faults: FaultSchedule, port: Path
) -> SerialServer:
    """Serve `device` under its name in the inventory, on a port that is opened as `port`."""
    server = SerialServer(gear, device, clock, faults, port)
    server.start()
    return server


def _hang_up(terminal: tuple[int, int]) -> None:
    device_side, port_side = terminal
    asyncio.get_running_loop().remove_reader(device_side)
    os.close(port_side)
    os.close(device_side)


def _on_the_wire(answer: Sequence[str], fault: Fault | None) -> bytes:
    whole = "".join(f"{line}\r\n" for line in answer).encode("ascii")
    if fault is None or fault.action in {"delay", "device_error"}:
        return whole
    if fault.action == "garbage":
        return _NOISE + whole
    if fault.action == "half_reply":
        return whole[: len(whole) // 2]
    if fault.action == "lost_bytes":
        # From the first line's end backwards: its last digits are what a lost byte spoils unseen.
        end = whole.index(b"\r\n")
        return whole[: max(0, end - int(fault.value))] + whole[end:]
    return b""
