"""The emulators' HTTPS end: uvicorn's protocol on the lab's own loop, without uvicorn's process around it.

`uvicorn.Server` installs signal handlers and wakes ten times a second for its own housekeeping; the
lab process has its own life. So only the protocol is used, exactly as `Server.startup` uses it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp, Scope

CLOSE_EXTENSION = "qkd_hil.close"

# Longer than any polling interval of the bench, so that a client keeps its connection between polls.
_KEEP_ALIVE_S = 120
_CLOSING_S = 1.0


def close_connection(scope: Scope) -> None:
    """Close the TLS connection of a request after what was written to it so far (for faults)."""
    cast("Callable[[], None]", scope["extensions"][CLOSE_EXTENSION]["close"])()


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 that hands the application a way to close its connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extension: dict[object, object] = {"close": self.transport.close}
        self.scope["extensions"] = {CLOSE_EXTENSION: extension}


class HttpsServer:
    """A running server; `port` is where it listens."""

    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self.port: int = server.sockets[0].getsockname()[1]
        self._server = server
        self._state = state

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        self._server.close()
        for connection in list(self._state.connections):
            cast("_Protocol", connection).transport.abort()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_CLOSING_S)
        for task in list(self._state.tasks):
            task.cancel()


async def serve_https(
    app: ASGIApp, certificate: Path, key: Path, host: str = "127.0.0.1", port: int = 0
) -> HttpsServer:
    """Serve `app` over TLS in the running loop; port 0 takes any free one."""
    config = uvicorn.Config(
        cast("Any", app),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(config=config, server_state=state, app_state={}), host, port, ssl=config.ssl
    )
    return HttpsServer(server, state)
