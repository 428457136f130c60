"""The emulated SmartOTDR measures for programs that others wrote for such gear, over bare sockets.

HellWorld and FOMS2 (public code, both for real instruments) talk in two quite different ways.
"""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.read import read_sor
from drivers.otdr.curve_block import parse_points
from emulators.otdr.smartotdr_platform import EmulatedPlatform

if TYPE_CHECKING:
    from tests.otdr_wire.otdr_lab import OtdrLab

SET_UP = (
    "OTDS:LAS L1550;OTDS:KMR 10;OTDS:RES AUTO;OTDS:PULS P100NS;OTDS:MAXT 10;"
    "OTDS:UIOR U1,L1550,1.4680;OTDS:PSC USER;OTDS:K L1550,-81.5"
)


def one_shot(port: int, command: str) -> bytes:
    """Ask as HellWorld does: a socket for each command, closed half-way when it is sent, read to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"*REM;{command}\r\n".encode("ascii"))
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        while came := connection.recv(65_536):
            heard += came
        return heard


class Foms2:
    """Talks as FOMS2 does: one socket that stays, CR and LF, blocks read by their length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")

    def send(self, command: str) -> None:
        self._socket.sendall(command.encode("ascii") + b"\r\n")

    def ask(self, command: str) -> str:
        self.send(command)
        return self._file.readline().decode("ascii").strip("\r\n")

    def ask_block(self, command: str) -> bytes:
        self.send(command)
        mark = self._file.read(2)
        assert mark[:1] == b"#"
        data = self._file.read(int(self._file.read(int(mark[1:]))))
        assert self._file.read(1) == b"\n"
        return data

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_a_whole_measurement_with_a_socket_for_each_command(bench: OtdrLab) -> None:
    port = bench.server.port
    for command in ("*CLS", "OTDS:ACQ MAN", SET_UP, SET_UP, "KEY STAR"):
        assert one_shot(port, command) == b""
    assert one_shot(port, "STAT:ACQ?") == b"STARTED\n"
    bench.clock.sleep(10.0)
    assert one_shot(port, "STAT:ACQ?") == b"STOPPED\n"
    size = int(one_shot(port, "TABle:SIZe?"))
    lines = [one_shot(port, f"TABle:LINe? {number + 1}").decode().split(",") for number in range(size)]
    assert [float(line[2]) for line in lines] == pytest.approx([0.0, 1000.0, 5000.0, 8000.0], abs=5.0)
    answer = one_shot(port, "CURve:BUFfer?")
    digits = int(answer[1:2])
    block = answer[2 + digits : -1]
    assert len(block) == int(answer[2 : 2 + digits])
    assert answer[-1:] == b"\n"
    levels_db = parse_points(block) * float(one_shot(port, "CURve:YSCale?"))
    spacing_m = float(one_shot(port, "CURve:XSCale?"))
    assert len(levels_db) * spacing_m == pytest.approx(10_000.0, rel=0.05)
    behind_fibre = round(9000.0 / spacing_m)
    assert levels_db[behind_fibre:].max() < np.median(levels_db[: round(8000.0 / spacing_m)])
    assert one_shot(port, "SYST:ERR?") == b'0, "No error"\n'


def test_an_unknown_question_on_a_socket_of_its_own_ends_in_silence(bench: OtdrLab) -> None:
    assert one_shot(bench.server.port, "OTU:MEAS:STATUS?") == b""
    assert one_shot(bench.server.port, "SYST:ERR?").startswith(b"-113")


def test_the_platform_is_asked_with_a_socket_for_each_command(bench: OtdrLab) -> None:
    platform = bench.lab.serve(EmulatedPlatform(bench.server.port))
    answer = one_shot(platform.port, 'MODule:FUNCtion:PORT? BOTH,BASE,"OTDR"')
    assert int(answer) == bench.server.port


def test_a_whole_measurement_over_one_socket_to_its_sor_file(bench: OtdrLab) -> None:
    with closing(Foms2(bench.server.port)) as client:
        client.send("*REM")
        assert client.ask("*IDN?").startswith("VIAVI,")
        assert client.ask("*CLS;OTDS:DEF;*STB?") == "0"
        client.send("OTDS:ACQ MAN")
        client.send(SET_UP)
        client.send(SET_UP)
        client.send("KEY STAR")
        polled = 0
        while client.ask("STAT:ACQ?") != "STOPPED":
            polled += 1
            bench.clock.sleep(0.2)
        assert polled == pytest.approx(50, abs=1)
        file = read_sor(client.ask_block("*CLS;OTDR:SSOR?"))
        assert client.ask("SYST:ERR?") == '0, "No error"'
    assert file.block(GenParams).wavelength_nm == 1550
    fixed = file.block(FxdParams)
    assert [pulse.width_ns for pulse in fixed.pulses] == [100]
    assert fixed.averaging_time_s == 10
    assert len(file.block(KeyEvents).events) == 4
