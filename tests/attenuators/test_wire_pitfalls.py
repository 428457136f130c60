"""Pitfalls of instrument wires that were measured beforehand, each with the test that keeps us out of it.

SOCKET: a refused port opens without a word, replies shift by one after a time-out, half a reply, two threads
on one session, a query that the device does not know: `test_scpi_wire`, `test_viavi_mvoa`. Pseudo-terminal:
raw on both sides (`test_serial_server`), exclusive, any baud rate, two threads, late replies
(`test_serial_wire`). "Settled" told in each device's own way: `test_attenuator_contract`. Here is the rest.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from drivers.errors import ProtocolError, TransportTimeout
from drivers.facts.defects import MvoaDefects
from drivers.wires.scpi_wire import ScpiWire
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.plant.link import Link
from tests.attenuators.scpi_lab import DEADLINE_S, EchoDevice, LabThread, ThreadClock, raw_server, resource
from tests.attenuators.serial_lab import StillClock

if TYPE_CHECKING:
    from collections.abc import Generator

BLOCK = b"#16ab\ncd\n\n"


@pytest.fixture
def lab() -> Generator[LabThread]:
    lab = LabThread()
    yield lab
    lab.close()


def test_both_terminations_are_set_so_that_no_read_waits_for_its_timeout(lab: LabThread) -> None:
    """pyvisa's own are CR LF to write and none to read: a living device would look dead."""
    device = EchoDevice()
    wire = ScpiWire("voa", resource(lab.serve(device).port), ThreadClock(lab), DEADLINE_S)
    assert wire.query("ECHO? 1") == "1"
    session = wire._session
    assert session is not None
    assert (session.instrument.read_termination, session.instrument.write_termination) == ("\n", "\n")
    wire.close()


@pytest.mark.parametrize("pieces", [[BLOCK], [BLOCK[:6], BLOCK[6:]]])
def test_a_binary_block_is_never_cut_to_its_first_line_in_silence(pieces: list[bytes]) -> None:
    """pyvisa's read stops at a line feed within a block; what is left of it would answer the next query."""

    def block(connection: socket.socket) -> None:
        connection.recv(100)
        for piece in pieces:
            connection.sendall(piece)
        connection.recv(100)

    def line(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"right\n")

    with raw_server(block, line) as port:
        wire = ScpiWire("otdr", resource(port), StillClock(), DEADLINE_S)
        try:
            first = wire.query("CURV?")
        except ProtocolError:
            first = None
        if first is not None:
            # The rest came later: the next call finds it and says so.
            with pytest.raises(ProtocolError, match="before it was asked"):
                wire.query("A?")
        assert wire.query("B?") == "right"
        wire.close()


def test_an_answer_leaves_the_emulator_in_one_piece_and_without_delay(
    lab: LabThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several small sends without TCP_NODELAY it took 44 ms in place of 0.06."""
    sent: list[tuple[bytes, int]] = []
    write = asyncio.StreamWriter.write

    def watched(writer: asyncio.StreamWriter, data: bytes) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        sent.append((bytes(data), connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        write(writer, data)

    monkeypatch.setattr(asyncio.StreamWriter, "write", watched)
    device = EmulatedMvoa("voa", Link(lab.clock.now_s, 1550.0), lab.clock, MvoaDefects())
    with socket.create_connection(("127.0.0.1", lab.serve(device).port), timeout=10) as client:
        client.sendall(b":OUTP:ATT? 1;:OUTP:WAV? 1;*IDN?\n")
        answer = client.makefile("rb").readline()
    assert sent == [(answer, 1)]
    assert answer.count(b";") == 2


def test_a_late_reply_that_is_still_on_its_way_dies_with_its_connection(lab: LabThread) -> None:
    """HiSLIP numbers its messages; a bare socket has only its connection to tell replies apart."""
    clock = ThreadClock(lab)
    wire = ScpiWire("voa", resource(lab.serve(EchoDevice()).port), clock, DEADLINE_S)
    wire.query("ECHO? 0")
    before = wire._session
    lab.inject("delay", value=DEADLINE_S + 1)
    with clock.impatient(), pytest.raises(TransportTimeout):
        wire.query("ECHO? late")
    clock.sleep(2)
    assert wire.query("ECHO? 1") == "1"
    assert wire._session is not before
    wire.close()
