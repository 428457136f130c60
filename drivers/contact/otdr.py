"""The check of an OTDR: who it is, what is fitted, whether it measures, how fast it answers. No light.

It is brought to an end of the fibre when that is measured, so a link is no worse without it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from drivers.contact.advice import problem_of
from drivers.contact.found import DeviceContact, Problem
from drivers.contact.steps import latency_of, take_each, take_until_failure
from drivers.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.clock import Clock
    from drivers.facts.connections import AnyConnection
    from drivers.roles import Identity


class OtdrQueries(Protocol):
    """What can be read of an OTDR before it is set up (of the role `Otdr`)."""

    def identity(self) -> Identity:
        """Ask the device who it is."""
        ...

    def wavelengths_nm(self) -> tuple[float, ...]:
        """Read the wavelengths in nm that are fitted."""
        ...

    def is_running(self) -> bool:
        """Read whether it measures."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def check_otdr(
    contact: DeviceContact,
    otdr: OtdrQueries,
    expected_nm: Sequence[float],
    connection: AnyConnection,
    clock: Clock,
) -> DeviceContact:
    """Ask the OTDR for everything and close it; another device that answers is asked nothing more."""

    def identity(contact: DeviceContact) -> DeviceContact:
        try:
            return replace(contact, identity=otdr.identity())
        except TransportError as error:
            return replace(contact, is_brought_later=True).with_problem(
                problem_of(error, connection, contact.interface)
            )

    def wavelengths(contact: DeviceContact) -> DeviceContact:
        found_nm = otdr.wavelengths_nm()
        contact = contact.with_readings(wavelengths=f"{_listed(found_nm)} nm")
        missing_nm = [wavelength_nm for wavelength_nm in expected_nm if wavelength_nm not in found_nm]
        if not missing_nm:
            return contact
        what = f"{_listed(missing_nm)} nm is not fitted, which the inventory has"
        return contact.with_problem(Problem(what, "is it the right module? Correct wavelengths_nm if it is"))

    def state(contact: DeviceContact) -> DeviceContact:
        return contact.with_readings(state="measures, with light" if otdr.is_running() else "idle")

    def latency(contact: DeviceContact) -> DeviceContact:
        return replace(contact, latency=latency_of("identity", otdr.identity, clock))

    with closing(otdr):
        contact = take_until_failure(contact, connection, [identity])
        if contact.is_reached():
            contact = take_each(contact, connection, [wavelengths, state, latency])
    return contact


def _listed(wavelengths_nm: Sequence[float]) -> str:
    return ", ".join(f"{wavelength_nm:g}" for wavelength_nm in wavelengths_nm)
