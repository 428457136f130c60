"""The socket under a SCPI session, with what pyvisa-py leaves out."""

from __future__ import annotations

import select
import socket

from drivers.clock import monotonic_s

_RECEIVED_AT_ONCE = 65_536


class DeviceSocket(socket.socket):
    """A connection to a device that keeps what came, ends with the stream, and gives up in time.

    pyvisa-py takes an end of stream for "nothing yet" and spins until its time-out, never times out
    while bytes trickle in, and forgets half an answer.
    """

    heard = b""
    """All that came since the last question."""
    give_up_s = 0.0
    """Host time at which an answer that is still coming in is given up."""

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive; ConnectionResetError at the end of the stream, TimeoutError after `give_up_s`."""
        data = super().recv(bufsize, flags)
        if not data:
            raise ConnectionResetError("connection closed by the device")
        self.heard += data
        if monotonic_s() > self.give_up_s:
            raise TimeoutError
        return data

    def next_bytes(self, count: int) -> bytes:
        """Wait for bytes and return the next ones, 1 to `count`; raises as `recv`."""
        left_s = max(self.give_up_s - monotonic_s(), 0.0)
        if not select.select([self], [], [], left_s)[0]:
            raise TimeoutError
        return self.recv(min(count, _RECEIVED_AT_ONCE))

    def unasked(self) -> bytes | None:
        """Look at what lies there unread: None for nothing, b"" for the end of the stream."""
        try:
            return super().recv(4096, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""
