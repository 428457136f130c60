"""What one question through pyvisa, the wire and the driver costs, beside a bare socket in the same run."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.clock import WallClock, utc_now_s
from drivers.facts.connections import VisaSocketConnection
from drivers.facts.defects import MvoaDefects
from drivers.wires.byte_log import NO_LOG
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.lab.clock import LabClock
from emulators.lab.faults import FaultSchedule
from emulators.lab.journal import Journal
from emulators.plant.link import Link
from emulators.wires.scpi_server import serve_scpi

if TYPE_CHECKING:
    from collections.abc import Generator

_ROOT = Path(__file__).parents[2]
_WARM_UP = 200
_CALLS = 2000


def bench_scpi_query(calls: int = _CALLS) -> dict[str, str | float]:
    """Return the median time in s of reading the attenuation, and its ratio to a bare blocking socket.

    Both ask the same emulator (a process of its own) the same question, turn and turn about.
    """
    with _emulator_process() as port:
        connection = VisaSocketConnection(resource=f"TCPIP::127.0.0.1::{port}::SOCKET")
        driver = open_viavi_mvoa("voa", connection, WallClock(), NO_LOG)
        bare = socket.create_connection(("127.0.0.1", port))
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        through_driver_s: list[float] = []
        through_socket_s: list[float] = []
        try:
            for call in range(_WARM_UP + calls):
                begin_s = perf_counter()
                driver.attenuation_db()
                between_s = perf_counter()
                _ask_bare(bare)
                end_s = perf_counter()
                if call >= _WARM_UP:
                    through_driver_s.append(between_s - begin_s)
                    through_socket_s.append(end_s - between_s)
        finally:
            bare.close()
            driver.close()
    value_s, baseline_s = median(through_driver_s), median(through_socket_s)
    return {
        "name": "scpi_query",
        "value": value_s,
        "unit": "s",
        "baseline": "bare blocking socket, TCP_NODELAY",
        "baseline_value": baseline_s,
        "ratio": value_s / baseline_s,
    }


def _ask_bare(bare: socket.socket) -> float:
    bare.sendall(b":OUTP:ATT? 1\n")
    answer = b""
    while not answer.endswith(b"\n"):
        answer += bare.recv(4096)
    return float(answer)


@contextmanager
def _emulator_process() -> Generator[int]:
    command = [sys.executable, __file__, "serve"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        # Leaving the block closes the emulator's input, and with that it ends.


async def _serve() -> None:
    clock = LabClock("wall", utc_now_s())
    device = EmulatedMvoa("voa", Link(clock.now_s, 1550.0), clock, MvoaDefects())
    server = await serve_scpi("voa", device, clock, FaultSchedule(clock.now_s, Journal(clock.now_s)))
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    await server.wait_closed()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(_serve())
    else:
        sys.stdout.write(f"{bench_scpi_query()}\n")
