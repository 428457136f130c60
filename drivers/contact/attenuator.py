"""The check of an attenuator: who it is, how it is set, how fast it answers."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from drivers.contact.advice import problem_of
from drivers.contact.steps import latency_of, take_each, take_until_failure
from drivers.errors import BenchError, DeviceError, GearError, ProtocolError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.clock import Clock
    from drivers.contact.found import DeviceContact
    from drivers.facts.connections import AnyConnection
    from drivers.roles import Identity


class AttenuatorQueries(Protocol):
    """What can be read of an attenuator (the reading half of the role `Attenuator`)."""

    def identity(self) -> Identity:
        """Ask the device who it is."""
        ...

    def attenuation_db(self) -> float:
        """Read the attenuation setting in dB."""
        ...

    def shutter_open(self) -> bool:
        """Read whether light passes."""
        ...

    def wavelength_nm(self) -> float:
        """Read the calibration wavelength in nm."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def check_attenuator(
    contact: DeviceContact,
    open_attenuator: Callable[[], AttenuatorQueries],
    connection: AnyConnection,
    clock: Clock,
) -> DeviceContact:
    """Ask the attenuator for everything and close it; another device that answers is asked nothing more."""
    try:
        attenuator = open_attenuator()
    except BenchError as error:
        return contact.with_problem(problem_of(error, connection, contact.interface))
    with closing(attenuator):
        return _ask(contact, attenuator, connection, clock)


def _ask(
    contact: DeviceContact, attenuator: AttenuatorQueries, connection: AnyConnection, clock: Clock
) -> DeviceContact:
    def identity(contact: DeviceContact) -> DeviceContact:
        return replace(contact, identity=attenuator.identity())

    def attenuation(contact: DeviceContact) -> DeviceContact:
        try:
            return contact.with_readings(attenuation_db=attenuator.attenuation_db())
        except (TransportError, ProtocolError, DeviceError):
            raise
        except GearError as error:  # it answers that it does not know: a motor that was not homed yet
            return contact.with_readings(attenuation=error.problem)

    def shutter(contact: DeviceContact) -> DeviceContact:
        return contact.with_readings(shutter="open" if attenuator.shutter_open() else "blocked")

    def wavelength(contact: DeviceContact) -> DeviceContact:
        return contact.with_readings(wavelength_nm=attenuator.wavelength_nm())

    def latency(contact: DeviceContact) -> DeviceContact:
        return replace(contact, latency=latency_of("identity", attenuator.identity, clock))

    contact = take_until_failure(contact, connection, [identity])
    if contact.is_reached():
        contact = take_each(contact, connection, [attenuation, shutter, wavelength, latency])
    return contact
