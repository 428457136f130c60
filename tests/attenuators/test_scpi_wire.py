"""The SCPI wire over real sockets: time-outs, lost connections, and answers that never shift."""

from __future__ import annotations

import ast
import socket
import threading
from typing import TYPE_CHECKING, cast

import pytest

from drivers.errors import ConnectionLost, ProtocolError, TransportTimeout
from drivers.wires.byte_log import ByteLog
from drivers.wires.scpi_wire import ScpiWire
from tests.attenuators.scpi_lab import DEADLINE_S, EchoDevice, LabThread, ThreadClock, raw_server, resource

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.wires.scpi_wire import _PyvisaPyLibrary
    from emulators.wires.scpi_server import ScpiServer


class Bench:
    def __init__(self, log: ByteLog) -> None:
        self.lab = LabThread()
        self.clock = ThreadClock(self.lab)
        self.device = EchoDevice()
        self.server: ScpiServer = self.lab.serve(self.device)
        self.wire = ScpiWire("voa", resource(self.server.port), self.clock, DEADLINE_S, log)

    def close(self) -> None:
        self.wire.close()
        self.lab.close()


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "bytes.log"


@pytest.fixture
def bench(log_file: Path) -> Generator[Bench]:
    log = ByteLog(log_file)
    bench = Bench(log)
    yield bench
    bench.close()
    log.close()


def logged(bench: Bench, log_file: Path) -> list[tuple[str, bytes]]:
    """Return the log's messages as (direction, bytes) and close the log."""
    bench.wire._log.close()
    lines = [line.split(" ", 3) for line in log_file.read_text().splitlines()]
    assert all(device == "voa" for _, device, _, _ in lines)
    return [(direction, ast.literal_eval(message)) for _, _, direction, message in lines]


def raw_wire(port: int, wall_s: float = 5.0) -> ScpiWire:
    class StillClock:
        kind = "virtual"
        time_s = 0.0

        def now_s(self) -> float:
            return self.time_s

        def wait_until(self, t_s: float) -> None:
            self.time_s = t_s

        def sleep(self, duration_s: float) -> None:
            self.time_s += duration_s

        def wall_timeout_s(self, deadline_s: float) -> float:
            return min(wall_s, deadline_s)

    return ScpiWire("voa", resource(port), StillClock(), DEADLINE_S)


def test_an_exchange_is_in_the_byte_log_and_nothing_else_is(bench: Bench, log_file: Path) -> None:
    assert bench.wire.query("ECHO? 12.5") == "12.5"
    bench.wire.write("SET 3")
    assert bench.wire.query("ECHO? done") == "done"
    assert bench.device.heard == ["ECHO? 12.5", "SET 3", "ECHO? done"]
    assert logged(bench, log_file) == [
        (">", b"ECHO? 12.5\n"),
        ("<", b"12.5\n"),
        (">", b"SET 3\n"),
        (">", b"ECHO? done\n"),
        ("<", b"done\n"),
    ]


def test_nodelay_is_really_set(bench: Bench) -> None:
    bench.wire.query("ECHO? 1")
    session = bench.wire._session
    assert session is not None
    assert session.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    library = cast("_PyvisaPyLibrary", session.instrument.visalib)
    assert library.sessions[session.instrument.session].interface is session.socket


def test_a_refused_port_is_a_lost_connection_with_names() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionLost) as caught:
        raw_wire(port).query("*IDN?")
    assert (caught.value.device, caught.value.command) == ("voa", "*IDN?")
    assert "refused" in caught.value.problem.lower()
    assert str(port) in caught.value.problem


def test_silence_is_a_timeout_at_the_deadline_in_lab_time(bench: Bench) -> None:
    bench.wire.query("ECHO? 0")
    started_s = bench.clock.now_s()
    bench.lab.inject("silence")
    with bench.clock.impatient(), pytest.raises(TransportTimeout) as caught:
        bench.wire.query("ECHO? 1")
    assert bench.clock.now_s() == started_s + DEADLINE_S
    assert caught.value.elapsed_s == pytest.approx(DEADLINE_S)
    assert (caught.value.device, caught.value.command) == ("voa", "ECHO? 1")
    assert bench.wire.query("ECHO? 2") == "2"


@pytest.mark.parametrize("late_s", [DEADLINE_S / 2, DEADLINE_S, DEADLINE_S + 1])
def test_a_late_answer_never_answers_the_next_question(bench: Bench, late_s: float) -> None:
    bench.lab.inject("delay", value=late_s)
    with bench.clock.impatient(), pytest.raises(TransportTimeout):
        bench.wire.query("ECHO? first")
    bench.clock.sleep(10)
    assert [bench.wire.query(f"ECHO? {number}") for number in range(3)] == ["0", "1", "2"]


def test_an_answer_that_took_more_lab_time_than_the_deadline_is_a_timeout() -> None:
    wire: ScpiWire

    def slow(connection: socket.socket) -> None:
        connection.recv(100)
        wire._clock.sleep(DEADLINE_S + 0.5)
        connection.sendall(b"late\n")
        connection.recv(100)

    def prompt(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"in time\n")

    with raw_server(slow, prompt) as port:
        wire = raw_wire(port)
        with pytest.raises(TransportTimeout, match="after the deadline"):
            wire.query("A?")
        assert wire.query("B?") == "in time"
        wire.close()


