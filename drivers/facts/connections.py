"""How a device is reached: the same models in the inventory and in `lab.json`.

Secrets are never written there: a `SecretReference` names the environment variable or the file that holds
one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from drivers.facts.strict import DeadlineSeconds, Strict

VISA_SOCKET_PATTERN = r"^TCPIP\d*::[^:]+::\d+::SOCKET$"


def _with_a_port_that_exists(url: str) -> str:
    try:
        urlsplit(url).port  # noqa: B018 - it raises for a port beyond 65535
    except ValueError as error:
        raise ValueError(f"expected a port up to 65535: {error}") from None
    return url


# A part of a host's name, as DNS takes it: 1 to 63 characters.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HttpsUrl = Annotated[
    str,
    Field(pattern=rf"^https://({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(:\d{{1,5}})?$"),
    AfterValidator(_with_a_port_that_exists),
]


class SecretReference(Strict):
    """Where a secret is kept: the name of an environment variable, or a file holding only the secret."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of 'env' and 'file'")
        return self

    def read(self) -> str:
        """Return the secret; LookupError with the reference's name, never its value, if it is not there."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None:
                raise LookupError(f"environment variable {self.env} is not set")
            return value
        assert self.file is not None  # noqa: S101 - the validator allows no other case
        try:
            return self.file.read_text().strip()
        except OSError as error:
            raise LookupError(f"secret file {self.file}: {error.strerror}") from None


class Connection(Strict):
    """Base of all ways to reach a device."""

    live: bool = False
    """Whether others depend on the device: what darkens the link, restarts it or uses up keys then needs an
    explicit permission."""


class VisaSocketConnection(Connection):
    """A SCPI device on a raw TCP socket."""

    def relative_to(self, folder: Path) -> Self:  # noqa: ARG002 - the connections' common method
        """Return this connection: it names no file."""
        return self

    @property
    def address(self) -> str:
        """What no two devices share."""
        return f"{self.resource} {self.device}"

    resource: Annotated[str, Field(pattern=VISA_SOCKET_PATTERN)]
    """VISA resource, `TCPIP::host::port::SOCKET`."""
    device: Annotated[int, Field(ge=1)] = 1
    """Device number within a cassette or mainframe."""
    deadline_s: DeadlineSeconds = 5.0


class SmartOtdrConnection(VisaSocketConnection):
    """A SmartOTDR at the port of its OTDR application, 8002 on the real ones."""

    platform_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The instrument's own port (8000), on the same host: asked first where the OTDR application listens. Not
    asked where absent."""

    def host(self) -> str:
        """Return the host that the resource names."""
        return self.resource.split("::")[1]

    def port(self) -> int:
        """Return the TCP port that the resource names."""
        return int(self.resource.split("::")[2])


class WebApiConnection(Connection):
    """A management Web API over HTTPS; the server's certificate is always verified."""

    @property
    def address(self) -> str:
        """What no two devices share."""
        return self.url

    url: HttpsUrl
    """Scheme, host and port, without a path."""
    ca_file: Path | None = None
    """Certificate authority to trust, PEM; the public ones when absent."""
    user: str
    password: SecretReference
    deadline_s: DeadlineSeconds = 10.0

    def relative_to(self, folder: Path) -> Self:
        """Return this connection with the files that it names found from `folder`, the inventory's."""
        ca_file = None if self.ca_file is None else folder / self.ca_file
        password = self.password
        if password.file is not None:
            password = SecretReference(file=folder / password.file)
        return self.model_copy(update={"ca_file": ca_file, "password": password})


class SerialConnection(Connection):
    """A device on a serial port, 8 data bits, no parity, 1 stop bit."""

    def relative_to(self, folder: Path) -> Self:  # noqa: ARG002 - the connections' common method
        """Return this connection: a port's path does not depend on the inventory's place."""
        return self

    @property
    def address(self) -> str:
        """What no two devices share."""
        return self.port

    port: Annotated[str, Field(pattern=r"^/[^\x00]+$")]
    """Path of the port; for a USB adapter the one in /dev/serial/by-id/, which stays the same."""
    baud_rate: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    deadline_s: DeadlineSeconds = 10.0


AnyConnection = VisaSocketConnection | SmartOtdrConnection | WebApiConnection | SerialConnection
