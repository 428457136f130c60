"""A TLS server that says exactly the bytes a test wants, and a clock that a test moves."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from tests.cerberis_xgr.web_lab import LoopThread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from emulators.wires.pki import CertificateFiles

    Handler: TypeAlias = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class ManualClock:
    """A `Clock` that moves only when it is told to; libraries get `wall_s` for any deadline."""

    kind = "virtual"

    def __init__(self, wall_s: float = 10.0) -> None:
        self.time_s = 1000.0
        self.wall_s = wall_s

    def now_s(self) -> float:
        return self.time_s

    def wait_until(self, t_s: float) -> None:
        self.time_s = max(self.time_s, t_s)

    def sleep(self, duration_s: float) -> None:
        self.time_s += duration_s

    def wall_timeout_s(self, deadline_s: float) -> float:
        return min(deadline_s, self.wall_s)


class RawServer:
    """Calls `handler` with the head of every request; counts connections and keeps the heads."""

    def __init__(self, thread: LoopThread, files: CertificateFiles, handler: Handler) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self._thread = thread
        self._files = files
        self._handler = handler
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, at the port of the last time if there was one."""
        self._thread.run(self._start())

    def stop(self) -> None:
        """Stop listening and cut every connection without a word."""
        self._thread.run(self._stop())

    async def _start(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._files.certificate, self._files.key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await self._handler(head, writer)
                await writer.drain()
        self._writers.discard(writer)
        self._tasks.discard(task)
        writer.transport.abort()


@contextmanager
def raw_server(files: CertificateFiles, handler: Handler) -> Generator[RawServer]:
    """Run a RawServer in a loop of its own."""
    thread = LoopThread()
    server = RawServer(thread, files, handler)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        thread.close()


def response(body: bytes, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    """Return a whole HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def always(reply: bytes) -> Handler:
    """Return a handler that answers everything with `reply`."""

    async def handle(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)

    return handle