def test_half_a_line_is_a_timeout_that_shows_it(bench: Bench, log_file: Path) -> None:
    bench.lab.inject("half_reply")
    with bench.clock.impatient(), pytest.raises(TransportTimeout, match="12"):
        bench.wire.query("ECHO? 12.34")
    assert bench.wire.query("ECHO? 5") == "5"
    assert ("<", b"12.") in logged(bench, log_file)


def test_garbage_is_a_protocol_error(bench: Bench) -> None:
    bench.lab.inject("garbage")
    with pytest.raises(ProtocolError, match="no text"):
        bench.wire.query("ECHO? 1")
    assert bench.wire.query("ECHO? 2") == "2"


def test_a_dropped_connection_is_known_at_once_and_the_next_call_works(bench: Bench) -> None:
    started_s = bench.clock.now_s()
    bench.lab.inject("drop")
    with pytest.raises(ConnectionLost, match="closed by the device"):
        bench.wire.query("ECHO? 1")
    assert bench.clock.now_s() == started_s
    assert bench.wire.query("ECHO? 2") == "2"


def test_a_device_gone_and_back_again(bench: Bench, log_file: Path) -> None:
    port = bench.server.port
    assert bench.wire.query("ECHO? 1") == "1"
    bench.lab.stop(bench.server)
    bench.server = bench.lab.serve(bench.device, port)
    assert bench.wire.query("ECHO? 2") == "2"
    bench.lab.stop(bench.server)
    with pytest.raises(ConnectionLost, match="refused"):
        bench.wire.query("ECHO? 3")
    bench.server = bench.lab.serve(bench.device, port)
    assert bench.wire.query("ECHO? 4") == "4"
    assert ("!", b"connection closed by the device while idle") in logged(bench, log_file)


def test_a_restart_within_an_exchange_is_never_hidden(bench: Bench) -> None:
    port = bench.server.port
    bench.wire.query("ECHO? 0")
    with bench.wire.locked():
        bench.wire.write("SET 1")
        bench.lab.stop(bench.server)
        bench.server = bench.lab.serve(bench.device, port)
        with pytest.raises(ConnectionLost, match="closed by the device"):
            bench.wire.query("ECHO? 1")
    assert bench.wire.query("ECHO? 2") == "2"


def test_two_lines_for_one_question_are_a_protocol_error() -> None:
    def chatter(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"1\n2\n")
        connection.recv(100)

    def prompt(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"right\n")

    with raw_server(chatter, prompt) as port:
        wire = raw_wire(port)
        with pytest.raises(ProtocolError, match="more than one line"):
            wire.query("A?")
        assert wire.query("B?") == "right"
        wire.close()


def test_words_that_nobody_asked_for_are_a_protocol_error() -> None:
    greeted = threading.Event()
    asked = threading.Event()

    def greeting(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"1\n")
        asked.wait(10)
        connection.sendall(b"> ")
        greeted.set()
        connection.recv(100)

    with raw_server(greeting) as port:
        wire = raw_wire(port)
        assert wire.query("A?") == "1"
        asked.set()
        greeted.wait(10)
        with pytest.raises(ProtocolError, match="> "):
            wire.query("B?")


def test_bytes_that_trickle_in_for_ever_end_at_the_deadline() -> None:
    def trickle(connection: socket.socket) -> None:
        connection.recv(100)
        pause = threading.Event()
        while not pause.wait(0.005):
            try:
                connection.sendall(b"1")
            except OSError:
                return

    with raw_server(trickle) as port:
        wire = raw_wire(port, wall_s=0.1)
        with pytest.raises(TransportTimeout, match="half a line"):
            wire.query("A?")


def test_an_interrupted_question_leaves_no_answer_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.wire.query("ECHO? 0")
    with monkeypatch.context() as patch:
        patch.setattr("drivers.wires.scpi_wire.DeviceSocket.recv", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.wire.query("ECHO? 1")
    assert bench.wire.query("ECHO? 2") == "2"


def _interrupted(*_: object) -> bytes:
    raise KeyboardInterrupt


def test_two_threads_keep_their_answers(bench: Bench) -> None:
    wrong: list[str] = []

    def ask(name: str) -> None:
        for number in range(150):
            answer = bench.wire.query(f"ECHO? {name}{number}")
            if answer != f"{name}{number}":
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(bench.device.heard) == 300


def test_a_locked_exchange_stays_whole(bench: Bench) -> None:
    def exchange(name: str) -> None:
        for _ in range(50):
            with bench.wire.locked():
                bench.wire.write(f"SET {name}")
                bench.wire.query(f"ECHO? {name}")

    threads = [threading.Thread(target=exchange, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heard = bench.device.heard
    pairs = [(heard[index][-1], heard[index + 1][-1]) for index in range(0, len(heard), 2)]
    assert len(pairs) == 100
    assert all(first == second for first, second in pairs)


def test_a_command_of_two_lines_is_refused_before_it_is_sent(bench: Bench) -> None:
    with pytest.raises(ValueError, match="one line"):
        bench.wire.query("ECHO? 1\nECHO? 2")
    assert bench.device.heard == []
