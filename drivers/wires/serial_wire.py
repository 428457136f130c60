"""Lines over a serial port, by pyserial: one command, one answer of several lines, one deadline.

A line cannot be opened anew to be rid of a late answer, as a socket can: what is on its way still comes.
So after whatever went wrong the wire is out of step. The next call first listens until the line is silent,
then asks questions whose answers it can tell apart, until all of them are answered in their order. The first
of them tells who is there: nothing else is said until it is answered.
"""

from __future__ import annotations

import errno
import re
import termios
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from serial import Serial

from drivers.clock import monotonic_s
from drivers.errors import ConnectionLost, GearError, ProtocolError, TransportTimeout
from drivers.wires.byte_log import NO_LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from drivers.clock import Clock
    from drivers.facts.connections import SerialConnection
    from drivers.wires.byte_log import ByteLog

_LOST = (OSError, termios.error)  # pyserial's own errors are OSErrors
# Far longer than the pause between two characters at any baud rate, far shorter than a movement.
_SILENCE_WALL_S = 0.1
# The first may meet a late answer, or half a command in the device's buffer; the second meets neither.
_ATTEMPTS_TO_GET_INTO_STEP = 3

_NOISE = re.compile(rb"[^\x20-\x7e\r\n]")
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True, slots=True)
class LineProtocol:
    """How a device talks on its line."""

    command_end: bytes
    is_last_line: Callable[[str], bool]
    """Whether an answer ends with this line."""
    is_refusal: Callable[[str], bool]
    """Whether such a last line refuses the command; what may follow a refusal is not known."""
    probes: Sequence[tuple[str, str]]
    """Commands that change nothing, each with the beginning of a line that only its answer has. The first is
    one by which the device is known from others."""


