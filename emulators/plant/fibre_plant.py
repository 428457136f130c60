"""The fibre over lab time: the path as it was built, and what happens to it while the lab runs.

The link counts what has changed since the path was built, so a fibre to which nothing has happened adds
exactly 0 dB, whatever its parts add up to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.facts.plant_events import DirtyConnector, FibreBend, FibreCut, FibreTemperature, Mend
from emulators.plant.changed_path import NoSuchPlace, what_is_left, with_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.facts.plant_events import FibreFault, PlantEvent
    from emulators.plant.link import Link
    from emulators.plant.path import OpticalPath


class EventRefused(Exception):
    """An event that cannot happen to this fibre; the text is the reason."""


class FibrePlant:
    """Keeps the fibre of `link` as it is; `note` writes into the lab's journal.

    FigureError if a part of `built` has no figure at the link's wavelength.
    """

    def __init__(self, built: OpticalPath, link: Link, note: Callable[[str, str], None]) -> None:
        self._built = built
        self._link = link
        self._note = note
        self._built_db = built.loss_db(link.wavelength_nm)
        self._faults: tuple[FibreFault, ...] = ()
        self._path = built

    def happen(self, event: PlantEvent) -> None:
        """Let `event` happen now; EventRefused for a place or a fault that the fibre does not have."""
        if isinstance(event, Mend):
            self._change(self._faults_without(event), self._path.temperature_c)
        elif isinstance(event, FibreTemperature):
            self._change(self._faults, event.temperature_c)
        else:
            self._change((*self._faults, event), self._path.temperature_c)
        self._note("plant", in_words(event))

    def is_cut(self) -> bool:
        """Return whether the fibre is broken anywhere."""
        return any(isinstance(fault, FibreCut) for fault in self._faults)

    def seen_from(self, *, far_end: bool) -> OpticalPath:
        """Return the path as far as light gets from the first site, or from the second (`far_end`)."""
        return what_is_left(self._path, self._faults, from_far_end=far_end)

    def _change(self, faults: Sequence[FibreFault], temperature_c: float) -> None:
        built = self._built.at_temperature(temperature_c)
        try:
            path = with_faults(built, faults, self._link.wavelength_nm)
        except NoSuchPlace as error:
            raise EventRefused(str(error)) from None
        self._faults, self._path = tuple(faults), path
        change_db = path.loss_db(self._link.wavelength_nm) - self._built_db
        self._link.set_fibre_db(math.inf if self.is_cut() else change_db)

    def _faults_without(self, mend: Mend) -> Sequence[FibreFault]:
        if mend.fault is None:
            return ()
        left = list(self._faults)
        if mend.fault not in left:
            known = "; ".join(in_words(fault) for fault in left) or "nothing"
            raise EventRefused(f"no such fault: {in_words(mend.fault)}; there is: {known}")
        left.remove(mend.fault)
        return left


def in_words(event: PlantEvent) -> str:
    """Return what an event is, as the journal tells it."""
    match event:
        case FibreBend():
            return f"bend of {event.loss_db:g} dB at {event.distance_m:g} m"
        case DirtyConnector():
            reflects = f"{event.reflectance_db:g} dB reflected"
            return f"connector {event.connector} dirty, {event.loss_db:g} dB more, {reflects}"
        case FibreCut():
            return f"cut at {event.distance_m:g} m"
        case FibreTemperature():
            return f"{event.temperature_c:g} degrees Celsius"
        case Mend():
            return f"mended: {'everything' if event.fault is None else in_words(event.fault)}"
