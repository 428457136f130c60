"""SCPI over a raw TCP socket, by pyvisa with pyvisa-py: one question, one answer, one deadline.

An answer is a line, or a block of IEEE 488.2 and the end of its line.

A session is used only while it is known to be in step with the device. After a time-out, a lost
connection, an answer that makes no sense or an interruption it is dropped, and the next call opens a
new one: a late answer can never become the answer to the next question.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from pyvisa import ResourceManager, VisaIOError
from pyvisa.constants import StatusCode
from pyvisa.resources import MessageBasedResource

from drivers.clock import monotonic_s
from drivers.errors import ConnectionLost, GearError, ProtocolError, TransportTimeout
from drivers.wires.byte_log import NO_LOG
from drivers.wires.device_socket import DeviceSocket
from drivers.wires.scpi_block import BlockError, read_block

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from drivers.clock import Clock
    from drivers.wires.byte_log import ByteLog

T = TypeVar("T")
_FAILURES = (GearError, VisaIOError, OSError, UnicodeDecodeError, BlockError)
_SHOWN_BYTES = 200


class _PyvisaPySession(Protocol):
    interface: socket.socket


class _PyvisaPyLibrary(Protocol):
    sessions: Mapping[int, _PyvisaPySession]


@dataclass(slots=True)
class _Session:
    instrument: MessageBasedResource
    socket: DeviceSocket
    wall_timeout_s: float = -1.0


class ScpiWire:
    """One device on a TCP socket; each call takes at most `deadline_s` of lab time, threads take turns.

    `greeting` is a command without an answer that every new connection begins with, if the device wants one.
    """

    def __init__(
        self,
        device: str,
        resource: str,
        clock: Clock,
        deadline_s: float,
        log: ByteLog = NO_LOG,
        greeting: str | None = None,
    ) -> None:
        self.device = device
        self._resource = resource
        self._clock = clock
        self._deadline_s = deadline_s
        self._log = log
        self._greeting = greeting
        self._lock = threading.RLock()
        self._session: _Session | None = None
        self._said_in_exchange: int | None = None
        """Messages sent in the present exchange of several steps; None outside of one."""

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep several calls together: no other thread comes between, and all use one connection."""
        with self._lock:
            outermost = self._said_in_exchange is None
            if outermost:
                self._said_in_exchange = 0
            try:
                yield
            finally:
                if outermost:
                    self._said_in_exchange = None

    def query(self, command: str) -> str:
        """Send `command` and return the one line that answers it, without its end.

        Raises TransportTimeout, ConnectionLost, or ProtocolError for an answer that is no ASCII line.
        """
        with self._lock:
            return self._call(command, self._line)

    def query_block(self, command: str, max_bytes: int) -> bytes:
        """Send `command` and return the bytes of the block that answers it, without header and line end.

        Raises as `query`; ProtocolError also for a block that has more than `max_bytes`.
        """
        with self._lock:
            return self._call(command, lambda session, _command: self._block(session, max_bytes))

    def write(self, command: str) -> None:
        """Send `command`, which has no answer; ConnectionLost if it cannot be sent."""
        with self._lock:
            self._call(command, lambda _session, _command: None)

    def close(self) -> None:
        """Close the connection; a later call would open a new one."""
        with self._lock:
            self._drop()

    def _call(self, command: str, read: Callable[[_Session, str], T]) -> T:
        message = command.encode("ascii") + b"\n"
        if b"\n" in message[:-1]:
            raise ValueError(f"{self.device}: {command!r}: one line at a time")
        started_s = self._clock.now_s()
        in_step = False
        try:
            session = self._ready_session(command)
            self._log.sent(self.device, message)
            session.instrument.write_raw(message)
            answer = read(session, command)
            self._check_deadline(command, started_s)
            in_step = True
        except _FAILURES as error:
            raise self._failure(error, command, started_s) from error
        else:
            return answer
        finally:
            if not in_step:
                self._drop()

    def _line(self, session: _Session, command: str) -> str:
        raw = session.instrument.read_raw()
        heard = session.socket.heard
        self._log.received(self.device, heard)
        if len(heard) > len(raw):
            raise ProtocolError(self.device, command, f"more than one line came: {_shown(heard)}")
        return raw[:-1].decode("ascii").rstrip("\r")

    def _block(self, session: _Session, max_bytes: int) -> bytes:
        # pyvisa's own reading of blocks knows no cap, and stops at a line end within the bytes.
        block = read_block(session.socket.next_bytes, max_bytes)
        self._log.received(self.device, session.socket.heard)
        return block

    def _check_deadline(self, command: str, started_s: float) -> None:
        elapsed_s = self._clock.now_s() - started_s
        if elapsed_s > self._deadline_s:
            raise TransportTimeout(
                self.device,
                command,
                f"the answer came after the deadline of {self._deadline_s:g} s",
                elapsed_s,
            )

    def _ready_session(self, command: str) -> _Session:
        session = self._session
        if session is not None:
            session = self._check_in_step(session, command)
        if session is None:
            session = self._session = self._open(command)
        wall_timeout_s = self._clock.wall_timeout_s(self._deadline_s)
        if wall_timeout_s != session.wall_timeout_s:
            session.instrument.timeout = wall_timeout_s * 1000
            session.wall_timeout_s = wall_timeout_s
        session.socket.heard = b""
        session.socket.give_up_s = monotonic_s() + wall_timeout_s
        if self._said_in_exchange is not None:
            self._said_in_exchange += 1
        return session

    def _check_in_step(self, session: _Session, command: str) -> _Session | None:
        unasked = session.socket.unasked()
        if unasked is None:
            return session
        if unasked:
            self._log.received(self.device, unasked)
            raise ProtocolError(self.device, command, f"before it was asked, the device had said {unasked!r}")
        if self._said_in_exchange:
            # The device may have gone with the last step undone; a new connection would hide that.
            raise ConnectionLost(self.device, command, "connection closed by the device during an exchange")
        self._log.failed(self.device, "connection closed by the device while idle")
        self._drop()
        return None

    def _open(self, command: str) -> _Session:
        wall_timeout_s = self._clock.wall_timeout_s(self._deadline_s)
        try:
            instrument = ResourceManager("@py").open_resource(
                self._resource, open_timeout=max(1, round(wall_timeout_s * 1000))
            )
        except Exception as error:  # pyvisa-py raises no narrower one when it cannot connect
            raise ConnectionLost(self.device, command, f"{self._resource}: {error}") from error
        if not isinstance(instrument, MessageBasedResource):
            instrument.close()
            raise ConnectionLost(self.device, command, f"{self._resource} is no message-based resource")
        instrument.read_termination = "\n"
        instrument.write_termination = "\n"
        below = cast("_PyvisaPyLibrary", instrument.visalib).sessions[instrument.session]
        # pyvisa-py opens a refused port without a word: only the socket itself knows.
        code = below.interface.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            instrument.close()
            raise ConnectionLost(self.device, command, f"{self._resource}: {os.strerror(code)}")
        below.interface = DeviceSocket(fileno=below.interface.detach())
        # Else a command waits for the acknowledgement of the one before it: 44 ms instead of 0.1 ms.
        below.interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._greeting is not None:
            greeting = self._greeting.encode("ascii") + b"\n"
            self._log.sent(self.device, greeting)
            instrument.write_raw(greeting)
        return _Session(instrument, below.interface)

    def _failure(self, error: BaseException, command: str, started_s: float) -> GearError:
        failure = self._translate(error, command, started_s)
        self._log.failed(self.device, str(failure))
        return failure

    def _translate(self, error: BaseException, command: str, started_s: float) -> GearError:
        if isinstance(error, GearError):
            return error
        if isinstance(error, UnicodeDecodeError):
            return ProtocolError(self.device, command, f"the answer is no text: {_shown(error.object)}")
        if isinstance(error, BlockError):
            return ProtocolError(self.device, command, str(error))
        is_timeout = isinstance(error, VisaIOError) and error.error_code == StatusCode.error_timeout
        if not is_timeout and not isinstance(error, TimeoutError):
            problem = str(error) or type(error).__name__
            return ConnectionLost(self.device, command, problem, self._clock.now_s() - started_s)
        heard = self._session.socket.heard if self._session is not None else b""
        if heard:
            self._log.received(self.device, heard)
        # The library waited for a while of wall time; the device has until its deadline in lab time.
        self._clock.wait_until(started_s + self._deadline_s)
        problem = (
            f"only half a line by the deadline: {_shown(heard)}" if heard else "no answer by the deadline"
        )
        return TransportTimeout(self.device, command, problem, self._clock.now_s() - started_s)

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.instrument.close()


def _shown(heard: bytes) -> str:
    more = len(heard) - _SHOWN_BYTES
    return repr(heard) if more <= 0 else f"{heard[:_SHOWN_BYTES]!r} and {more} bytes more"
