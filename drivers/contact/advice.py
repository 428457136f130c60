"""What a failure means on a bench, in words, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvisa.constants import StatusCode

from drivers.contact.found import Problem
from drivers.errors import (
    DeviceError,
    GearError,
    TransportError,
    TransportTimeout,
)
from drivers.facts.connections import SerialConnection, VisaSocketConnection, WebApiConnection

if TYPE_CHECKING:
    from drivers.contact.found import Interface
    from drivers.errors import BenchError
    from drivers.facts.connections import AnyConnection, SecretReference
    from drivers.facts.names import NameEntry
    from drivers.wires.https_certificate import ShownCertificate

_REFUSED_LOGIN = {401, 403}

# What the wires say when a connection fails (they name their libraries' words), and what helps.
_CONNECTION_ADVICE = (
    ("refused", "is the device on, is the port right?"),
    ("not found", "is the host's name spelled right, and does this host's DNS know it?"),
    ("not known", "is the host's name spelled right, and does this host's DNS know it?"),
    ("unreachable", "is this host on the lab's network (cable, VLAN, VPN)?"),
    ("no route", "is this host on the lab's network (cable, VLAN, VPN)?"),
    ("TLS failed", "something answers there that does not speak TLS as the bench does: is the port right?"),
    ("closed", "it took the connection and hung up: is the port right, is another client connected already?"),
    ("reset", "it took the connection and hung up: is the port right, is another client connected already?"),
)
_SILENCE = "is the device on, is the address right, does a firewall stand between?"
_CERTIFICATE_ADVICE = {
    "no_ca_file": "have the device's keeper confirm the fingerprint below, then put the certificate of its"
    " issuer (PEM) there",
    "unknown_issuer": "have the device's keeper confirm the fingerprint below; if it is right, put the"
    " certificate of its issuer (PEM) where the inventory says ca_file",
    "expired": "have it renewed; until then nothing is sent there. Is this host's clock right?",
    "not_yet_valid": "is this host's clock right?",
    "other_names": "write one of these names into the url of the inventory, or have it issued anew",
    "other": "ask whoever runs the device's certificates",
}


def problem_of(error: BenchError, connection: AnyConnection, interface: Interface) -> Problem:
    """Return what `error` means for the device that is asked by `interface` over `connection`."""
    if isinstance(error, DeviceError) and isinstance(connection, WebApiConnection):
        return _refused_by_web_api(error, connection, interface)
    if isinstance(error, TransportTimeout):
        what = f"no answer within {connection.deadline_s:g} s to {error.command}"
        # A web server says so when it does not know a path; other devices meet the unknown with silence.
        unknown = None if isinstance(connection, WebApiConnection) else _mark_of(error.command, interface)
        return Problem(what, unknown or _SILENCE)
    if isinstance(error, TransportError):
        return _not_connected(error, connection)
    if isinstance(error, GearError):
        another = f"is the port right? If it is the right device, correct its names in {interface.file}"
        advice = _mark_of(error.command, interface) or another
        return Problem(f"{error.command}: {error.problem}", advice)
    return Problem(str(error), "put right what it says and check again")


def problem_of_secret(reference: SecretReference, reason: str) -> Problem:
    """Return what to do about a secret that cannot be read."""
    if reference.env is not None:
        return Problem(reason, f"export it: read -rs {reference.env} && export {reference.env}")
    return Problem(reason, "write the password, and nothing else, into that file")


def problem_of_certificate(shown: ShownCertificate) -> Problem | None:
    """Return why a certificate is not trusted and what to do; None if it is trusted."""
    distrust = shown.distrust
    if distrust is None:
        return None
    names = ", ".join(shown.certificate.names) or "no name at all"
    what = {
        "no_ca_file": distrust.reason,
        "unknown_issuer": f"the certificate is not signed by ca_file ({distrust.reason})",
        "other_names": f"certificate is for other names: {names}",
    }.get(distrust.kind, distrust.reason)
    return Problem(what, _CERTIFICATE_ADVICE[distrust.kind])


def address_of(connection: AnyConnection) -> str:
    """Return the address of a connection as a person would write it."""
    match connection:
        case VisaSocketConnection():
            return connection.resource
        case WebApiConnection():
            return connection.url
        case SerialConnection():
            return connection.port


def _refused_by_web_api(error: DeviceError, connection: WebApiConnection, interface: Interface) -> Problem:
    what = f"{error.command}: {error.problem}"
    if error.code in _REFUSED_LOGIN:
        kept = connection.password.env or connection.password.file
        return Problem(what, f"are user {connection.user!r} and the password in {kept} right?")
    return Problem(what, _mark_of(error.command, interface) or "ask the device's keeper what this means")


def _not_connected(error: TransportError, connection: AnyConnection) -> Problem:
    address = address_of(connection)
    if str(StatusCode.error_timeout) in error.problem:  # pyvisa-py has no words for it
        return Problem(f"{address}: no connection within {connection.deadline_s:g} s", _SILENCE)
    problem = error.problem.removeprefix(f"{address}: ")
    for fragment, advice in _CONNECTION_ADVICE:
        if fragment.lower() in problem.lower():
            return Problem(f"{address}: {problem}", advice)
    return Problem(f"{address}: {problem}", _SILENCE)


def _mark_of(command: str, interface: Interface) -> str | None:
    """Return what is not known of the name that `command` was made of, with where to correct it."""
    found: NameEntry | None = None
    for entry in interface.names.unproven().values():
        head = entry.name.partition(" ")[0]
        if head in command.split() and (found is None or len(head) > len(found.name)):
            found = entry
    if found is None:
        return None
    known = f"{found.name!r} is {found.status}, not documented"
    return f"{known}: correct it, or the names of what it answers, in {interface.file}"
