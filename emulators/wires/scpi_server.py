"""The other end of a SCPI wire: lines over TCP, an error queue, and faults on demand.

A device hands in a `ScpiDevice`; `ScpiCommands` gives it one from a table of headers.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drivers.facts.lab import Fault
    from emulators.lab.clock import LabClock
    from emulators.lab.faults import FaultSchedule

MAX_LINE_BYTES = 4096

# SCPI-99 volume 2, chapter 21; the MAP guide (appendix B) has the same table.
ERROR_TEXTS = {
    -100: "Command error",
    -101: "Invalid character",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -200: "Execution error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -240: "Hardware error",
    -241: "Hardware missing",
    -300: "Device-specific error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
}
_MAX_ERRORS = 20
_GARBAGE = b"\xfe\x00#?\x80\xff\n"
_SOCKET_FAULTS = frozenset({"delay", "silence", "drop", "garbage", "half_reply", "device_error"})
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# A `;` between quotes joins nothing.
_JOINED = re.compile(r'(?:[^;"]|"[^"]*"?)+')


Answer: TypeAlias = "str | bytes"
"""Text, or the bytes of a block with its header; the server adds the line's end."""


class ScpiError(Exception):
    """A command that the device refuses, with its SCPI error code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(code)


class ErrorQueue:
    """The device's one queue, shared by all its connections, as on the MAP."""

    def __init__(self, no_error: str = "No error") -> None:
        self._no_error = no_error
        self._codes: deque[int] = deque()

    def push(self, code: int) -> None:
        """Add an error; a full queue ends with -350 instead, as SCPI demands."""
        if len(self._codes) < _MAX_ERRORS:
            self._codes.append(code)
        else:
            self._codes[-1] = -350

    def pop(self) -> str:
        """Take the oldest entry out, in the form of the answer to `:SYST:ERR?`."""
        if not self._codes:
            return f'0, "{self._no_error}"'
        code = self._codes.popleft()
        return f'{code}, "{ERROR_TEXTS.get(code, "Device-specific error")}"'

    def clear(self) -> None:
        """Forget all entries."""
        self._codes.clear()


class ScpiDevice(Protocol):
    """A device as the server sees it."""

    @property
    def errors(self) -> ErrorQueue:
        """The error queue."""
        ...

    def handle(self, command: str) -> Answer | None:
        """Do one command and return its answer; None for no answer (what is refused goes to `errors`)."""
        ...


class ScpiCommands:
    """A device's commands by header. `long_forms` maps short keywords to their long forms."""

    def __init__(self, errors: ErrorQueue, long_forms: Mapping[str, str]) -> None:
        self._errors = errors
        self._short_by_long = {long.upper(): short.upper() for short, long in long_forms.items()}
        self._actions: dict[str, Callable[[Sequence[str]], Answer | None]] = {}

    def add(self, name: str, action: Callable[[Sequence[str]], Answer | None]) -> None:
        """Add a command; `name` is its header in short form; what follows a blank is left out."""
        self._actions[self._canonical(name.partition(" ")[0])] = action

    def handle(self, command: str) -> Answer | None:
        """Find and do `command`, in any case of letters, short or long; what is unknown is -113."""
        header, *rest = command.split(maxsplit=1)
        action = self._actions.get(self._canonical(header))
        if action is None:
            self._errors.push(-113)
            return None
        try:
            return action([argument.strip() for argument in rest[0].split(",")] if rest else [])
        except ScpiError as error:
            self._errors.push(error.code)
            return None

    def _canonical(self, header: str) -> str:
        keywords = header.upper().removeprefix(":").removesuffix("?").split(":")
        is_query = "?" if header.endswith("?") else ""
        return ":".join(self._short_by_long.get(keyword, keyword) for keyword in keywords) + is_query


def arguments(given: Sequence[str], count: int) -> Sequence[str]:
    """Return the `count` arguments of a command; ScpiError -109 or -108 if there are fewer or more."""
    if len(given) < count or "" in given[:count]:
        raise ScpiError(-109)
    if len(given) > count:
        raise ScpiError(-108)
    return given


