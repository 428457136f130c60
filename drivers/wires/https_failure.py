"""What a failed HTTPS exchange means: the one fact at the bottom of the libraries' nested errors."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TYPE_CHECKING

from drivers.errors import ConnectionLost, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 12


# In this order: the first class that fits says what happened.
_CONNECTION_PROBLEMS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate not trusted: {0.verify_message}"),
    (ssl.SSLEOFError, "connection closed without an answer"),
    (ssl.SSLZeroReturnError, "connection closed without an answer"),
    (http.client.RemoteDisconnected, "connection closed without an answer"),
    (ssl.SSLError, "TLS failed: {0.reason}"),
    (http.client.IncompleteRead, "connection closed in the middle of an answer"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "connection reset"),
    (socket.gaierror, "host not found: {0.strerror}"),
)


def is_time_out(error: BaseException) -> bool:
    """Return whether a wait on a socket ran out at the bottom of `error`."""
    return any(isinstance(cause, TimeoutError) for cause in _causes(error))


def failure_of(error: BaseException) -> tuple[type[ConnectionLost | ProtocolError], str]:
    """Return the bench's error for `error` and its problem in plain words, free of headers and bodies."""
    for cause in _causes(error):
        for kind, problem in _CONNECTION_PROBLEMS:
            if isinstance(cause, kind):
                return ConnectionLost, problem.format(cause)
        if isinstance(cause, http.client.HTTPException):
            return ProtocolError, f"the answer is not HTTP ({type(cause).__name__})"
        if isinstance(cause, OSError) and cause.strerror is not None:
            return ConnectionLost, f"connection failed: {cause.strerror}"
    return ConnectionLost, f"connection failed ({type(error).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that `error` wraps, the innermost first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain and len(chain) < _MAX_DEPTH:
        chain.append(link)
        link = _wrapped(link)
    return reversed(chain)


def _wrapped(error: BaseException) -> BaseException | None:
    # requests and urllib3 put the inner error sometimes in `reason`, sometimes among the arguments.
    candidates = [error.__cause__, getattr(error, "reason", None), *error.args, error.__context__]
    return next((found for found in candidates if isinstance(found, BaseException)), None)
