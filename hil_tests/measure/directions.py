"""The directions from which a fibre was traced at a wavelength, and the events of its link.

A trace whose file is not the one that was taken, a direction that is missing, a link that the table does not
hold: each is told in words (`LinkNotFound`) and never guessed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.facts.inventory import SAME_LASER_NM
from hil_tests.measure import bidirectional
from hil_tests.measure.otdr_link import LinkNotFound, end_to_end_loss_db, link_of, needs_lead_fibres
from hil_tests.measure.return_loss import return_loss

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from hil_tests.fibre_trace import FibreTrace
    from hil_tests.measure.bidirectional import LinkEvent
    from hil_tests.measure.otdr_link import Link
    from hil_tests.measure.return_loss import ReturnLoss
    from hil_tests.run_data import RunData


@dataclass(frozen=True, slots=True)
class Direction:
    """A trace in which the link was found."""

    trace: FibreTrace
    link: Link

    @property
    def site(self) -> str:
        """Where the OTDR stood."""
        return self.trace.acquisition.site

    @property
    def pulse_m(self) -> float:
        """The pulse on the distance axis in m."""
        return bidirectional.pulse_m(self.trace.acquisition.pulse_ns, self.trace.acquisition.group_index)

    def needs_losses(self) -> None:
        """Raise LinkNotFound for an event whose loss the table does not tell."""
        with _naming(self.trace):
            bidirectional.needs_losses(self.link, self.pulse_m)

    def needs_lead_fibres(self) -> None:
        """Raise LinkNotFound if one of the link's own connectors cannot be measured from here."""
        with _naming(self.trace):
            needs_lead_fibres(self.link)

    def shows_both_ends(self) -> bool:
        """Tell whether both of the link's own connectors can be measured from here."""
        try:
            self.loss_db()
        except LinkNotFound:
            return False
        return True

    def return_loss(self) -> ReturnLoss:
        """Return the link's return loss from here; LinkNotFound if the table does not tell."""
        acquisition = self.trace.acquisition
        with _naming(self.trace):
            return return_loss(self.link, acquisition.backscatter_db, acquisition.group_index)

    def loss_db(self) -> float:
        """Return the end-to-end loss in dB as seen from here; LinkNotFound if the table does not tell."""
        with _naming(self.trace):
            return end_to_end_loss_db(self.link)


@contextmanager
def _naming(trace: FibreTrace) -> Generator[None]:
    """Say which trace it is in which something was not found."""
    try:
        yield
    except LinkNotFound as error:
        raise LinkNotFound(f"{trace.name}: {error}") from None


def wavelengths_nm(data: RunData) -> list[float]:
    """Return the wavelengths of the plan, or else those of the traces."""
    plan = data.facts.plan.fibre
    if plan is not None and plan.wavelengths_nm:
        return plan.wavelengths_nm
    return sorted({trace.acquisition.wavelength_nm for trace in data.traces})


def traces_at(data: RunData, wavelength_nm: float) -> list[FibreTrace]:
    """Return the traces taken at a wavelength, in the order of the plan."""
    return [t for t in data.traces if is_same_wavelength(t.acquisition.wavelength_nm, wavelength_nm)]


def is_same_wavelength(one_nm: float, other_nm: float) -> bool:
    """Tell whether two figures name the same laser."""
    return abs(one_nm - other_nm) < SAME_LASER_NM


def direction_of(trace: FibreTrace) -> Direction:
    """Find the link in a trace; LinkNotFound, naming the trace, if it cannot be used or has none."""
    if trace.problem:
        raise LinkNotFound(f"{trace.name}: {trace.problem}")
    acquisition = trace.acquisition
    with _naming(trace):
        return Direction(trace, link_of(trace.events, acquisition.launch_m, acquisition.tail_m))


def directions_at(data: RunData, wavelength_nm: float) -> list[Direction]:
    """Return every planned direction at a wavelength, the near end first; LinkNotFound if one is missing."""
    missing = missing_at(data, wavelength_nm)
    if missing:
        raise LinkNotFound(missing)
    directions = [direction_of(trace) for trace in traces_at(data, wavelength_nm)]
    _one_from_each_site(directions)
    return directions


def _one_from_each_site(directions: Sequence[Direction]) -> None:
    """Raise LinkNotFound unless these are one direction, or two from different sites."""
    sites = [direction.site for direction in directions]
    if len(sites) not in {1, 2} or len(set(sites)) < len(sites):
        nm = f"{directions[0].trace.acquisition.wavelength_nm:g} nm: " if directions else ""
        told = f"{len(sites)} traces, from {', '.join(sites)}" if sites else "no trace"
        raise LinkNotFound(f"{nm}expected one trace from each end of the fibre, got {told}")


def missing_at(data: RunData, wavelength_nm: float) -> str:
    """Say that a planned trace of a wavelength is missing; empty if none is."""
    found = traces_at(data, wavelength_nm)
    if not found:
        return f"{wavelength_nm:g} nm: no trace was taken"
    planned = (data.facts.records_planned or 0) // max(len(wavelengths_nm(data)), 1)
    if len(found) >= planned:
        return ""
    there = ", ".join(trace.acquisition.site for trace in found)
    return f"{wavelength_nm:g} nm: {len(found)} of {planned} traces, from {there}"


def link_events(directions: Sequence[Direction]) -> list[LinkEvent]:
    """Return the link's events with their losses: the mean of two directions, or what the only one shows.

    LinkNotFound unless these are one direction, or two from different sites, and for an event whose loss the
    table does not tell.
    """
    _one_from_each_site(directions)
    for direction in directions:
        direction.needs_losses()
    near = directions[0]
    if len(directions) == 1:
        return bidirectional.from_one_end(near.link)
    longest_m = max(direction.pulse_m for direction in directions)
    return bidirectional.average(near.link, directions[1].link, bidirectional.matching_m(longest_m))
