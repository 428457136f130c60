"""The page that shows a run: on this host only, for reading only, and nothing but the run's view."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from drivers.clock import monotonic_s, utc_now_s
from sweeps.watching.run_view import QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sweeps.watching.run_view import RunView
    from sweeps.watching.watcher import RunWatcher

ADDRESS = "127.0.0.1"
# A page elsewhere whose name is made to lead here (DNS rebinding) still sends its own name.
_HOSTS = [ADDRESS, "localhost"]
_LEAST_APART_S = 1.0
_PAGE_FOLDER = Path(__file__).parent / "page"
_PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/chart.js": ("chart.js", "text/javascript"),
    "/words.js": ("words.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class ViewSource:
    """The view as JSON with a version, looked at only when somebody asks and at most once a second."""

    def __init__(self, watcher: RunWatcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._looked_s = -_LEAST_APART_S
        self._view: RunView | None = None
        self._body = b""
        self._version = 0
        # Another watcher on the same port must not seem to have shown this already.
        self._began = f"{utc_now_s():.3f}"

    def newest(self) -> tuple[str, bytes]:
        """Return the version of the view, as an ETag, and the view as JSON."""
        with self._lock:
            if monotonic_s() - self._looked_s >= _LEAST_APART_S:
                view = self._watcher.look()
                self._looked_s = monotonic_s()
                if view != self._view:
                    self._view, self._body = view, _json_of(view)
                    self._version += 1
            return f'"{self._began}-{self._version}"', self._body


def _json_of(view: RunView) -> bytes:
    shown = {"quantities": QUANTITIES, "view": view, "is_over": view.state.is_over()}
    return json.dumps(shown, default=_fields_of, separators=(",", ":"), allow_nan=False).encode()


def _fields_of(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


def watch_app(source: ViewSource) -> FastAPI:
    """Return the web application that shows what `source` gives."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS, www_redirect=False)

    @app.middleware("http")
    async def with_headers(  # pyright: ignore[reportUnusedFunction] - the application calls it
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    @app.get("/view.json")
    def view(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        tag, body = source.newest()
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(body, media_type="application/json", headers={"ETag": tag})

    for path, (name, media_type) in _PAGE_FILES.items():
        _add_file(app, path, (_PAGE_FOLDER / name).read_bytes(), media_type)
    return app


def _add_file(app: FastAPI, path: str, content: bytes, media_type: str) -> None:
    @app.get(path)
    def file() -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return Response(content, media_type=media_type)


def serve_page(watcher: RunWatcher, port: int, announce: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C (KeyboardInterrupt); `port` 0 takes any free one.

    `announce` gets the address once it can be opened. OSError if the port is taken.
    """
    config = uvicorn.Config(
        watch_app(ViewSource(watcher)),
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    with _listening(port) as listener:
        announce(f"http://{ADDRESS}:{listener.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
