"""Where a lab's servers listen: at the addresses that were asked for, else on free ports of loopback."""

from __future__ import annotations

import errno
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from drivers.facts.gear import FixedAttenuatorsGear, OzDd100Gear

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from drivers.facts.gear import AnyGear

CONTROL = "control"
"""The lab's control, beside the names of its gear."""

_FORM = "expected NAME=ADDRESS:PORT, such as alice=127.0.1.10:8443"
_REASONS = {
    errno.EADDRNOTAVAIL: "this host has no such address; `ip addr` lists those that it has",
    errno.EADDRINUSE: "another program listens there, or another device of this lab",
    errno.EACCES: "no right to listen there; ports below 1024 are for root",
}


class PlaceError(Exception):
    """A server cannot listen where it should; the text says who, where and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """An IPv4 address of this host and a TCP port; port 0 is any free one."""

    host: str
    port: int


FREE_PLACE = Place("127.0.0.1", 0)


def read_places(wanted: Iterable[str], gear: Mapping[str, AnyGear]) -> dict[str, Place]:
    """Read texts such as `alice=127.0.1.10:8443`; PlaceError with a line for each mistake."""
    places: dict[str, Place] = {}
    mistakes: list[str] = []
    for text in wanted:
        name, _, address = text.partition("=")
        try:
            _refuse_name(name, places, gear)
            places[name] = _read_place(address)
        except PlaceError as error:
            mistakes.append(f"{text}: {error}")
    if mistakes:
        raise PlaceError("\n  ".join(["--listen:", *mistakes]))
    return places


def refuse_taken(places: Mapping[str, Place]) -> None:
    """Raise PlaceError for the first place where nobody can listen, before a lab has touched any file."""
    for name, place in places.items():
        with listening_at(name, place):
            socket.create_server((place.host, place.port)).close()


@contextmanager
def listening_at(name: str, place: Place) -> Generator[None]:
    """Say in words, as a PlaceError, why the server of `name` cannot listen at `place`."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise PlaceError(f"{name} cannot listen at {place.host}:{place.port}: {reason}") from None


def _refuse_name(name: str, places: Mapping[str, Place], gear: Mapping[str, AnyGear]) -> None:
    if name in places:
        raise PlaceError(f"{name} was given before")
    if name != CONTROL and name not in gear:
        raise PlaceError(f"no gear {name!r}; there are: {', '.join([*gear, CONTROL])}")
    if isinstance(gear.get(name), OzDd100Gear):
        raise PlaceError(f"{name} is on a serial port, which has no address")
    if isinstance(gear.get(name), FixedAttenuatorsGear):
        raise PlaceError(f"{name} has no wire")


def _read_place(text: str) -> Place:
    host, _, port = text.rpartition(":")
    try:
        address = IPv4Address(host)
    except AddressValueError:
        raise PlaceError(_FORM) from None
    if not port.isdecimal() or int(port) > 65535:
        raise PlaceError(f"{_FORM}; a port is 1 to 65535, or 0 for any free one")
    if address.is_unspecified:
        raise PlaceError("name one address of this host: all of them at once is more than you may want")
    return Place(str(address), int(port))
