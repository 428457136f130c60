"""The lab's control: who may move the clock, the fault schedule, the end. JSON lines over TCP."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from drivers.facts.lab import ControlAddress, ControlReply, ControlRequest
from emulators.lab.acts import VERBS, ActRefused
from emulators.wires.places import CONTROL, FREE_PLACE, listening_at

if TYPE_CHECKING:
    from emulators.lab.acts import LabActs
    from emulators.lab.clock import LabClock
    from emulators.lab.journal import Journal
    from emulators.wires.places import Place

_IDLE_CHECK_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Client:
    """One connection, and the task that serves it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    task: asyncio.Task[None] | None

    def is_gone(self) -> bool:
        """Return whether it hung up, or its process died with something still unread."""
        return self.reader.at_eof() or self.reader.exception() is not None


class Control:
    """Answers control requests until somebody says shutdown, or nobody is there for too long."""

    def __init__(
        self,
        lab_id: str,
        clock: LabClock,
        journal: Journal,
        acts: LabActs,
        idle_exit_s: float | None,
    ) -> None:
        self.ended = asyncio.Event()
        self._lab_id = lab_id
        self._clock = clock
        self._journal = journal
        self._acts = acts
        self._idle_exit_s = idle_exit_s
        self._clients: set[_Client] = set()
        self._waiter: _Client | None = None
        self._server: asyncio.Server | None = None
        clock.on_moved = self._push_time

    async def start(self, place: Place = FREE_PLACE) -> ControlAddress:
        """Listen at `place` and return the address; PlaceError if that cannot be."""
        with listening_at(CONTROL, place):
            self._server = await asyncio.start_server(self._serve, place.host, place.port)
        host, port = self._server.sockets[0].getsockname()
        return ControlAddress(host=host, port=port)

    async def run_until_ended(self) -> None:
        """Return at shutdown, or after `idle_exit_s` wall seconds without a client."""
        idle_s = 0.0
        while not self.ended.is_set():
            try:
                await asyncio.wait_for(self.ended.wait(), _IDLE_CHECK_S)
            except TimeoutError:
                idle_s = 0.0 if self._clients else idle_s + _IDLE_CHECK_S
                if self._idle_exit_s is not None and idle_s >= self._idle_exit_s:
                    return

    def close(self) -> None:
        """Stop listening and drop every client."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(reader, writer, asyncio.current_task())
        self._clients.add(client)
        try:
            while line := await _read_line(reader):
                reply = await self._answer_line(line, client)
                writer.write(reply.model_dump_json(exclude_none=True).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass  # the client is gone: nothing is owed to it
        except asyncio.CancelledError:
            if not client.is_gone():
                raise
        finally:
            self._clients.discard(client)
            if self._waiter is client:
                self._waiter = None
            writer.close()

    async def _answer_line(self, line: bytes, client: _Client) -> ControlReply:
        try:
            request = ControlRequest.model_validate_json(line)
        except ValidationError as error:
            return self._refuse(f"not a request: {error}")
        reply = await self._answer(request, client)
        return reply.model_copy(update={"number": request.number})

    async def _answer(self, request: ControlRequest, client: _Client) -> ControlReply:
        if request.lab_id not in (None, self._lab_id):
            return self._refuse("this is another lab: the one that is asked for has ended")
        if request.do == "wait_until":
            return await self._wait(request, client)
        if request.do == "claim_clock":
            return self._claim(client)
        if request.do == "journal":
            return ControlReply(now_s=self._clock.now_s(), journal=self._journal.entries)
        if request.do in VERBS:
            try:
                self._acts.do(request)
            except ActRefused as refusal:
                return self._refuse(str(refusal))
        if request.do == "shutdown":
            self.ended.set()
        return ControlReply(now_s=self._clock.now_s(), factor=self._clock.factor)

    async def _wait(self, request: ControlRequest, client: _Client) -> ControlReply:
        if client is not self._waiter:
            return self._refuse("only the client that claimed the clock may wait")
        if request.t_s is None:
            return self._refuse("wait_until needs t_s")
        return ControlReply(now_s=await self._clock.wait_until(request.t_s))

    def _claim(self, client: _Client) -> ControlReply:
        waiter = self._waiter
        if waiter is not None and waiter is not client:
            if not waiter.is_gone():
                return self._refuse("another client keeps the clock; one waiter per lab")
            # It died while it waited: the lab stops where it is, for whoever comes next.
            if waiter.task is not None:
                waiter.task.cancel()
        self._waiter = client
        return ControlReply(now_s=self._clock.now_s(), factor=self._clock.factor)

    def _refuse(self, reason: str) -> ControlReply:
        return ControlReply(now_s=self._clock.now_s(), error=reason)

    def _push_time(self, now_s: float) -> None:
        if self._waiter is not None:
            push = ControlReply(now_s=now_s, pushed=True)
            self._waiter.writer.write(push.model_dump_json(exclude_none=True).encode() + b"\n")


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line; empty at the end, or when a line does not end."""
    try:
        return await reader.readline()
    except ValueError:
        return b""
