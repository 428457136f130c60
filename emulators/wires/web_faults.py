"""The fault schedule at work on a web interface: a thin ASGI layer around an emulator's application."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from emulators.wires.https_server import close_connection

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from drivers.facts.lab import Fault
    from emulators.lab.clock import LabClock
    from emulators.lab.faults import FaultSchedule

_JSON = b"application/json"
_PAGE = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Please log in</h1></body></html>"
_GARBAGE = bytes(range(255, -1, -1))
_DRIPS = 20
_DEFAULT_STATUS = 500


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class WebFaults:
    """Asks the schedule at every request of `gear`, as "METHOD /path", and does what it says.

    `field` is the JSON field that missing_field and nan spoil where a reply has it.
    """

    def __init__(self, app: ASGIApp, gear: str, faults: FaultSchedule, clock: LabClock, field: str) -> None:
        self._app = app
        self._gear = gear
        self._faults = faults
        self._clock = clock
        self._field = field

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with the fault that is planned for it, if any."""
        fault = None
        if scope["type"] == "http":
            fault = self._faults.strike(self._gear, f"{scope['method']} {scope['path']}")
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._strike(fault, scope, receive, send)

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.action:
            case "silence":
                await _until_gone(receive)
            case "drop":
                close_connection(scope)
                await _until_gone(receive)
            case "delay":
                await self._clock.block(fault.value)
                await self._app(scope, receive, send)
            case "status" | "device_error":
                await _send(send, _refusal(fault.value))
            case "html":
                await _send(send, _Reply(200, [(b"content-type", b"text/html; charset=utf-8")], _PAGE))
            case "garbage":
                await _send(send, _Reply(200, [(b"content-type", _JSON)], _GARBAGE))
            case "lost_bytes":
                self._faults.journal.note(
                    "fault without effect", f"{self._gear}: lost_bytes is not for a web wire"
                )
                await self._app(scope, receive, send)
            case "missing_field" | "nan" | "slow_body" | "half_reply":
                reply = await _reply_of(self._app, scope, receive)
                await self._spoil(fault, reply, scope, receive, send)

    async def _spoil(self, fault: Fault, reply: _Reply, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.action:
            case "slow_body":
                await self._drip(reply, fault.value, send)
            case "half_reply":
                await _send_start(send, reply)
                half = reply.body[: len(reply.body) // 2]
                await send({"type": "http.response.body", "body": half, "more_body": True})
                close_connection(scope)
                await _until_gone(receive)
            case _:
                change = _remove if fault.action == "missing_field" else _make_nan
                await _send(send, _Reply(reply.status, reply.headers, self._changed(reply.body, change)))

    async def _drip(self, reply: _Reply, duration_s: float, send: Send) -> None:
        await _send_start(send, reply)
        size = max(math.ceil(len(reply.body) / _DRIPS), 1)
        pieces = [reply.body[start : start + size] for start in range(0, len(reply.body), size)]
        for piece in pieces:
            await self._clock.block(duration_s / len(pieces))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _changed(self, body: bytes, change: Callable[[MutableMapping[str, Any], str], None]) -> bytes:
        document: object = json.loads(body)
        target = _innermost(document)
        if target:
            change(target, self._field if self._field in target else next(iter(target)))
        return json.dumps(document).encode()


def _remove(target: MutableMapping[str, Any], field: str) -> None:
    del target[field]


def _make_nan(target: MutableMapping[str, Any], field: str) -> None:
    target[field] = math.nan


def _innermost(document: object) -> MutableMapping[str, Any] | None:
    """Return the first object of the first list of objects, or the document itself."""
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, object]", document)
    for value in fields.values():
        if isinstance(value, list) and value:
            first: object = cast("list[object]", value)[0]
            if isinstance(first, dict):
                return cast("dict[str, object]", first)
    return fields


def _refusal(value: float) -> _Reply:
    status = int(value) if 400 <= value < 600 else _DEFAULT_STATUS
    body = json.dumps({"detail": f"planned fault: status {status}"}).encode()
    return _Reply(status, [(b"content-type", _JSON)], body)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reply_of(app: ASGIApp, scope: Scope, receive: Receive) -> _Reply:
    """Let the application answer into memory."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return _Reply(messages[0]["status"], list(messages[0]["headers"]), body)


async def _send_start(send: Send, reply: _Reply) -> None:
    headers = [(name, value) for name, value in reply.headers if name.lower() != b"content-length"]
    length = (b"content-length", str(len(reply.body)).encode())
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, length]})


async def _send(send: Send, reply: _Reply) -> None:
    await _send_start(send, reply)
    await send({"type": "http.response.body", "body": reply.body})
