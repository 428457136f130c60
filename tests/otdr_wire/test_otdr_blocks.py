"""Blocks of IEEE 488.2 on the wire, whole and in pieces, and the points of a curve in them."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import WallClock
from drivers.errors import ConnectionLost, ProtocolError, TransportTimeout
from drivers.otdr.curve_block import parse_points
from drivers.wires.byte_log import ByteLog
from drivers.wires.scpi_block import BlockError, read_block
from drivers.wires.scpi_wire import ScpiWire
from emulators.wires.scpi_server import block_of
from tests.attenuators.scpi_lab import raw_server, resource

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

MEGABYTE = 1 << 20


class Stream:
    """Gives its bytes in pieces of at most `piece`; BrokenPipeError at the end."""

    def __init__(self, data: bytes, piece: int) -> None:
        self.left = data
        self._piece = piece

    def receive(self, count: int) -> bytes:
        if not self.left:
            raise BrokenPipeError
        taken = self.left[: min(count, self._piece)]
        self.left = self.left[len(taken) :]
        return taken


@given(st.binary(max_size=300), st.integers(1, 400), st.sampled_from([b"\n", b"\r\n"]), st.binary(max_size=9))
def test_a_block_is_read_whole_and_not_a_byte_more(data: bytes, piece: int, end: bytes, later: bytes) -> None:
    stream = Stream(block_of(data) + end + later, piece)
    assert read_block(stream.receive, MEGABYTE) == data
    assert stream.left == later


@given(st.binary(max_size=60))
def test_any_bytes_are_a_block_an_error_or_too_few(data: bytes) -> None:
    stream = Stream(data, 7)
    try:
        block = read_block(stream.receive, 50)
    except (BlockError, BrokenPipeError):
        return
    assert block in data
    assert data.startswith(b"#")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'0, "No error"\n', "begins with b'0,'"),
        (b"#x12\n", "begins with b'#x'"),
        (b"#0abc\n", "does not say how long it is: b'#0'"),
        (b"#2+5hello\n", r"how long it is: b'#2\+5'"),
        (b"#3101" + bytes(101) + b"\n", "has 101 bytes, no more than 100"),
        (b"#9999999999", "has 999999999 bytes"),
        (b"#13abcd\n", "goes on behind the 3 bytes"),
        (b"#13abc\rd", "goes on behind the 3 bytes"),
    ],
)
def test_what_is_no_block_is_told(data: bytes, problem: str) -> None:
    with pytest.raises(BlockError, match=problem):
        read_block(Stream(data, 100).receive, 100)


@given(st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=50))
def test_points_are_signed_numbers_of_16_bits_in_hexadecimal(points: list[int]) -> None:
    digits = "".join(f"{point & 0xFFFF:04X}" for point in points)
    assert parse_points(digits.encode()).tolist() == points
    assert parse_points(digits.lower().encode()).tolist() == points


def test_points_as_in_a_captured_curve() -> None:
    # HellWorld (public code): YSCale 0.00147 dB, YOFFset -13.700909 dB.
    levels_db = parse_points(b"0000FFFF7FFF8000") * 0.00147 - 13.700909
    assert levels_db == pytest.approx([-13.700909, -13.702379, 34.466581, -61.869869])


@pytest.mark.parametrize(
    "block", [b"", b"0", b"00000", b"00 0", b"0x00", b"000g", b"\xff\xff\xff\xff", b"+000"]
)
def test_what_is_no_row_of_points_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"points|hexadecimal"):
        parse_points(block)


@given(st.binary(max_size=40))
def test_any_bytes_are_points_or_a_value_error(block: bytes) -> None:
    try:
        points = parse_points(block)
    except ValueError:
        return
    assert points.dtype == np.int16
    assert len(points) == len(block) // 4


@contextmanager
def wire_to(
    *talks: Callable[[socket.socket], object], deadline_s: float = 5.0, log: ByteLog | None = None
) -> Generator[ScpiWire]:
    with raw_server(*talks) as port:
        wire = ScpiWire("otdr", resource(port), WallClock(), deadline_s, log or ByteLog(None))
        yield wire
        wire.close()


def answering(*pieces: bytes) -> Callable[[socket.socket], None]:
    """Wait for a question, then send the pieces, each in a packet of its own; stay until the client goes."""

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(100)
        for piece in pieces:
            connection.sendall(piece)
        connection.recv(100)

    return talk


def test_a_block_with_line_ends_in_it_comes_through_the_wire_byte_by_byte() -> None:
    data = bytes(range(256)) * 8 + b"\n#15\r\n"
    answer = block_of(data) + b"\n"
    with wire_to(answering(*(bytes([byte]) for byte in answer))) as wire:
        assert wire.query_block("OTDR:SSOR?", MEGABYTE) == data


def test_a_large_block_and_a_line_after_it_on_one_connection() -> None:
    data = np.random.default_rng(1).bytes(3 * MEGABYTE)

    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(block_of(data) + b"\r\n")
        connection.recv(100)
        connection.sendall(b"STOPPED\n")

    with wire_to(talk) as wire:
        assert wire.query_block("OTDR:SSOR?", 4 * MEGABYTE) == data
        assert wire.query("STAT:ACQ?") == "STOPPED"


def test_a_block_that_is_larger_than_allowed_is_not_taken() -> None:
    with (
        wire_to(answering(b"#9500000000" + bytes(1000))) as wire,
        pytest.raises(ProtocolError, match="500000000 bytes, no more than 1048576"),
    ):
        wire.query_block("CURVe:BUFFer?", MEGABYTE)


def test_half_a_block_is_a_timeout_that_shows_only_its_beginning() -> None:
    with wire_to(answering(block_of(bytes(5000))[:4000]), deadline_s=0.1) as wire:
        with pytest.raises(TransportTimeout, match=r"only half a line.* and 3800 bytes more") as caught:
            wire.query_block("OTDR:SSOR?", MEGABYTE)
        assert len(str(caught.value)) < 1500


def test_a_block_without_a_line_end_is_a_timeout() -> None:
    with wire_to(answering(block_of(b"data")), deadline_s=0.1) as wire, pytest.raises(TransportTimeout):
        wire.query_block("OTDR:SSOR?", MEGABYTE)


def test_a_connection_that_breaks_within_a_block_is_lost() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"#41000abc")

    with wire_to(talk) as wire, pytest.raises(ConnectionLost, match="closed by the device"):
        wire.query_block("OTDR:SSOR?", MEGABYTE)


def test_a_line_instead_of_a_block_does_not_answer_the_next_question() -> None:
    with wire_to(answering(b"ERROR\nlate\n"), answering(b"STOPPED\n")) as wire:
        with pytest.raises(ProtocolError, match="no block came"):
            wire.query_block("OTDR:SSOR?", MEGABYTE)
        assert wire.query("STAT:ACQ?") == "STOPPED"


def test_every_connection_begins_with_the_greeting(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            heard.extend([file.readline(), file.readline()])
        connection.sendall(b"VIAVI\n")

    log = ByteLog(tmp_path / "wires.log")
    with raw_server(talk, talk) as port:
        wire = ScpiWire("otdr", resource(port), WallClock(), 5.0, log, greeting="*REM")
        assert wire.query("*IDN?") == "VIAVI"
        wire.close()
        assert wire.query("*IDN?") == "VIAVI"
        wire.close()
    log.close()
    assert heard == [b"*REM\n", b"*IDN?\n"] * 2
    assert (tmp_path / "wires.log").read_text().count("*REM") == 2