class SerialWire:
    """One device on a serial port that nobody else may use; threads take turns."""

    def __init__(
        self,
        device: str,
        connection: SerialConnection,
        protocol: LineProtocol,
        clock: Clock,
        log: ByteLog = NO_LOG,
    ) -> None:
        self.device = device
        self._path = connection.port
        self._baud_rate = connection.baud_rate
        self._deadline_s = connection.deadline_s
        self._protocol = protocol
        self._clock = clock
        self._log = log
        self._lock = threading.RLock()
        self._port: Serial | None = None
        self._in_step = False
        self._heard = b""
        """All that came since the last command."""

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep several calls together: no other thread comes between."""
        with self._lock:
            yield

    def query(self, command: str, at_least_s: float = 0.0) -> list[str]:
        """Send `command` and return the lines of its answer, without an echo, line ends and empty lines.

        It has `at_least_s` of lab time, or the connection's deadline if that is longer. Raises
        TransportTimeout, ConnectionLost, or ProtocolError for noise.
        """
        with self._lock:
            if not self._is_ready():
                self._get_into_step(command)
            lines = self._exchange(command, max(self._deadline_s, at_least_s))
            self._in_step = not self._protocol.is_refusal(lines[-1])
            return lines

    def close(self) -> None:
        """Release the port; a later call would take it again."""
        with self._lock:
            self._drop()

    def _is_ready(self) -> bool:
        """Look at the idle line; False if the port has gone or something was said that nobody asked for."""
        if self._port is None:
            return False
        try:
            unasked = self._port.read(self._port.in_waiting)
        except _LOST as error:
            self._log.failed(self.device, f"port lost while idle: {error}")
            self._drop()
            return False
        if unasked.strip(b"\r\n"):
            self._log.received(self.device, unasked)
            self._log.failed(self.device, "said without being asked: noise, or a late answer")
            self._in_step = False
        return self._in_step

    def _get_into_step(self, command: str) -> None:
        problem = ""
        for _ in range(_ATTEMPTS_TO_GET_INTO_STEP):
            self._listen_until_silent(command)
            try:
                for question, beginning in self._protocol.probes:
                    self._probe(question, beginning)
            except ProtocolError as error:
                problem = str(error)
            else:
                return
        raise ProtocolError(
            self.device, command, f"not in step with the device, or with another one: {problem}"
        )

    def _probe(self, question: str, beginning: str) -> None:
        answer = self._exchange(question, self._deadline_s)
        if not any(line.lower().startswith(beginning.lower()) for line in answer):
            raise ProtocolError(self.device, question, f"answered with {answer}")

    def _listen_until_silent(self, command: str) -> None:
        try:
            port = self._open_port()
            give_up_s = monotonic_s() + self._clock.wall_timeout_s(self._deadline_s)
            while stale := self._listen(port, _SILENCE_WALL_S):
                self._log.received(self.device, stale)
                if monotonic_s() > give_up_s:
                    raise ProtocolError(self.device, command, f"the line is never silent: {stale!r}")
        except _LOST as error:
            raise self._failure(error, command, self._clock.now_s(), 0.0) from error

    def _exchange(self, command: str, deadline_s: float) -> list[str]:
        message = command.encode("ascii") + self._protocol.command_end
        if _LINE_END.search(command.encode("ascii")):
            raise ValueError(f"{self.device}: {command!r}: one line at a time")
        started_s = self._clock.now_s()
        self._in_step = False
        self._heard = b""
        try:
            port = self._open_port()
            self._log.sent(self.device, message)
            port.write(message)
            lines = self._answer(port, command, deadline_s)
            self._check_in_time(command, started_s, deadline_s)
        except (GearError, TimeoutError, *_LOST) as error:
            raise self._failure(error, command, started_s, deadline_s) from error
        return lines

    def _answer(self, port: Serial, command: str, deadline_s: float) -> list[str]:
        give_up_s = monotonic_s() + self._clock.wall_timeout_s(deadline_s)
        while True:
            heard = self._listen(port, max(0.0, give_up_s - monotonic_s()))
            self._heard += heard
            if _NOISE.search(self._heard):
                raise ProtocolError(
                    self.device, command, f"noise on the line (or a wrong baud rate): {self._heard!r}"
                )
            *whole, rest = _LINE_END.split(self._heard)
            lines = [line.decode("ascii").strip() for line in whole if line.strip()]
            if lines and lines[0] == command:
                del lines[0]  # the device's echo is on
            ends = [self._protocol.is_last_line(line) for line in lines]
            if any(ends):
                self._log.received(self.device, self._heard)
                if rest or not ends[-1] or ends.count(True) > 1:
                    raise ProtocolError(self.device, command, f"more than one answer: {self._heard!r}")
                return lines
            # Also while bytes still trickle in.
            if not heard or monotonic_s() > give_up_s:
                raise TimeoutError

    def _check_in_time(self, command: str, started_s: float, deadline_s: float) -> None:
        elapsed_s = self._clock.now_s() - started_s
        if elapsed_s > deadline_s:
            problem = f"the answer came after the deadline of {deadline_s:g} s"
            raise TransportTimeout(self.device, command, problem, elapsed_s)

    def _listen(self, port: Serial, wall_s: float) -> bytes:
        """Return what has come, or what comes first within `wall_s`; b"" for nothing."""
        port.timeout = wall_s
        return port.read(max(1, port.in_waiting))

    def _open_port(self) -> Serial:
        if self._port is None:
            wall_s = self._clock.wall_timeout_s(self._deadline_s)
            self._port = Serial(self._path, self._baud_rate, exclusive=True, write_timeout=wall_s)
            self._in_step = False
        return self._port

    def _failure(self, error: BaseException, command: str, started_s: float, deadline_s: float) -> GearError:
        failure = self._translate(error, command, started_s, deadline_s)
        self._log.failed(self.device, str(failure))
        return failure

    def _translate(
        self, error: BaseException, command: str, started_s: float, deadline_s: float
    ) -> GearError:
        if isinstance(error, GearError):
            return error
        heard = self._heard
        if heard:
            self._log.received(self.device, heard)
        if isinstance(error, TimeoutError):
            # The library waited for a while of wall time; the device has until its deadline in lab time.
            self._clock.wait_until(started_s + deadline_s)
            problem = f"no whole answer by the deadline: {heard!r}" if heard else "no answer by the deadline"
            return TransportTimeout(self.device, command, problem, self._clock.now_s() - started_s)
        self._drop()
        if isinstance(error, OSError) and error.errno in {errno.EWOULDBLOCK, errno.EBUSY}:
            return ConnectionLost(
                self.device, command, f"{self._path}: another program holds this port; end it first"
            )
        problem = f"{self._path}: {error}"
        return ConnectionLost(self.device, command, problem, self._clock.now_s() - started_s)

    def _drop(self) -> None:
        port, self._port = self._port, None
        self._in_step = False
        if port is not None:
            port.close()
