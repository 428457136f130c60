"""What a server shows as its certificate, and whether it is trusted: a TLS handshake and nothing more.

No request is sent, so nothing secret can reach a server that is not trusted.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from drivers.clock import monotonic_s
from drivers.errors import ConnectionLost, ProtocolError, TransportTimeout
from drivers.wires.https_deadline import DeadlineContext
from drivers.wires.https_failure import failure_of, is_time_out

if TYPE_CHECKING:
    from collections.abc import Iterable

DistrustKind = Literal["no_ca_file", "unknown_issuer", "expired", "not_yet_valid", "other_names", "other"]

_COMMAND = "TLS handshake"
_DEFAULT_PORT = 443
# X509_V_ERR_* of OpenSSL (x509_vfy.h); Python's ssl gives the numbers without their names.
_KINDS: dict[int, DistrustKind] = {
    9: "not_yet_valid",
    10: "expired",
    18: "unknown_issuer",  # self-signed
    19: "unknown_issuer",  # a chain that ends at an authority of its own
    20: "unknown_issuer",
    21: "unknown_issuer",
    62: "other_names",
    64: "other_names",  # an IP address
}
# What the library says of a certificate that it cannot read whole; they share no base.
_UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The certificate of one server."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names and IP addresses for which it is valid (subject alternative names)."""
    valid_from_s: float
    """Start of its validity, s since the Unix epoch."""
    valid_to_s: float
    """End of its validity, s since the Unix epoch."""
    sha256: str
    """Fingerprint: SHA-256 of the certificate, 32 bytes in hex with colons between."""
    is_self_signed: bool
    """Whether subject and issuer are the same."""


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why a certificate is not trusted: the first reason that was met."""

    kind: DistrustKind
    reason: str


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate as a server showed it; `distrust` is None when it is trusted."""

    certificate: ServerCertificate
    distrust: Distrust | None


def read_certificate(device: str, url: str, ca_file: Path | None, deadline_s: float) -> ShownCertificate:
    """Return what the server at `url` shows, judged by `ca_file` or by the public authorities.

    Connecting and one handshake take at most `deadline_s` of host time (for each address of a host that has
    several); a certificate that is not trusted costs a second handshake. Raises TransportTimeout,
    ConnectionLost, and ProtocolError for a certificate that cannot be read.
    """
    try:
        context = DeadlineContext.verifying(ca_file or Path(DEFAULT_CA_BUNDLE_PATH))
        return ShownCertificate(_certificate(device, url, context, deadline_s), None)
    except ssl.SSLCertVerificationError as error:
        distrust = Distrust(_KINDS.get(error.verify_code, "other"), error.verify_message)
    except OSError as error:
        distrust = Distrust("no_ca_file", f"ca_file {ca_file}: {error.strerror or 'holds no certificate'}")
    context = DeadlineContext.verifying(None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only looked at: the connection ends with the handshake
    return ShownCertificate(_certificate(device, url, context, deadline_s), distrust)


def _certificate(device: str, url: str, context: DeadlineContext, deadline_s: float) -> ServerCertificate:
    """Shake hands and read the certificate; ssl.SSLCertVerificationError is left to the caller."""
    started_s = monotonic_s()
    context.ends_s = started_s + deadline_s
    address = urlsplit(url)
    host = address.hostname or ""
    try:
        with (
            socket.create_connection((host, address.port or _DEFAULT_PORT), deadline_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError:
        raise
    except UnicodeError:  # what DNS cannot ask for: an empty part, or one of more than 63 characters
        raise ConnectionLost(device, _COMMAND, f"host not found: {host!r} is no name of a host") from None
    except OSError as error:
        elapsed_s = monotonic_s() - started_s
        if is_time_out(error):
            problem = f"no complete answer within {deadline_s:g} s"
            raise TransportTimeout(device, _COMMAND, problem, elapsed_s) from None
        kind, problem = failure_of(error)
        raise kind(device, _COMMAND, problem, elapsed_s) from None
    if shown is None:
        raise ConnectionLost(device, _COMMAND, "the server showed no certificate")
    try:
        return _parsed(shown)
    except _UNREADABLE as error:
        raise ProtocolError(device, _COMMAND, f"its certificate cannot be read: {error}") from None


def _parsed(der: bytes) -> ServerCertificate:
    certificate = x509.load_der_x509_certificate(der)
    return ServerCertificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(_names(certificate)),
        valid_from_s=certificate.not_valid_before_utc.timestamp(),
        valid_to_s=certificate.not_valid_after_utc.timestamp(),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        is_self_signed=certificate.subject == certificate.issuer,
    )


def _names(certificate: x509.Certificate) -> Iterable[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    dns_names = extension.value.get_values_for_type(x509.DNSName)
    return [*dns_names, *map(str, extension.value.get_values_for_type(x509.IPAddress))]
