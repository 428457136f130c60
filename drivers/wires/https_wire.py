"""One HTTPS connection to a device's web interface: verified, kept alive, with a deadline in lab time.

Nothing here retries but one thing: a GET whose kept-alive connection turns out to be closed (the
server was restarted) is sent once more on a fresh one. Headers never reach the byte log; bodies
marked as secret neither.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import requests
from urllib3.exceptions import HTTPError

from drivers.clock import monotonic_s
from drivers.errors import InventoryError, ProtocolError, TransportTimeout
from drivers.wires.https_deadline import DeadlineAdapter, DeadlineContext
from drivers.wires.https_failure import failure_of, is_time_out

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drivers.clock import Clock
    from drivers.wires.byte_log import ByteLog

MAX_BODY_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 65536
_REDACTED = b"<secret>"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, media type and body of one answer."""

    status: int
    content_type: str
    body: bytes


class HttpsWire:
    """A session with one server. Threads may share it; one exchange runs at a time."""

    def __init__(
        self,
        device: str,
        url: str,
        ca_file: Path | None,
        clock: Clock,
        deadline_s: float,
        log: ByteLog,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._device = device
        self._url = url
        self._clock = clock
        self._deadline_s = deadline_s
        self._log = log
        self._max_body_bytes = max_body_bytes
        self._lock = threading.Lock()
        self._has_kept_connection = False
        self._bare: requests.PreparedRequest | None = None
        self._bare_of: tuple[str, Mapping[str, str] | None] | None = None
        self._context = _trusting(device, ca_file)
        self._verify: str | bool = str(ca_file) if ca_file is not None else True
        self._session = requests.Session()
        # With trust_env, REQUESTS_CA_BUNDLE would take the place of `verify`, and .netrc add credentials.
        self._session.trust_env = False
        self._session.headers["Accept-Encoding"] = "identity"
        self._session.mount("https://", DeadlineAdapter(self._context))

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Mapping[str, object] | None = None,
        secret: bool = False,
    ) -> HttpAnswer:
        """Send one request and return its whole answer, whatever its status.

        `path` is sent as it stands, so the caller encodes what needs it. `secret` keeps both bodies out of
        the byte log. Raises TransportTimeout when the answer took more
        lab time than the deadline, ConnectionLost, and ProtocolError for what is not HTTP or too large.
        """
        body = None if json_body is None else json.dumps(json_body, allow_nan=False).encode()
        command = f"{method} {path}"
        with self._lock:
            started_s = self._clock.now_s()
            self._log.sent(self._device, command.encode() + b"\n" + _shown(body or b"", secret=secret))
            try:
                answer = self._exchange(command, self._prepare(method, path, headers, body))
            except (requests.RequestException, HTTPError, OSError) as error:
                self._fail(command, started_s, error)
            if self._clock.now_s() - started_s > self._deadline_s:
                self._time_out(command, started_s)
            head = f"{answer.status} {answer.content_type}\n".encode()
            self._log.received(self._device, head + _shown(answer.body, secret=secret))
            return answer

    def close(self) -> None:
        """Close the connection; the wire opens a new one if it is used again."""
        with self._lock:
            self._drop_connection()

    def _prepare(
        self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None
    ) -> requests.PreparedRequest:
        url = self._url + path
        if body is not None:
            typed = {**(headers or {}), "Content-Type": "application/json"}
            return self._session.prepare_request(requests.Request(method, url, headers=typed, data=body))
        # Preparing costs a tenth of a poll, and polls differ in their paths only.
        if self._bare is None or self._bare_of != (method, headers):
            self._bare = self._session.prepare_request(requests.Request(method, self._url, headers=headers))
            self._bare_of = (method, None if headers is None else dict(headers))
        prepared = self._bare.copy()
        prepared.url = url
        return prepared

    def _exchange(self, command: str, prepared: requests.PreparedRequest) -> HttpAnswer:
        wall_timeout_s = self._clock.wall_timeout_s(self._deadline_s)
        self._context.ends_s = monotonic_s() + wall_timeout_s
        response = self._send_over_kept(prepared, wall_timeout_s)
        if response is None:
            response = self._send(prepared, wall_timeout_s)
        with response:
            content_type = response.headers.get("Content-Type", "")
            answer = HttpAnswer(response.status_code, content_type, self._read_body(command, response))
        self._session.cookies.clear()
        self._has_kept_connection = True
        return answer

    def _send_over_kept(
        self, prepared: requests.PreparedRequest, wall_timeout_s: float
    ) -> requests.Response | None:
        """Send a GET over the kept connection; None if there is none, or if it turns out to be closed."""
        if not self._has_kept_connection or prepared.method != "GET":
            return None
        try:
            return self._send(prepared, wall_timeout_s)
        except requests.ConnectionError as error:
            if is_time_out(error):
                raise
            self._drop_connection()
            return None

    def _send(self, prepared: requests.PreparedRequest, wall_timeout_s: float) -> requests.Response:
        return self._session.send(
            prepared,
            timeout=wall_timeout_s,
            verify=self._verify,
            stream=True,
            allow_redirects=False,
            proxies={},
        )

    def _read_body(self, command: str, response: requests.Response) -> bytes:
        # read1 returns what has arrived, so a server that drips bytes cannot outlast the deadline.
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body_bytes:
                self._drop_connection()
                raise ProtocolError(self._device, command, f"body of more than {self._max_body_bytes} bytes")
            if monotonic_s() > self._context.ends_s:
                raise TimeoutError
        return b"".join(chunks)

    def _fail(self, command: str, started_s: float, error: Exception) -> NoReturn:
        if is_time_out(error):
            self._time_out(command, started_s)
        self._drop_connection()
        kind, problem = failure_of(error)
        self._log.failed(self._device, f"{command}: {problem}")
        raise kind(self._device, command, problem, self._clock.now_s() - started_s) from None

    def _time_out(self, command: str, started_s: float) -> NoReturn:
        self._drop_connection()
        self._clock.wait_until(started_s + self._deadline_s)
        problem = f"no complete answer within {self._deadline_s:g} s"
        self._log.failed(self._device, f"{command}: {problem}")
        raise TransportTimeout(self._device, command, problem, self._clock.now_s() - started_s) from None

    def _drop_connection(self) -> None:
        self._session.close()
        self._has_kept_connection = False


def _trusting(device: str, ca_file: Path | None) -> DeadlineContext:
    try:
        return DeadlineContext.verifying(ca_file)
    except OSError as error:
        reason = error.strerror or "holds no certificate"
        raise InventoryError(device, [f"ca_file {ca_file}: {reason}"]) from None


def _shown(body: bytes, *, secret: bool) -> bytes:
    return _REDACTED if secret and body else body
