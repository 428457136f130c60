"""What a check finds out about one device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drivers.facts.names import InterfaceNames
    from drivers.roles import Identity
    from drivers.wires.https_certificate import ShownCertificate


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be, and what to do about it."""

    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a device took to answer `count` equal questions, in s."""

    question: str
    count: int
    median_s: float
    worst_s: float


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """A device's clock less this host's, in s; it lies within `uncertainty_s` of `offset_s`."""

    offset_s: float
    uncertainty_s: float
    """Half the round trip of the question, in s."""


@dataclass(frozen=True, slots=True)
class Interface:
    """The names by which a device is asked, and the file that holds them."""

    file: str
    names: InterfaceNames


@dataclass(frozen=True, slots=True)
class DeviceContact:
    """One device of the inventory and what the check found; what could not be found is None or missing."""

    name: str
    driver: str
    expected: str
    """What the inventory has here: "alice", "bob", "attenuator" or "otdr"."""
    address: str
    interface: Interface
    certificate: ShownCertificate | None = None
    identity: Identity | None = None
    readings: Mapping[str, str | float | bool] = field(default_factory=dict[str, str | float | bool])
    """What else it says of itself, under names that carry the unit: `state`, `attenuation_db`, ..."""
    latency: Latency | None = None
    clock: ClockOffset | None = None
    problems: tuple[Problem, ...] = ()
    is_brought_later: bool = False
    """Whether nobody answers, and nobody need: an OTDR is brought to the fibre's end when it measures."""

    def is_reached(self) -> bool:
        """Return whether a device of the expected kind said who it is."""
        return self.identity is not None

    def is_as_expected(self) -> bool:
        """Return whether it was reached and nothing is wrong with it."""
        return self.is_reached() and not self.problems

    def is_no_hindrance(self) -> bool:
        """Return whether a link can be run with it as it is."""
        return self.is_as_expected() or self.is_brought_later

    def with_problem(self, problem: Problem) -> DeviceContact:
        """Return this contact with one more problem."""
        return replace(self, problems=(*self.problems, problem))

    def with_readings(self, **readings: str | float | bool) -> DeviceContact:
        """Return this contact with further readings."""
        return replace(self, readings={**self.readings, **readings})
