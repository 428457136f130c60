"""The wire to an emulated lab's control: JSON objects, one a line, over TCP on loopback."""

from __future__ import annotations

import select
import socket
import threading
from typing import TYPE_CHECKING

from pydantic import ValidationError

from drivers.errors import LabError
from drivers.facts.lab import ControlReply, ControlRequest

if TYPE_CHECKING:
    from drivers.facts.lab import ControlAddress

# A lab answers at once; ten virtual days of records in one wait take it well under this.
_ANSWER_WALL_S = 600.0
_RECEIVE_BYTES = 65536


class LabControl:
    """One connection to a lab's control, to `lab_id` alone if that is given. Threads may share it."""

    def __init__(self, address: ControlAddress, lab_id: str | None = None) -> None:
        self._lab_id = lab_id
        self._lock = threading.Lock()
        self._asked = 0
        self._received = b""
        self._pushed_now_s: float | None = None
        try:
            self._socket = socket.create_connection((address.host, address.port), timeout=_ANSWER_WALL_S)
        except OSError as error:
            raise LabError(f"no emulated lab at {address.host}:{address.port}: {error}") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: ControlRequest) -> ControlReply:
        """Send `request` and return its answer; LabError if the lab refuses or is gone."""
        with self._lock:
            self._asked += 1
            numbered = request.model_copy(update={"number": self._asked, "lab_id": self._lab_id})
            try:
                self._socket.sendall(numbered.model_dump_json(exclude_none=True).encode() + b"\n")
                reply = self._read_reply()
            except OSError as error:
                raise LabError(f"the emulated lab is gone ({request.do}: {error})") from None
            self._pushed_now_s = None
        if reply.error is not None:
            raise LabError(f"the emulated lab refused {request.do}: {reply.error}")
        return reply

    def pushed_now_s(self) -> float | None:
        """Return the newest time that the lab told of its own accord since the last answer, if any."""
        with self._lock:
            try:
                while select.select([self._socket], [], [], 0)[0] and self._receive():
                    pass
            except OSError as error:
                raise LabError(f"the emulated lab is gone ({error})") from None
            while b"\n" in self._received:
                self._take_line()
            return self._pushed_now_s

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _read_reply(self) -> ControlReply:
        while True:
            while b"\n" not in self._received:
                if not self._receive():
                    raise ConnectionResetError("connection closed")
            reply = self._take_line()
            # A client that was interrupted while it waited finds the old answer here first.
            # Number 0: the lab could not make out what it was asked.
            if not reply.pushed and reply.number in (0, self._asked):
                return reply

    def _receive(self) -> bool:
        chunk = self._socket.recv(_RECEIVE_BYTES)
        self._received += chunk
        return bool(chunk)

    def _take_line(self) -> ControlReply:
        line, _, self._received = self._received.partition(b"\n")
        try:
            reply = ControlReply.model_validate_json(line)
        except ValidationError as error:
            raise LabError(f"the emulated lab's answer makes no sense: {error}") from None
        if reply.pushed:
            self._pushed_now_s = reply.now_s
        return reply
