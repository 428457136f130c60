"""A device played back: it takes the recorded commands in their order and answers as it did then."""

from __future__ import annotations

import difflib
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.transcripts.byte_log_reader import Exchange

_SHOWN = 5
"""Commands before a deviation that are shown with it."""


class ReplayServer:
    """Answers a line protocol on a port of loopback, over one connection after the other.

    As a context it fails at its end, whatever else has failed, if the driver said anything else than was
    recorded, or less of it.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges
        self._taken = 0
        self._deviation = ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        for each in (self._listener, self._connection):
            if each is not None:
                with suppress(OSError):  # one that has gone already
                    each.shutdown(socket.SHUT_RD)  # what has come in is read to its end
        self._thread.join()
        self._listener.close()
        if self._deviation:
            raise AssertionError(self._deviation) from error
        if error is None and self._taken < len(self._exchanges):
            raise AssertionError(self._difference(None))

    def _serve(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                self._connection, _ = self._listener.accept()
                with self._connection, suppress(ConnectionError):
                    self._answer(self._connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                if self._taken == len(self._exchanges) or line != self._exchanges[self._taken].sent:
                    self._deviation = self._deviation or self._difference(line)
                    return
                answer = self._exchanges[self._taken].answer
                self._taken += 1
                connection.sendall(answer)

    def _difference(self, line: bytes | None) -> str:
        """Return what was recorded beside what came: `line`, or nothing more."""
        first = max(self._taken - _SHOWN, 0)
        known = [_shown(exchange.sent) for exchange in self._exchanges[first : self._taken]]
        expected = [_shown(exchange.sent) for exchange in self._exchanges[self._taken : self._taken + 1]]
        came = [] if line is None else [_shown(line)]
        diff = difflib.unified_diff(
            known + expected, known + came, "recorded", "said now", lineterm="", n=_SHOWN
        )
        where = f"exchange {self._taken + 1} of {len(self._exchanges)}"
        return "\n".join([f"the driver deviates from the transcript at {where}", *diff])


def _shown(command: bytes) -> str:
    return ascii(command)[2:-1]
