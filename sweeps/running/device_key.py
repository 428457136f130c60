"""The name of a device for its lease: one for every way in which its address may be written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drivers.facts.connections import SerialConnection, VisaSocketConnection

if TYPE_CHECKING:
    from drivers.facts.connections import AnyConnection

_HTTPS_PORT = 443


def device_key(connection: AnyConnection) -> str:
    """Return what is the same for two connections if they lead to the same device.

    No name is looked up: a host's name and its number are two. A serial port is where its links lead to.
    """
    if isinstance(connection, SerialConnection):
        return str(Path(connection.port).resolve())
    if isinstance(connection, VisaSocketConnection):
        # The board in front is this host's and says nothing of the device.
        _, host, port, _ = connection.resource.split("::")
        return f"{_host(host)} {int(port)} {connection.device}"
    url = urlsplit(connection.url)
    return f"{_host(url.hostname or '')} {url.port or _HTTPS_PORT}"


def _host(name: str) -> str:
    return name.lower().rstrip(".")
