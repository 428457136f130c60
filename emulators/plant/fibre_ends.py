"""The two ends of the fibre at the patch panel: what each is connected to, and what an OTDR there sees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.facts.fibre_types import fibre_type
from drivers.facts.gear import FixedAttenuatorsGear, InLineGear, ViaviOtdrGear
from emulators.plant.patch_panel import PatchRefused
from emulators.plant.path import Element, FibreEnd, FibreSpan, InlineLoss, OpticalPath

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.facts.gear import LeadFibre
    from drivers.facts.inventory import Station
    from drivers.facts.lab import FibreEndUse, PatchEnd
    from emulators.plant.fibre_plant import FibrePlant
    from emulators.plant.link import Link

# ASSUMED: no public data sheet of the attenuators gives it; good connectors do better than -50 dB.
_ATTENUATOR_REFLECTANCE_DB = -50.0
_FAR_END: dict[FibreEndUse, FibreEnd] = {
    "qkd": FibreEnd("terminated"),
    "otdr": FibreEnd("terminated"),
    "nothing": FibreEnd("open_pc"),
}


class FibreEnds:
    """Both ends of the station's fibre, each connected to its QKD appliance until somebody moves it.

    Attenuators in line lie between the fibre and the panel of their site, those of a site between the ends
    at the receiver's. The quantum channel is dark unless both ends are connected to their appliances.
    """

    def __init__(
        self, station: Station, plant: FibrePlant, link: Link, note: Callable[[str, str], None]
    ) -> None:
        self._plant = plant
        self._link = link
        self._note = note
        self._sites = (station.site_of_end("alice"), station.site_of_end("bob"))
        self._told = (
            f"OTDR light reached the transmitter of {station.appliance_at('alice')}",
            f"OTDR light reached the receiver of {station.appliance_at('bob')}",
        )
        self._attenuators = _attenuators_by_end(station, first_site=self._sites[0])
        self._leads = {
            gear.site: (_lead(gear.launch), _lead(gear.tail))
            for gear in station.gear.values()
            if isinstance(gear, ViaviOtdrGear)
        }
        self._uses: list[FibreEndUse] = ["qkd", "qkd"]
        self._lit: set[int] = set()
        self._reaching: set[int] = set()
        """Ends whose OTDR's light reaches an appliance now, of which the journal was told."""
        link.when_set(self._tell_light)

    def patch(self, patch: PatchEnd) -> None:
        """Connect an end to something else, from now on; PatchRefused for a site without an end."""
        end = self._end_at(patch.site)
        self._uses[end] = patch.to
        self._note("patched", f"fibre end at {patch.site}: connected to {patch.to}")
        self._link.set_joined(is_joined=self._uses == ["qkd", "qkd"])

    def path_seen(self, site: str) -> OpticalPath | None:
        """Return what the OTDR at `site` sees now, nearest first; None if there is no fibre before it.

        Its launch fibre lies between it and the panel. Its tail is put on at the far end, unless that is
        connected to its appliance. An end that is not connected to the OTDR leaves the launch fibre alone.
        PatchRefused for a site without an end.
        """
        near = self._end_at(site)
        launch, tail = self._leads.get(site, ((), ()))
        if self._uses[near] != "otdr":
            return _path_of(launch, _FAR_END["nothing"])
        fibre = self._plant.seen_from(far_end=near == 1)
        elements = [*launch, *self._inline(near), *fibre.elements]
        far_end = fibre.far
        if not self._plant.is_cut():
            use = self._uses[1 - near]
            elements += self._inline(1 - near)
            if use != "qkd":
                elements += tail
            far_end = _FAR_END[use]
        path = _path_of(*_until_blocked(elements, far_end))
        return None if path is None else path.at_temperature(fibre.temperature_c)

    def light_on(self, site: str) -> None:
        """Say that the OTDR at `site` shines, until `light_off`. PatchRefused for a site without an end.

        Light that reaches an appliance, now or by what changes meanwhile, is noted. No key comes of the
        windows of that time: the quantum channel is dark while an end is connected to an OTDR.
        """
        self._lit.add(self._end_at(site))
        self._tell_light()

    def light_off(self, site: str) -> None:
        """Say that the OTDR at `site` does not shine any more."""
        self._lit.discard(self._end_at(site))
        self._tell_light()

    def _end_at(self, site: str) -> int:
        first, second = self._sites
        if first == second:
            raise PatchRefused(f"both ends of the fibre are at {first!r}; the panel cannot tell them apart")
        if site not in self._sites:
            raise PatchRefused(f"no end of the fibre is at {site!r}; the ends are at {first} and {second}")
        return self._sites.index(site)

    def _inline(self, end: int) -> list[InlineLoss]:
        losses_db = [self._link.counted_db(gear) for gear in self._attenuators[end]]
        return [InlineLoss(loss_db, _ATTENUATOR_REFLECTANCE_DB) for loss_db in losses_db if loss_db]

    def _tell_light(self) -> None:
        reaching = {end for end in self._lit if self._reaches_appliance(end)}
        for end in sorted(reaching - self._reaching):
            self._note("otdr light", self._told[1 - end])
        self._reaching = reaching

    def _reaches_appliance(self, end: int) -> bool:
        is_towards_appliance = self._uses[end] == "otdr" and self._uses[1 - end] == "qkd"
        return is_towards_appliance and not self._plant.is_cut() and not self._is_blocked()

    def _is_blocked(self) -> bool:
        return any(element.loss == math.inf for end in (0, 1) for element in self._inline(end))


def _attenuators_by_end(station: Station, first_site: str) -> tuple[list[str], list[str]]:
    """Return the names of all gear in line: at the fibre's first end, and at its second."""
    in_line = {name: gear.site for name, gear in station.gear.items() if isinstance(gear, InLineGear)}
    for gear in station.gear.values():
        if isinstance(gear, FixedAttenuatorsGear):
            in_line |= dict.fromkeys(gear.pieces, gear.site)
    first = [name for name, site in in_line.items() if site == first_site]
    return first, [name for name in in_line if name not in first]


def _lead(lead: LeadFibre | None) -> tuple[FibreSpan, ...]:
    return () if lead is None else (FibreSpan(lead.length_m, fibre_type(lead.fibre)),)


def _until_blocked(elements: Sequence[Element], far: FibreEnd) -> tuple[Sequence[Element], FibreEnd]:
    """Return elements and end as far as light gets: a blocked attenuator ends the path."""
    for index, element in enumerate(elements):
        if isinstance(element, InlineLoss) and element.loss == math.inf:
            return elements[:index], FibreEnd("terminated", _ATTENUATOR_REFLECTANCE_DB)
    return elements, far


def _path_of(elements: Sequence[Element], far: FibreEnd) -> OpticalPath | None:
    has_fibre = any(isinstance(element, FibreSpan) for element in elements)
    return OpticalPath(tuple(elements), far=far) if has_fibre else None
