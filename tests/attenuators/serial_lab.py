"""What the tests of serial lines share: a lab that serves them, a bare line, a clock that stands still."""

from __future__ import annotations

import os
import select
import threading
import tty
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from drivers.facts.connections import SerialConnection
from drivers.wires.serial_wire import LineProtocol
from emulators.wires.serial_server import serve_serial
from tests.attenuators.scpi_lab import DEADLINE_S, LabThread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from drivers.wires.serial_wire import SerialWire
    from emulators.wires.serial_server import SerialDevice, SerialServer

PROTOCOL = LineProtocol(
    command_end=b"\r",
    is_last_line=lambda line: line == "Done" or line.startswith("Error"),
    is_refusal=lambda line: line.startswith("Error"),
    probes=(("S?", "Pos:"), ("D", "DPos:")),
)
PROBED = ["S?", "D"]


def connection_to(path: Path | str, deadline_s: float = DEADLINE_S) -> SerialConnection:
    return SerialConnection(port=str(path), deadline_s=deadline_s)


class SerialLab(LabThread):
    """A lab that serves serial lines as well."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[SerialServer] = []

    def serve_line(self, device: SerialDevice, port: Path) -> SerialServer:
        line = self.run(serve_serial("voa", device, self.clock, self.faults, port))
        self._lines.append(line)
        return line

    def on_line(self, act: Callable[[], object]) -> None:
        """Do something in the lab's loop."""

        async def work() -> None:
            act()

        self.run(work())

    def close(self) -> None:
        for line in self._lines:
            self.run(line.close())
        super().close()


def wait_for_bytes(wire: SerialWire, count: int) -> None:
    """Return when `count` bytes lie unread at an open port: a terminal passes them on in its own time."""
    pause = threading.Event()
    while wire._port is not None and wire._port.in_waiting < count:
        assert not pause.wait(0.001)


class EchoDevice:
    """Answers the probes and `ECHO text` with the text, and keeps what it was told."""

    def __init__(self) -> None:
        self.echoes = False
        self.heard: list[str] = []

    async def handle(self, command: str) -> Sequence[str]:
        self.heard.append(command)
        if command.startswith("ECHO "):
            return [command.removeprefix("ECHO "), "Done", ""]
        answers = {"S?": ["Pos:1", "Done", ""], "D": ["DPos:1", "ATTEN:2.00", "Done", ""]}
        return answers.get(command, ["Error-2", ""])

    def refusal(self, code: int) -> Sequence[str]:
        return [f"Error{code}", ""]


class StillClock:
    """Lab time that only waiting moves; `wall_s` is how long a library may wait in vain."""

    kind = "virtual"

    def __init__(self, wall_s: float = 5.0) -> None:
        self.time_s = 0.0
        self.wall_s = wall_s

    def now_s(self) -> float:
        return self.time_s

    def wait_until(self, t_s: float) -> None:
        self.time_s = t_s

    def sleep(self, duration_s: float) -> None:
        self.time_s += duration_s

    def wall_timeout_s(self, deadline_s: float) -> float:
        return min(self.wall_s, deadline_s)


class BareLine:
    """The device's side of a pseudo-terminal, for a script in a thread."""

    def __init__(self, device_side: int) -> None:
        self._device_side = device_side

    def hear(self) -> bytes:
        """Return the next command with its end; b"" when there is none within a while."""
        heard = b""
        while not heard.endswith(b"\r"):
            ready, _, _ = select.select([self._device_side], [], [], 10)
            if not ready:
                return b""
            heard += os.read(self._device_side, 1)
        return heard

    def say(self, data: bytes) -> None:
        os.write(self._device_side, data)

    def answer_probes(self) -> None:
        assert self.hear() == b"S?\r"
        self.say(b"Pos:1\r\nDone\r\n\r\n")
        assert self.hear() == b"D\r"
        self.say(b"DPos:1\r\nATTEN:2.00\r\nDone\r\n\r\n")


@contextmanager
def bare_line(talk: Callable[[BareLine], object]) -> Generator[str]:
    """Let `talk` be the device on a line; yields the port's path."""
    device_side, port_side = os.openpty()
    tty.setraw(port_side)
    failures: list[Exception] = []

    def run() -> None:
        try:
            talk(BareLine(device_side))
        except (AssertionError, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield os.ttyname(port_side)
    finally:
        thread.join()
        for side in (device_side, port_side):
            with suppress(OSError):
                os.close(side)
    assert failures == []