def number(text: str, low: float, high: float) -> float:
    """Return a numeric argument within [low, high]; ScpiError -104 or -222 if it is not."""
    if _NUMBER.fullmatch(text) is None:
        raise ScpiError(-104)
    value = float(text)
    if not low <= value <= high:
        raise ScpiError(-222)
    return value


class ScpiServer:
    """Serves one device to any number of connections; made by `serve_scpi`."""

    def __init__(self, gear: str, device: ScpiDevice, clock: LabClock, faults: FaultSchedule) -> None:
        self._gear = gear
        self._device = device
        self._clock = clock
        self._faults = faults
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        """TCP port, once the server has started."""

    async def start(self, host: str, port: int) -> None:
        """Listen on `host`; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=MAX_LINE_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()

    async def wait_closed(self) -> None:
        """Return when every connection is closed."""
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Answers are small and asked for one by one: none may wait for an acknowledgement.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while (line := await _read_line(reader)) is not None:
                if not await self._answer(line, writer):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, line: bytes, writer: asyncio.StreamWriter) -> bool:
        """Do one line and answer it; False when the connection is to be closed."""
        if len(line) > MAX_LINE_BYTES:
            self._device.errors.push(-363)
            return True
        if not line.isascii():
            self._device.errors.push(-101)
            return True
        message = line.decode("ascii").strip()
        fault = self._faults.strike(self._gear, message) if message else None
        if fault is not None and fault.action not in _SOCKET_FAULTS:
            self._faults.journal.note(
                "fault without effect", f"{self._gear}: {fault.action} is not for a SCPI wire"
            )
            fault = None
        if fault is not None and fault.action == "drop":
            return False
        if fault is not None and fault.action == "device_error":
            self._device.errors.push(int(fault.value))
            return True
        answer = self._do(message)
        if fault is not None and fault.action == "delay":
            await self._clock.sleep(fault.value)
        if answer is not None:
            # One write an answer: in several small ones it would take as many packets.
            writer.write(_on_the_wire(answer, fault))
            await writer.drain()
        return True

    def _do(self, message: str) -> bytes | None:
        # Every joined command starts at the root. SCPI-99 would start it where the one before it ended,
        # but public clients of this maker's gear send `OTDS:PSC USER;OTDS:K ...` and it works.
        commands = [command.strip() for command in _JOINED.findall(message)]
        answers = [self._device.handle(command) for command in commands if command]
        given = [_as_bytes(answer) for answer in answers if answer is not None]
        # IEEE 488.2: the answers to one message are one message.
        return b";".join(given) if given else None


async def serve_scpi(
    gear: str,
    device: ScpiDevice,
    clock: LabClock,
    faults: FaultSchedule,
    host: str = "127.0.0.1",
    port: int = 0,
) -> ScpiServer:
    """Serve `device` under its name in the inventory; the returned server knows its port."""
    server = ScpiServer(gear, device, clock, faults)
    await server.start(host, port)
    return server


async def _read_line(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next line, longer than MAX_LINE_BYTES (and cut) if too long; None at the end."""
    too_long = b""
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as overrun:
            too_long = await reader.readexactly(overrun.consumed)
        except asyncio.IncompleteReadError:
            return None
        else:
            return too_long or line


def block_of(data: bytes) -> bytes:
    """Return `data` as a definite-length block of IEEE 488.2."""
    length = str(len(data))
    return f"#{len(length)}{length}".encode("ascii") + data


def _as_bytes(answer: Answer) -> bytes:
    return answer if isinstance(answer, bytes) else answer.encode("ascii")


def _on_the_wire(answer: bytes, fault: Fault | None) -> bytes:
    line = answer + b"\n"
    if fault is None or fault.action == "delay":
        return line
    if fault.action == "garbage":
        return _GARBAGE
    if fault.action == "half_reply":
        return line[: len(line) // 2]
    return b""
