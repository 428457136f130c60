"""The emulated SmartOTDR as clients of its own maker's gear meet it, asked by a bare socket."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.otdr.curve_block import parse_points
from emulators.lab.history import History
from emulators.lab.remembered import RememberedDevice
from emulators.lab.streams import Streams
from emulators.otdr.viavi_smartotdr import EmulatedSmartOtdr
from tests.attenuators.test_scpi_server import Client
from tests.otdr_wire.otdr_lab import SETTINGS, LaidFibre, OtdrLab, gear

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from drivers.roles import Otdr

# As FOMS2 (public code) sends it, in one line.
FOMS2_SET_UP = (
    b"OTDS:LAS L1550;OTDS:KMR 20;OTDS:RES AUTO;OTDS:PULS P100NS;OTDS:MAXT 30;"
    b"OTDS:UIOR U1,L1550,1.4667;OTDS:PSC USER;OTDS:K L1550,-81.5\r\n"
)
NO_ERROR = b'0, "No error"\n'


@pytest.fixture
def client(bench: OtdrLab) -> Generator[Client]:
    client = Client(bench.server.port)
    yield client
    client.close()


def test_what_public_code_sends_is_understood(bench: OtdrLab, client: Client) -> None:
    client.send(b"*REM\r\n")
    assert client.ask(b"*IDN?\r\n").startswith(b"VIAVI,")
    assert client.ask(b"*CLS;OTDS:DEF;*STB?\r\n") == b"0\n"
    client.send(b"OTDS:ACQ MAN\r\n" + FOMS2_SET_UP + FOMS2_SET_UP + b"KEY STAR\r\n")
    assert client.ask(b"STAT:ACQ?\r\n") != b"STOPPED\n"
    bench.clock.sleep(30.0)
    assert client.ask(b"STAT:ACQ?\r\n") == b"STOPPED\n"
    assert client.ask(b"SYST:ERR?\r\n") == NO_ERROR
    client.send(b"*CLS;OTDR:SSOR?\r\n")
    start = client._file.read(2)
    length = int(client._file.read(int(start[1:])))
    assert client._file.read(length).startswith(b"Map\0")
    assert client.line() == b"\n"


def test_one_question_a_connection_with_remote_in_front(bench: OtdrLab) -> None:
    bench.measured()
    with closing(Client(bench.server.port)) as client:
        client.send(b"*REM;TABle:LINe? 2\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.line().startswith(b"  2,Reflection,")
        assert client.line() == b""


@pytest.mark.parametrize("header", [b"CURVe:BUFFer?", b"CUR:BUFF?", b"curve:buffer?", b":CURV:BUFF?"])
def test_the_curve_by_its_long_and_short_names(bench: OtdrLab, client: Client, header: bytes) -> None:
    bench.measured()
    answer = client.ask(header + b"\n")
    length = int(answer[2:8])
    assert answer[:2] == b"#6"
    assert len(parse_points(answer[8:-1])) * 4 == length


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"OTDS:ACQ AUTO", b"-200"),
        (b"OTDS:ACQ FAST", b"-224"),
        (b"OTDS:LAS L1625", b"-224"),
        (b"OTDS:LAS L1310_1550", b"-224"),
        (b"OTDS:PULS 100", b"-224"),
        (b"OTDS:PULS PxNS", b"-104"),
        (b"OTDS:KMR", b"-109"),
        (b"OTDS:KMR -5", b"-222"),
        (b"OTDS:RES HRES", b"-109"),
        (b"OTDS:UIOR U1,L1550,2", b"-222"),
        (b"OTDS:K L1550,-30", b"-222"),
        (b"KEY STOP", b"-224"),
        (b"TABle:LINe? 1", b"-222"),
        (b"OTDR:SSOR?", b"-230"),
        (b"OTDS:WHAT?", b"-113"),
    ],
)
def test_what_is_refused_is_silent_and_in_the_queue(client: Client, command: bytes, code: bytes) -> None:
    before = client.ask(b"OTDS:LAS?;OTDS:KMR?;OTDS:PULS?\n")
    client.send(command + b"\n")
    assert client.ask(b"SYST:ERR?\n").split(b",")[0] == code
    assert client.ask(b"SYST:ERR?\n") == NO_ERROR
    assert client.ask(b"OTDS:LAS?;OTDS:KMR?;OTDS:PULS?\n") == before


def test_nothing_is_set_while_it_measures(client: Client) -> None:
    client.send(b"KEY STAR\nOTDS:PULS P500NS\n")
    assert client.ask(b"SYST:ERR?\n").startswith(b"-221")
    assert client.ask(b"OTDS:PULS?\n") == b"P300NS\n"


def test_a_bare_port_shows_no_fibre(bench: OtdrLab) -> None:
    bench.fibre.path = None
    otdr = bench.measured()
    assert all(event.distance_m < 50.0 for event in otdr.events())


def test_a_lab_that_is_started_again_has_the_same_trace(tmp_path: Path) -> None:
    bench = OtdrLab()
    try:
        history = History(tmp_path / "history", bench.lab.clock.now_s)
        server = bench.lab.serve(RememberedDevice("otdr", bench.device, history))
        bench.lab.stop(bench.server)
        bench.server = server
        before = bench.measured().sor()
        acts = history.recover()
        history.close()
    finally:
        bench.close()
    again = OtdrLab()
    try:
        for act in acts:
            again.clock.wait_until(act.t_s)
            again.device.handle(act.do)
        again.clock.sleep(SETTINGS.averaging_s)
        assert again.open().sor() == before
    finally:
        again.close()


def test_the_light_is_told_from_the_beginning_where_somebody_left_it_on(bench: OtdrLab) -> None:
    fibre = LaidFibre()
    noise = Streams(1).stream("otdr/noise")
    EmulatedSmartOtdr(gear(is_busy=True), fibre, bench.lab.clock, noise)
    assert fibre.told == ["on at here"]


def test_a_measurement_that_the_key_ended_moves_no_noise_of_those_after_it(bench: OtdrLab) -> None:
    def levels(otdr: Otdr) -> NDArray[np.float64]:
        otdr.set_up(SETTINGS)
        otdr.start()
        otdr.wait(SETTINGS.averaging_s + 5.0)
        return otdr.curve().levels_db

    otdr = bench.open()
    first, second = levels(otdr), levels(otdr)
    assert not np.array_equal(first, second)
    disturbed = OtdrLab()
    try:
        other = disturbed.open()
        for _ in range(2):
            other.set_up(SETTINGS)
            other.start()
            disturbed.clock.sleep(3.0)
            other.stop()
        assert np.array_equal(levels(other), first)
        assert np.array_equal(levels(other), second)
    finally:
        disturbed.close()
