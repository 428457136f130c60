"""TLS sockets that keep one deadline over all their reads.

The read time-out of requests starts anew with every byte that arrives, so a server that drips its
headers or its body is never late by it. Here each read gets only what is left.
"""

from __future__ import annotations

import math
import ssl
from typing import TYPE_CHECKING

from requests.adapters import HTTPAdapter

from drivers.clock import monotonic_s

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import WriteableBuffer


class DeadlineContext(ssl.SSLContext):
    """Verifying client settings, and the deadline (`drivers.clock.monotonic_s`) that their sockets keep."""

    ends_s: float = math.inf

    @classmethod
    def verifying(cls, ca_file: Path | None) -> DeadlineContext:
        """Return settings that verify certificate and host name by `ca_file`, or by the public authorities.

        OSError (ssl.SSLError is one) if the file cannot be read or holds no certificate.
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _DeadlineSocket
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        return context


class _DeadlineSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        self._allow_what_is_left()
        super().do_handshake(block)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        self._allow_what_is_left()
        return super().recv_into(buffer, nbytes, flags)

    def _allow_what_is_left(self) -> None:
        context = self.context
        if not isinstance(context, DeadlineContext):
            return
        left_s = context.ends_s - monotonic_s()
        if left_s <= 0:
            raise TimeoutError("deadline passed")
        self.settimeout(None if math.isinf(left_s) else left_s)


class DeadlineAdapter(HTTPAdapter):
    """One kept-alive connection to one server, no retries, with the sockets of `context`."""

    def __init__(self, context: DeadlineContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(  # pyright: ignore[reportIncompatibleMethodOverride] - the stubs give it no types
        self, connections: int, maxsize: int, block: bool = False, **options: object
    ) -> None:
        """Give the pool our TLS settings (called by HTTPAdapter)."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **options)
