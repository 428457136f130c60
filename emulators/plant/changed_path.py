"""A path to which something has happened: turns of fibre put in, connectors dirty, a piece broken off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drivers.facts.figures import Spectrum
from drivers.facts.plant_events import DirtyConnector, FibreBend, FibreCut
from emulators.plant.path import Bend, Connector, Element, FibreSpan, OpticalPath, Splice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drivers.facts.plant_events import FibreFault

# A radius within the range of the fibres' tables; how many turns of it is what makes the loss.
_BEND_RADIUS_MM = 10.0


class NoSuchPlace(Exception):
    """A fault at a place that the path does not have; the text says what there is."""


def with_faults(path: OpticalPath, faults: Iterable[FibreFault], wavelength_nm: float) -> OpticalPath:
    """Return `path` with all bends and dirty connectors, in full length whatever is cut.

    Losses of bends are those at `wavelength_nm`. NoSuchPlace for a fault beyond the path.
    """
    for fault in faults:
        if isinstance(fault, FibreBend):
            path = _bent(path, fault, wavelength_nm)
        elif isinstance(fault, DirtyConnector):
            path = _soiled(path, fault)
        else:
            _span_at(path, fault.distance_m)
    return path


def what_is_left(path: OpticalPath, faults: Iterable[FibreFault], *, from_far_end: bool) -> OpticalPath:
    """Return what one end sees of `path`, that end first: all of it, or as far as the nearest cut."""
    cuts_m = [fault.distance_m for fault in faults if isinstance(fault, FibreCut)]
    seen = path.reversed() if from_far_end else path
    if not cuts_m:
        return seen
    return seen.cut_at(path.length_m() - max(cuts_m) if from_far_end else min(cuts_m))


def with_hidden_loss(path: OpticalPath, loss_db: float) -> OpticalPath:
    """Return `path` with a loss (0 dB or more) half-way that does not reflect, as a bad splice."""
    return _with_element_at(path, path.length_m() / 2.0, Splice(loss_db)) if loss_db else path


@dataclass(frozen=True, slots=True)
class _Position:
    """A place within a span: which element it is, and how far into it in m."""

    index: int
    span: FibreSpan
    into_m: float


def _span_at(path: OpticalPath, distance_m: float) -> _Position:
    left_m = distance_m
    for index, element in enumerate(path.elements):
        if isinstance(element, FibreSpan):
            if left_m < element.length_m:
                return _Position(index, element, left_m)
            left_m -= element.length_m
    raise NoSuchPlace(f"{distance_m:g} m lies beyond the fibre; it is {path.length_m():.1f} m long")


def _bent(path: OpticalPath, bend: FibreBend, wavelength_nm: float) -> OpticalPath:
    fibre = _span_at(path, bend.distance_m).span.fibre
    turns = bend.loss_db / fibre.turn_loss_db(wavelength_nm, _BEND_RADIUS_MM)
    return _with_element_at(path, bend.distance_m, Bend(_BEND_RADIUS_MM, turns, fibre))


def _with_element_at(path: OpticalPath, distance_m: float, element: Element) -> OpticalPath:
    place = _span_at(path, distance_m)
    pieces: list[Element] = [element, replace(place.span, length_m=place.span.length_m - place.into_m)]
    if place.into_m > 0.0:
        pieces.insert(0, replace(place.span, length_m=place.into_m))
    return _replaced(path, place.index, pieces)


def _soiled(path: OpticalPath, dirt: DirtyConnector) -> OpticalPath:
    connectors = [index for index, element in enumerate(path.elements) if isinstance(element, Connector)]
    if dirt.connector > len(connectors):
        raise NoSuchPlace(f"connector {dirt.connector} does not exist; the fibre has {len(connectors)}")
    index = connectors[dirt.connector - 1]
    clean = path.elements[index]
    assert isinstance(clean, Connector)  # noqa: S101 - it was chosen for that
    loss = _raised(clean.loss, dirt.loss_db)
    return _replaced(path, index, [Connector(loss, dirt.reflectance_db)])


def _raised(loss: float | Spectrum, by_db: float) -> float | Spectrum:
    if not isinstance(loss, Spectrum):
        return loss + by_db
    return Spectrum(loss.wavelengths_nm, tuple(value + by_db for value in loss.values))


def _replaced(path: OpticalPath, index: int, pieces: Iterable[Element]) -> OpticalPath:
    return replace(path, elements=(*path.elements[:index], *pieces, *path.elements[index + 1 :]))
