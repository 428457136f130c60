"""A lab in a thread for the SCPI tests: a virtual clock that the test moves, and servers on real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from drivers.facts.lab import Fault
from emulators.lab.clock import LabClock
from emulators.lab.faults import FaultSchedule
from emulators.lab.journal import Journal
from emulators.wires.scpi_server import ErrorQueue, serve_scpi

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from drivers.facts.lab import FaultAction
    from emulators.wires.scpi_server import ScpiDevice, ScpiServer

T0_S = 1_700_000_000.0
DEADLINE_S = 5.0
T = TypeVar("T")


class LabThread:
    """An asyncio loop in a thread of its own, with a virtual clock and a fault schedule."""

    def __init__(self) -> None:
        self.clock = LabClock("virtual", T0_S)
        self.faults = FaultSchedule(self.clock.now_s, Journal(self.clock.now_s))
        self._servers: list[ScpiServer] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run `work` in the lab's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def serve(self, device: ScpiDevice, port: int = 0) -> ScpiServer:
        server = self.run(serve_scpi("voa", device, self.clock, self.faults, port=port))
        self._servers.append(server)
        return server

    def stop(self, server: ScpiServer) -> None:
        async def close() -> None:
            server.close()
            await server.wait_closed()

        self.run(close())
        self._servers.remove(server)

    def inject(
        self,
        action: FaultAction,
        match: str = "",
        value: float = 0.0,
        first: int = 1,
        count: int | None = 1,
    ) -> None:
        fault = Fault(gear="voa", action=action, match=match, value=value, first=first, count=count)
        self.faults.inject(fault)

    def close(self) -> None:
        for server in list(self._servers):
            self.stop(server)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class ThreadClock:
    """The driver's clock over a `LabThread`; `wall_s` is how long a library may wait in vain."""

    kind = "virtual"

    def __init__(self, lab: LabThread) -> None:
        self._lab = lab
        self.wall_s = 5.0

    def now_s(self) -> float:
        return self._lab.clock.now_s()

    def wait_until(self, t_s: float) -> None:
        self._lab.run(self._lab.clock.wait_until(t_s))

    def sleep(self, duration_s: float) -> None:
        self.wait_until(self.now_s() + duration_s)

    def wall_timeout_s(self, deadline_s: float) -> float:
        return min(deadline_s, self.wall_s)

    @contextmanager
    def impatient(self) -> Generator[None]:
        """Wait in vain only shortly: for questions that get no answer anyway."""
        before_s, self.wall_s = self.wall_s, 0.05
        try:
            yield
        finally:
            self.wall_s = before_s


class EchoDevice:
    """Answers `ECHO? text` with the text and keeps what it was told."""

    def __init__(self) -> None:
        self.errors = ErrorQueue()
        self.heard: list[str] = []

    def handle(self, command: str) -> str | None:
        self.heard.append(command)
        header, _, rest = command.partition(" ")
        return rest if header.upper() == "ECHO?" else None


@contextmanager
def raw_server(*talks: Callable[[socket.socket], object]) -> Generator[int]:
    """Serve one connection after another with plain functions; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            for talk in talks:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(10)
                    with suppress(ConnectionError):  # the wire drops what it does not trust
                        talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def resource(port: int) -> str:
    return f"TCPIP::127.0.0.1::{port}::SOCKET"
