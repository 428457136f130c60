"""The emulated end of a SCPI wire, asked by a bare socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from drivers.facts.defects import MvoaDefects
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.plant.link import Link
from tests.attenuators.scpi_lab import LabThread

if TYPE_CHECKING:
    from collections.abc import Generator

    from emulators.wires.scpi_server import ScpiServer


class Client:
    """A bare socket that asks and reads lines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self.socket.makefile("rb")

    def send(self, message: bytes) -> None:
        self.socket.sendall(message)

    def line(self) -> bytes:
        return self._file.readline()

    def ask(self, message: bytes) -> bytes:
        self.send(message)
        return self.line()

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@pytest.fixture
def lab() -> Generator[LabThread]:
    lab = LabThread()
    yield lab
    lab.close()


@pytest.fixture
def server(lab: LabThread) -> ScpiServer:
    link = Link(lab.clock.now_s, 1550.0)
    return lab.serve(EmulatedMvoa("voa", link, lab.clock, MvoaDefects()))


@pytest.fixture
def client(server: ScpiServer) -> Generator[Client]:
    client = Client(server.port)
    yield client
    client.close()


@pytest.mark.parametrize(
    "question",
    [
        b":OUTP:ATT? 1\n",
        b":OUTP:ATT? 1\r\n",
        b"outp:att? 1\n",
        b":OUTPut:ATTenuation? 1\n",
        b"OUTPUT:ATT?   1  \n",
        b"\n;; :outp:attenuation? 1;\n",
    ],
)
def test_long_and_short_forms_in_any_case_with_both_line_ends(client: Client, question: bytes) -> None:
    assert client.ask(question) == b"0.000\n"


def test_forms_in_between_are_unknown(client: Client) -> None:
    client.send(b":OUTPU:ATTEN? 1\n")
    assert client.ask(b":SYST:ERR?\n") == b'-113, "Undefined header"\n'


def test_joined_commands_get_one_line_of_answers(client: Client) -> None:
    assert client.ask(b":OUTP:BBL 1,0;:OUTP:BBL? 1;*OPC?\n") == b"0;1\n"


def test_an_unknown_query_is_met_with_silence_and_an_error_in_the_queue(client: Client) -> None:
    client.send(b":OUTP:TEMP?\n")
    assert client.ask(b":SYST:ERR?\n") == b'-113, "Undefined header"\n'
    assert client.ask(b":SYST:ERR?\n") == b'0, "No Error"\n'


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b":OUTP:ATT 1,70.001", b'-222, "Data out of range"'),
        (b":OUTP:ATT 1,-0.1", b'-222, "Data out of range"'),
        (b":OUTP:ATT 2,5", b'-222, "Data out of range"'),
        (b":OUTP:WAV 1,1259", b'-222, "Data out of range"'),
        (b":OUTP:ATT 1,1e999", b'-222, "Data out of range"'),
        (b":OUTP:ATT 1", b'-109, "Missing parameter"'),
        (b":OUTP:ATT 1,", b'-109, "Missing parameter"'),
        (b":OUTP:ATT?", b'-109, "Missing parameter"'),
        (b":OUTP:ATT 1,5,6", b'-108, "Parameter not allowed"'),
        (b":OUTP:ATT 1,five", b'-104, "Data type error"'),
        (b":OUTP:ATT 1,nan", b'-104, "Data type error"'),
        (b":OUTP:BBL 1,2", b'-224, "Illegal parameter value"'),
        (b":OUTP:ATT\xff 1,5", b'-101, "Invalid character"'),
        (b":OUTP:ATT 1," + b"5" * 5000, b'-363, "Input buffer overrun"'),
        (b":OUTP:ATT 1," + b"5" * 200_000, b'-363, "Input buffer overrun"'),
    ],
)
def test_what_is_refused_leaves_an_error_and_changes_nothing(
    client: Client, command: bytes, error: bytes
) -> None:
    client.send(command + b"\n")
    assert client.ask(b":SYST:ERR?\n") == error + b"\n"
    assert client.ask(b":SYST:ERR?\n") == b'0, "No Error"\n'
    assert client.ask(b":OUTP:ATT? 1;:OUTP:BBL? 1;:OUTP:WAV? 1;:BUSY?\n") == b"0.000;1;1550.000;0\n"


def test_connections_share_the_one_error_queue(client: Client, server: ScpiServer) -> None:
    other = Client(server.port)
    client.send(b"NONSENSE\n")
    assert client.ask(b":BUSY?\n") == b"0\n"
    assert other.ask(b":SYST:ERR?\n") == b'-113, "Undefined header"\n'
    assert client.ask(b":SYST:ERR?\n") == b'0, "No Error"\n'
    other.close()


def test_a_full_queue_says_so_and_can_be_cleared(client: Client) -> None:
    client.send(b"NONSENSE\n" * 30)
    codes = [client.ask(b":SYST:ERR?\n").split(b",")[0] for _ in range(21)]
    assert codes == [b"-113"] * 19 + [b"-350", b"0"]
    client.send(b"NONSENSE\n*CLS\n")
    assert client.ask(b":SYST:ERR?\n") == b'0, "No Error"\n'


def test_a_closed_server_closes_its_connections_even_while_they_wait(
    lab: LabThread, server: ScpiServer, client: Client
) -> None:
    waiting = Client(server.port)
    lab.inject("delay", match="*IDN?", value=60)
    assert client.ask(b":BUSY?\n") == b"0\n"
    waiting.send(b"*IDN?\n")
    lab.stop(server)
    assert client.line() == b""
    assert waiting.line() == b""
    waiting.close()


def test_a_delayed_answer_comes_in_lab_time(lab: LabThread, client: Client) -> None:
    lab.inject("delay", match=":BUSY?", value=60)
    client.send(b":BUSY?\n")
    started_s = lab.clock.now_s()
    client.socket.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.socket.recv(100)
    client.socket.settimeout(10)
    lab.run(lab.clock.wait_until(started_s + 60))
    assert client.socket.recv(100) == b"0\n"


def test_a_device_error_refuses_the_setting(lab: LabThread, client: Client) -> None:
    lab.inject("device_error", match=":OUTP:ATT 1", value=-240)
    client.send(b":OUTP:ATT 1,5\n")
    assert client.ask(b":SYST:ERR?\n") == b'-240, "Hardware error"\n'
    assert client.ask(b":OUTP:ATT? 1\n") == b"0.000\n"


def test_a_fault_for_another_wire_is_noted_and_does_nothing(lab: LabThread, client: Client) -> None:
    lab.inject("html", match=":BUSY?")
    assert client.ask(b":BUSY?\n") == b"0\n"
    assert lab.faults.journal.entries[-1].kind == "fault without effect"


def test_a_half_closed_connection_is_answered_and_closed(client: Client) -> None:
    client.send(b":BUSY?\r\n")
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.line(), client.line()] == [b"0\n", b""]
