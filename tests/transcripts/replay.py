"""A device played back: it takes the recorded commands in their order and answers as it did then."""

from __future__ import annotations

import difflib
import os
import select
import socket
import threading
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.transcripts.byte_log_reader import Exchange

_SHOWN = 5
"""Commands before a deviation that are shown with it."""


class Playback:
    """The exchanges of a transcript, and how far along a driver is in them."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges
        self._taken = 0
        self._deviation = ""

    def is_whole(self, message: bytes) -> bool:
        """Tell whether a command has come to its end, as the next recorded one has it (or the last)."""
        recorded = self._exchanges[min(self._taken, len(self._exchanges) - 1)].sent
        return message.endswith(recorded[-1:])

    def answer_to(self, message: bytes) -> bytes | None:
        """Return what the device said to `message` then; None if then something else was said."""
        if self._taken == len(self._exchanges) or message != self._exchanges[self._taken].sent:
            self._deviation = self._deviation or self._difference(message)
            return None
        self._taken += 1
        return self._exchanges[self._taken - 1].answer

    def judge(self, error: BaseException | None) -> None:
        """Raise AssertionError if the driver, which ended with `error`, said anything else or less."""
        if self._deviation:
            raise AssertionError(self._deviation) from error
        if error is None and self._taken < len(self._exchanges):
            raise AssertionError(self._difference(None))

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


class ReplayServer:
    """Answers a line protocol on a port of loopback, over one connection after the other.

    As a context it fails at its end, whatever else has failed, if the driver said anything else than was
    recorded, or less of it.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._playback = Playback(exchanges)
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
        self._playback.judge(error)

    def _serve(self) -> None:
        with suppress(OSError):  # the listener was shut down
            while True:
                self._connection, _ = self._listener.accept()
                with self._connection, suppress(ConnectionError):
                    self._answer(self._connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                answer = self._playback.answer_to(line)
                if answer is None:
                    return
                connection.sendall(answer)


class SerialReplay:
    """Answers on a pseudo-terminal; as a context it fails as a `ReplayServer` does.

    The line is hung up at the first deviation, so that no driver waits for an answer that never comes.
    """

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._playback = Playback(exchanges)
        self._device_side, self._port_side = os.openpty()
        tty.setraw(self._port_side)
        self._end, self._call_end = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self.port = os.ttyname(self._port_side)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        os.close(self._call_end)
        self._thread.join()
        os.close(self._end)
        self._playback.judge(error)

    def _serve(self) -> None:
        try:
            while (message := self._message()) is not None:
                answer = self._playback.answer_to(message)
                if answer is None:
                    return
                os.write(self._device_side, answer)
        finally:
            # Our hold on the port's side kept the line up while the driver had not opened it.
            os.close(self._port_side)
            os.close(self._device_side)

    def _message(self) -> bytes | None:
        """Return the next command with its end; None when the test is at its end and nothing is left."""
        heard = b""
        while not heard or not self._playback.is_whole(heard):
            ready, _, _ = select.select([self._device_side, self._end], [], [])
            if self._device_side not in ready:
                return None
            heard += os.read(self._device_side, 1)
        return heard


def _shown(command: bytes) -> str:
    return ascii(command)[2:-1]
