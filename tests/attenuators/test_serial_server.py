"""The emulated DD-100-MC on its line, asked by bare pyserial as any other program would."""

from __future__ import annotations

import os
import termios
from typing import TYPE_CHECKING

import pytest
from serial import Serial

from tests.attenuators.oz_bench import LEFT_AT_DB, OzBench
from tests.attenuators.serial_lab import EchoDevice, SerialLab

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Generator[OzBench]:
    bench = OzBench(tmp_path)
    bench.voa.close()
    yield bench
    bench.close()


@pytest.fixture
def port(bench: OzBench) -> Generator[Serial]:
    with Serial(str(bench.line.port), 9600, timeout=10) as port:
        yield port


def ask(port: Serial, command: bytes, end: bytes = b"\r\n\r\n") -> bytes:
    """Send a command and return its answer: a last line, then an empty one."""
    port.write(command)
    return port.read_until(end)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_every_line_end_of_the_public_drivers_does(port: Serial, end: bytes) -> None:
    assert ask(port, b"S?" + end) == b"Pos:0\r\nDone\r\n\r\n"
    assert ask(port, b"s?" + end) == b"Pos:0\r\nDone\r\n\r\n"
    assert port.in_waiting == 0


def test_a_move_is_answered_when_the_motor_stands(bench: OzBench, port: Serial) -> None:
    assert ask(port, b"H\r") == b"Diff=0\r\nDone\r\n\r\n"
    started_s = bench.clock.now_s()
    assert ask(port, b"A41.00\r") == b"Pos:3200\r\nDone\r\n\r\n"
    assert bench.clock.now_s() - started_s == pytest.approx(0.1 + 3200 / 2000)
    assert ask(port, b"D\r") == b"DPos:3200\r\nATTEN:41.00\r\nDone\r\n\r\n"
    assert ask(port, b"A?\r") == b"Atten:41.00(dB)\r\nDone\r\n\r\n"


def test_homing_takes_its_time_and_the_light_follows(bench: OzBench, port: Serial) -> None:
    started_s = bench.clock.now_s()
    assert bench.link.added_db() == LEFT_AT_DB
    ask(port, b"H\r")
    ended_s = bench.clock.now_s()
    assert 10 <= ended_s - started_s <= 40
    losses_db = [segment.added_db for segment in bench.link.segments(started_s, ended_s)]
    assert losses_db == [5.0, 3.75, 2.5, 1.25]
    assert bench.link.added_db() == 0.0


def test_before_homing_it_knows_no_attenuation_and_moves_nowhere(bench: OzBench, port: Serial) -> None:
    assert ask(port, b"A?\r") == b"Atten:unknown\r\nDone\r\n\r\n"
    assert ask(port, b"D\r") == b"DPos:0\r\nATTEN:unknown\r\nDone\r\n\r\n"
    for command in (b"A5\r", b"S10\r", b"F\r", b"B\r"):
        assert ask(port, command) == b"Error-2\r\n\r\n"
    assert bench.link.added_db() == LEFT_AT_DB


def test_steps_one_by_one_to_and_by(port: Serial) -> None:
    ask(port, b"H\r")
    answers = [ask(port, command) for command in (b"S100\r", b"S+20\r", b"S-5\r", b"F\r", b"B\r", b"S?\r")]
    steps = [100, 120, 115, 116, 115, 115]
    assert answers == [b"Pos:%d\r\nDone\r\n\r\n" % step for step in steps]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b"A0.99", b"Error-6"),  # below the insertion loss
        (b"A60.01", b"Error-6"),
        (b"A1e1", b"Error-2"),
        (b"A-5", b"Error-2"),
        (b"A", b"Error-2"),
        (b"S1.5", b"Error-2"),
        (b"S-1", b"Error-6"),
        (b"S4721", b"Error-6"),
        (b"L60", b"Error-6"),
        (b"W2", b"Error-2"),
        (b"*IDN?", b"Error-2"),
        (b"*OPC?", b"Error-2"),
        (b"A5\xb50", b"Error-2"),
        (b"5" * 200, b"Error-6"),
        (b"5" * 100_000, b"Error-6"),
    ],
)
def test_what_is_refused_changes_nothing(port: Serial, command: bytes, error: bytes) -> None:
    ask(port, b"H\r")
    assert ask(port, command + b"\r") == error + b"\r\n\r\n"
    assert ask(port, b"D\r") == b"DPos:0\r\nATTEN:1.00\r\nDone\r\n\r\n"


def test_the_insertion_loss_can_be_changed_and_moves_no_motor(bench: OzBench, port: Serial) -> None:
    ask(port, b"H\r")
    ask(port, b"L2.5\r")
    assert b"IL:2.50\r\n" in ask(port, b"CD\r")
    assert ask(port, b"A?\r") == b"Atten:2.50(dB)\r\nDone\r\n\r\n"
    assert bench.link.added_db() == 0.0


