"""The serial wire over real pseudo-terminals: noise, lost bytes, echo, late answers, a port that vanishes."""

from __future__ import annotations

import ast
import errno
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from serial import Serial, SerialException

from drivers.errors import ConnectionLost, ProtocolError, TransportTimeout
from drivers.wires.byte_log import ByteLog
from drivers.wires.serial_wire import SerialWire
from tests.attenuators.scpi_lab import DEADLINE_S, ThreadClock
from tests.attenuators.serial_lab import (
    PROBED,
    PROTOCOL,
    BareLine,
    EchoDevice,
    SerialLab,
    StillClock,
    bare_line,
    connection_to,
    wait_for_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

TAKES_THE_PORT = """
import sys
from serial import Serial
port = Serial(sys.argv[1], exclusive=True)
print("taken", flush=True)
sys.stdin.read()
"""


class Bench:
    def __init__(self, folder: Path) -> None:
        self.lab = SerialLab()
        self.clock = ThreadClock(self.lab)
        self.device = EchoDevice()
        self.line = self.lab.serve_line(self.device, folder / "voa.port")
        self.log_file = folder / "bytes.log"
        self.log = ByteLog(self.log_file)
        self.wire = self.second_wire()

    def second_wire(self) -> SerialWire:
        return SerialWire("voa", connection_to(self.line.port), PROTOCOL, self.clock, self.log)

    def asked(self) -> list[str]:
        """Return what the device heard besides probes."""
        return [command for command in self.device.heard if command not in PROBED]

    def logged(self) -> list[tuple[str, bytes]]:
        self.log.close()
        lines = [line.split(" ", 3) for line in self.log_file.read_text().splitlines()]
        assert all(device == "voa" for _, device, _, _ in lines)
        return [(direction, ast.literal_eval(message)) for _, _, direction, message in lines]

    def close(self) -> None:
        self.wire.close()
        self.lab.close()
        self.log.close()


@pytest.fixture
def bench(tmp_path: Path) -> Generator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def bare_wire(path: str, wall_s: float = 5.0) -> SerialWire:
    return SerialWire("voa", connection_to(path), PROTOCOL, StillClock(wall_s))


def test_a_newly_opened_port_is_brought_into_step_and_all_of_it_is_logged(bench: Bench) -> None:
    assert bench.wire.query("ECHO 12.5") == ["12.5", "Done"]
    assert bench.wire.query("ECHO 13") == ["13", "Done"]
    assert bench.device.heard == [*PROBED, "ECHO 12.5", "ECHO 13"]
    said = bench.logged()
    assert [message for direction, message in said if direction == ">"] == [
        b"S?\r",
        b"D\r",
        b"ECHO 12.5\r",
        b"ECHO 13\r",
    ]
    heard = b"".join(message for direction, message in said if direction == "<")
    assert b"\r\n12.5\r\nDone\r\n" in heard.replace(b"\r\n\r\n", b"\r\n")


def test_silence_is_a_timeout_at_the_deadline_in_lab_time(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    started_s = bench.clock.now_s()
    bench.lab.inject("silence")
    with bench.clock.impatient(), pytest.raises(TransportTimeout, match="no answer") as caught:
        bench.wire.query("ECHO 1")
    assert bench.clock.now_s() == started_s + DEADLINE_S
    assert caught.value.elapsed_s == pytest.approx(DEADLINE_S)
    assert (caught.value.device, caught.value.command) == ("voa", "ECHO 1")
    assert bench.wire.query("ECHO 2") == ["2", "Done"]


@pytest.mark.parametrize(("at_least_s", "waits_s"), [(40.0, 40.0), (0.1, DEADLINE_S)])
def test_a_call_may_need_more_time_than_the_connection_gives(
    bench: Bench, at_least_s: float, waits_s: float
) -> None:
    bench.wire.query("ECHO 0")
    started_s = bench.clock.now_s()
    bench.lab.inject("silence")
    with bench.clock.impatient(), pytest.raises(TransportTimeout):
        bench.wire.query("ECHO 1", at_least_s)
    assert bench.clock.now_s() == started_s + waits_s


@pytest.mark.parametrize("late_s", [DEADLINE_S / 2, DEADLINE_S, DEADLINE_S + 1])
def test_a_late_answer_never_answers_the_next_question(bench: Bench, late_s: float) -> None:
    bench.lab.inject("delay", match="ECHO first", value=late_s)
    with bench.clock.impatient(), pytest.raises(TransportTimeout):
        bench.wire.query("ECHO first")
    bench.clock.sleep(10)
    answers = [bench.wire.query(f"ECHO {number}")[0] for number in range(3)]
    assert answers == ["0", "1", "2"]


@pytest.mark.parametrize("late", [b"Pos:9", b"DPos:9\r\nATTEN:1.00", b"Diff=0", b"anything"])
def test_an_answer_that_comes_while_the_wire_gets_into_step_is_told_apart(late: bytes) -> None:
    def slow(line: BareLine) -> None:
        line.answer_probes()
        assert line.hear() == b"A5.00\r"
        # Said only when the next question has come, as after a long movement.
        assert line.hear() == b"S?\r"
        line.say(late + b"\r\nDone\r\n\r\n")
        line.say(b"Pos:1\r\nDone\r\n\r\n")
        while (command := line.hear()) != b"READ\r":
            said = b"Pos:1" if command == b"S?\r" else b"DPos:1\r\nATTEN:2.00"
            line.say(said + b"\r\nDone\r\n\r\n")
        line.say(b"right\r\nDone\r\n\r\n")

    with bare_line(slow) as path:
        wire = bare_wire(path, wall_s=0.5)
        with pytest.raises(TransportTimeout):
            wire.query("A5.00")
        assert wire.query("READ") == ["right", "Done"]
        wire.close()


def test_an_answer_that_took_more_lab_time_than_the_deadline_is_a_timeout() -> None:
    clock = StillClock()

    def slow(line: BareLine) -> None:
        line.answer_probes()
        line.hear()
        clock.sleep(DEADLINE_S + 0.5)
        line.say(b"late\r\nDone\r\n\r\n")
        line.answer_probes()
        line.hear()
        line.say(b"in time\r\nDone\r\n\r\n")

    with bare_line(slow) as path:
        wire = SerialWire("voa", connection_to(path), PROTOCOL, clock)
        with pytest.raises(TransportTimeout, match="after the deadline"):
            wire.query("A?")
        assert wire.query("B?") == ["in time", "Done"]
        wire.close()


def test_half_an_answer_is_a_timeout_that_shows_it(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    bench.lab.inject("half_reply")
    with bench.clock.impatient(), pytest.raises(TransportTimeout, match=r"b'12\.34"):
        bench.wire.query("ECHO 12.34")
    assert bench.wire.query("ECHO 5") == ["5", "Done"]
    assert any(direction == "<" and message.startswith(b"12.34") for direction, message in bench.logged())


def test_noise_in_an_answer_is_a_protocol_error_and_the_next_answer_is_right(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    bench.lab.inject("garbage")
    with pytest.raises(ProtocolError, match="noise"):
        bench.wire.query("ECHO 1")
    assert [bench.wire.query(f"ECHO {number}")[0] for number in range(3)] == ["0", "1", "2"]


def test_noise_on_the_idle_line_spoils_no_answer_and_is_logged(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    bench.lab.on_line(lambda: bench.line.send(b"\x80\xffPos"))
    wait_for_bytes(bench.wire, 5)
    assert bench.wire.query("ECHO 1") == ["1", "Done"]
    said = bench.logged()
    assert ("!", b"said without being asked: noise, or a late answer") in said
    assert any(direction == "<" and b"\x80\xffPos" in message for direction, message in said)


def test_noise_in_the_devices_own_buffer_is_flushed_by_the_probes(bench: Bench) -> None:
    other_end = Serial(str(bench.line.port))
    other_end.write(b"A1\x802")  # half a command without an end
    other_end.close()
    assert bench.wire.query("ECHO 1") == ["1", "Done"]
    assert bench.asked()[-1] == "ECHO 1"


def test_noise_without_end_is_a_protocol_error_and_no_endless_wait() -> None:
    stop = threading.Event()

    def babble(line: BareLine) -> None:
        while not stop.wait(0.005):
            line.say(b"Zz")

    with bare_line(babble) as path:
        wire = bare_wire(path, wall_s=0.2)
        with pytest.raises(ProtocolError, match="never silent"):
            wire.query("A?")
        stop.set()
        wire.close()


def test_bytes_that_trickle_in_for_ever_end_at_the_deadline() -> None:
    stop = threading.Event()

    def trickle(line: BareLine) -> None:
        line.answer_probes()
        line.hear()
        while not stop.wait(0.005):
            line.say(b"1")

    with bare_line(trickle) as path:
        wire = bare_wire(path, wall_s=0.2)
        with pytest.raises(TransportTimeout, match="no whole answer"):
            wire.query("A?")
        stop.set()
        wire.close()


@pytest.mark.parametrize("line_end", [b"\r", b"\n", b"\r\n", b"\r\n\r\n"])
def test_an_echo_is_taken_out_of_the_answer_whatever_ends_it(line_end: bytes) -> None:
    def echo(line: BareLine) -> None:
        line.answer_probes()
        line.say(line.hear().rstrip() + line_end + b"Pos:12\r\nDone\r\n\r\n")

    with bare_line(echo) as path:
        wire = bare_wire(path)
        assert wire.query("A5.00") == ["Pos:12", "Done"]
        wire.close()


def test_a_device_with_its_echo_on_is_read_like_any_other(bench: Bench) -> None:
    bench.device.echoes = True
    assert [bench.wire.query(f"ECHO {number}")[0] for number in range(5)] == ["0", "1", "2", "3", "4"]
    assert bench.asked() == [f"ECHO {number}" for number in range(5)]


def test_two_answers_to_one_question_are_a_protocol_error() -> None:
    def chatter(line: BareLine) -> None:
        line.answer_probes()
        line.hear()
        line.say(b"1\r\nDone\r\n\r\n2\r\nDone\r\n\r\n")
        line.answer_probes()
        line.hear()
        line.say(b"right\r\nDone\r\n\r\n")

    with bare_line(chatter) as path:
        wire = bare_wire(path)
        with pytest.raises(ProtocolError, match="more than one answer"):
            wire.query("A?")
        assert wire.query("B?") == ["right", "Done"]
        wire.close()


def test_a_refusal_is_an_answer_and_what_follows_it_is_not_taken_for_the_next(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    assert bench.wire.query("NONSENSE") == ["Error-2"]
    assert bench.wire.query("ECHO 1") == ["1", "Done"]


def test_another_device_never_gets_into_step() -> None:
    def modem(line: BareLine) -> None:
        for _ in range(3):
            assert line.hear() == b"S?\r"
            line.say(b"Error!\r\n")

    with bare_line(modem) as path:
        wire = bare_wire(path)
        with pytest.raises(ProtocolError, match="not in step with the device") as caught:
            wire.query("A?")
        assert caught.value.command == "A?"
        wire.close()


def test_a_port_that_is_not_there_is_a_lost_connection_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConnectionLost, match=r"nowhere.*No such file"):
        bare_wire(str(tmp_path / "nowhere")).query("A?")


def test_a_file_that_is_no_serial_port_is_a_lost_connection(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectionLost, match="file"):
        bare_wire(str(tmp_path / "file")).query("A?")


def test_a_port_that_vanished_within_a_question_is_known_at_once_and_taken_again(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    started_s = bench.clock.now_s()
    bench.lab.inject("drop")
    with pytest.raises(ConnectionLost, match="voa"):
        bench.wire.query("ECHO 1")
    assert bench.clock.now_s() == started_s
    assert bench.wire.query("ECHO 2") == ["2", "Done"]


def test_a_port_that_vanished_while_idle_and_is_back_costs_nothing(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    bench.lab.on_line(bench.line.unplug)
    bench.lab.on_line(bench.line.plug_in)
    assert bench.wire.query("ECHO 1") == ["1", "Done"]
    bench.lab.on_line(bench.line.unplug)
    with pytest.raises(ConnectionLost, match="No such file"):
        bench.wire.query("ECHO 2")
    bench.lab.on_line(bench.line.plug_in)
    assert bench.wire.query("ECHO 3") == ["3", "Done"]
    failed = [message for direction, message in bench.logged() if direction == "!"]
    assert failed[0].startswith(b"port lost while idle")


def test_a_second_wire_is_refused_in_clear_words_until_the_first_is_closed(bench: Bench) -> None:
    bench.wire.query("ECHO 0")
    second = bench.second_wire()
    with pytest.raises(ConnectionLost, match="another program holds this port; end it first"):
        second.query("ECHO 1")
    assert bench.asked() == ["ECHO 0"]
    bench.wire.close()
    assert second.query("ECHO 2") == ["2", "Done"]
    second.close()


def test_another_program_keeps_the_wire_out_and_the_wire_keeps_it_out(bench: Bench) -> None:
    command = [sys.executable, "-c", TAKES_THE_PORT, str(bench.line.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(ConnectionLost, match="another program holds this port"):
            bench.wire.query("ECHO 1")
        other.communicate()
    assert bench.wire.query("ECHO 2") == ["2", "Done"]
    with pytest.raises(SerialException, match="exclusively lock"):
        Serial(str(bench.line.port), exclusive=True)


def test_a_port_in_exclusive_use_by_the_kernels_word_is_told_in_the_same_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TIOCEXCL, which terminal programs set, keeps everybody out but root: so it is played here."""

    def busy(*_: object, **__: object) -> Serial:
        raise SerialException(errno.EBUSY, "could not open port: Device or resource busy")

    monkeypatch.setattr("drivers.wires.serial_wire.Serial", busy)
    with pytest.raises(ConnectionLost, match="another program holds this port"):
        bare_wire(str(tmp_path / "port")).query("A?")


@pytest.mark.parametrize("baud_rate", [300, 9600, 115_200])
def test_a_pseudo_terminal_takes_any_baud_rate(bench: Bench, baud_rate: int) -> None:
    connection = connection_to(bench.line.port).model_copy(update={"baud_rate": baud_rate})
    wire = SerialWire("voa", connection, PROTOCOL, bench.clock)
    assert wire.query("ECHO 1") == ["1", "Done"]
    wire.close()


def test_an_interrupted_question_leaves_no_answer_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.wire.query("ECHO 0")
    with monkeypatch.context() as patch:
        patch.setattr("drivers.wires.serial_wire.SerialWire._answer", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.wire.query("ECHO 1")
    assert bench.wire.query("ECHO 2") == ["2", "Done"]


def test_an_interruption_on_the_way_into_step_does_not_count_as_in_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = SerialWire._probe

    def interrupted(wire: SerialWire, question: str, beginning: str) -> None:
        if question == PROBED[-1]:
            raise KeyboardInterrupt
        probe(wire, question, beginning)

    with monkeypatch.context() as patch:
        patch.setattr(SerialWire, "_probe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.wire.query("ECHO 1")
    bench.device.heard.clear()
    assert bench.wire.query("ECHO 2") == ["2", "Done"]
    assert bench.device.heard == [*PROBED, "ECHO 2"]


def _interrupted(*_: object) -> list[str]:
    raise KeyboardInterrupt


def test_two_threads_keep_their_answers(bench: Bench) -> None:
    wrong: list[str] = []

    def ask(name: str) -> None:
        for number in range(100):
            answer = bench.wire.query(f"ECHO {name}{number}")[0]
            if answer != f"{name}{number}":
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(bench.asked()) == 200


def test_a_locked_exchange_stays_whole(bench: Bench) -> None:
    def exchange(name: str) -> None:
        for _ in range(50):
            with bench.wire.locked():
                bench.wire.query(f"ECHO {name}1")
                bench.wire.query(f"ECHO {name}2")

    threads = [threading.Thread(target=exchange, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = bench.asked()
    pairs = [(asked[index], asked[index + 1]) for index in range(0, len(asked), 2)]
    assert set(pairs) == {("ECHO a1", "ECHO a2"), ("ECHO b1", "ECHO b2")}
    assert len(pairs) == 100


@pytest.mark.parametrize("command", ["ECHO 1\rECHO 2", "ECHO 1\nECHO 2"])
def test_a_command_of_two_lines_is_refused_before_it_is_sent(bench: Bench, command: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        bench.wire.query(command)
    assert bench.asked() == []