def test_a_restart_takes_two_seconds_and_forgets_where_it_stands(bench: OzBench, port: Serial) -> None:
    ask(port, b"H\r")
    ask(port, b"A11\r")
    started_s = bench.clock.now_s()
    assert b"MAX ATTEN:60.00\r\nDone\r\n" in ask(port, b"RST\r")
    assert bench.clock.now_s() - started_s == 2.0
    assert ask(port, b"A?\r") == b"Atten:unknown\r\nDone\r\n\r\n"
    assert bench.link.added_db() == 10.0


def test_the_echo_sends_every_character_back(port: Serial) -> None:
    ask(port, b"E1\r")
    assert ask(port, b"S?\r") == b"S?\rPos:0\r\nDone\r\n\r\n"
    assert ask(port, b"E0\r") == b"E0\rDone\r\n\r\n"
    assert ask(port, b"S?\r") == b"Pos:0\r\nDone\r\n\r\n"


def test_the_previous_answer_can_be_asked_for(port: Serial) -> None:
    ask(port, b"S?\r")
    assert ask(port, b"RES?\r") == b"Pos:0\r\nDone\r\n\r\n"


def test_commands_wait_for_one_another(port: Serial) -> None:
    port.write(b"H\rA2\rS?\r")
    answers = [port.read_until(b"\r\n\r\n") for _ in range(3)]
    assert [answer.split(b"\r\n")[0] for answer in answers] == [b"Diff=0", b"Pos:80", b"Pos:80"]


def test_bytes_pass_as_they_are_in_both_directions(tmp_path: Path) -> None:
    """Pitfall: a terminal that is not raw echoes by itself and turns CR into LF."""
    lab = SerialLab()
    device = EchoDevice()
    line = lab.serve_line(device, tmp_path / "port")
    every_byte = bytes(range(256))
    # Opened without pyserial, which would make the terminal raw by itself.
    port = os.open(line.port, os.O_RDWR | os.O_NOCTTY)
    lab.on_line(lambda: line.send(every_byte))
    heard = b""
    while len(heard) < len(every_byte):
        heard += os.read(port, 4096)
    assert heard == every_byte
    lflag = termios.tcgetattr(port)[3]
    assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)
    os.write(port, b"ECHO a\x03\x11b\r")
    answer = b""
    while not answer.endswith(b"Done\r\n\r\n"):
        answer += os.read(port, 4096)
    assert device.heard == ["ECHO a\x03\x11b"]
    os.close(port)
    lab.close()


def test_what_nobody_fetches_is_lost_and_stops_nobody(bench: OzBench, port: Serial) -> None:
    bench.lab.on_line(lambda: [bench.line.send(b"x" * 4096) for _ in range(50)])
    port.timeout = 0.05
    while port.read(4096):
        pass
    port.timeout = 10
    assert ask(port, b"S?\r") == b"Pos:0\r\nDone\r\n\r\n"


def test_a_device_error_refuses_the_move(bench: OzBench, port: Serial) -> None:
    ask(port, b"H\r")
    bench.lab.inject("device_error", match="A5", value=-7)
    assert ask(port, b"A5.00\r") == b"Error-7\r\n\r\n"
    assert ask(port, b"S?\r") == b"Pos:0\r\nDone\r\n\r\n"


def test_lost_bytes_are_the_last_of_a_line(bench: OzBench, port: Serial) -> None:
    ask(port, b"H\r")
    ask(port, b"S123\r")
    bench.lab.inject("lost_bytes", value=2)
    assert ask(port, b"S?\r") == b"Pos:1\r\nDone\r\n\r\n"


def test_a_fault_for_another_wire_is_noted_and_does_nothing(bench: OzBench, port: Serial) -> None:
    bench.lab.inject("html")
    assert ask(port, b"S?\r") == b"Pos:0\r\nDone\r\n\r\n"
    assert bench.lab.faults.journal.entries[-1].kind == "fault without effect"


def test_a_port_that_vanished_comes_back_under_the_same_path(bench: OzBench, port: Serial) -> None:
    before = bench.line.port.readlink()
    bench.lab.inject("drop", match="S?")
    port.write(b"S?\r")
    with pytest.raises(OSError, match="disconnected"):
        port.read(1)
    with Serial(str(bench.line.port), timeout=10) as again:
        assert ask(again, b"S?\r") == b"Pos:0\r\nDone\r\n\r\n"
    assert bench.line.port.is_symlink()
    assert str(before).startswith("/dev/")


def test_a_closed_server_leaves_no_port_behind(tmp_path: Path) -> None:
    lab = SerialLab()
    line = lab.serve_line(EchoDevice(), tmp_path / "port")
    assert line.port.is_symlink()
    lab.close()
    assert list(tmp_path.iterdir()) == []
