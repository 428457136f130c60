"""The patch panel: which devices are in line with the fibre, and what their places add to the link.

A device in line adds its insertion loss, unless the station's reference of 0 dB holds that already. One
whose input or output is taken off its place in the link lets no light of the link pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.inventory import Reference
    from drivers.facts.lab import Patch, PatchPort
    from emulators.plant.link import Link


class PatchRefused(Exception):
    """A patch that cannot be made; the text is the reason."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What the place of a device adds to the link in dB, whatever the device is set to."""

    in_line_db: float
    out_db: float


@dataclass(slots=True)
class _Ports:
    """What the ports of a device are connected to, and how often its input was plugged into a source."""

    in_line: bool
    to: dict[str, str] = field(init=False)
    source_matings: int = 0

    def __post_init__(self) -> None:
        self.put_in_line(in_line=self.in_line)

    def put_in_line(self, *, in_line: bool) -> None:
        self.in_line = in_line
        self.to = dict.fromkeys(("input", "output"), "link" if in_line else "nothing")

    def connect(self, patch: PatchPort) -> None:
        if patch.to == "source" and self.to[patch.port] != "source":
            self.source_matings += 1
        self.to[patch.port] = patch.to

    @property
    def are_at_home(self) -> bool:
        return set(self.to.values()) == {"link" if self.in_line else "nothing"}

    @property
    def passes_light(self) -> bool:
        return not self.in_line or self.are_at_home

    @property
    def sends_source_into_link(self) -> bool:
        return self.to == {"input": "source", "output": "link"}


class PatchPanel:
    """Puts devices in line with `link` and takes them out; `note` writes into the lab's journal."""

    def __init__(self, link: Link, reference: Reference, note: Callable[[str, str], None]) -> None:
        self._link = link
        self._reference = reference
        self._note = note
        self._places: dict[str, _Place] = {}
        self._ports: dict[str, _Ports] = {}

    def mount(self, gear: str, insertion_loss_db: float, *, in_line: bool = True) -> None:
        """Give a device its place; it stays in line or not until somebody patches it."""
        is_counted = self._reference.kind == "referenced_out"
        reference_db = insertion_loss_db if is_counted else 0.0
        self._places[gear] = _Place(in_line_db=insertion_loss_db - reference_db, out_db=-reference_db)
        self._ports[gear] = _Ports(in_line)
        self._apply(gear)

    def patch(self, patch: Patch) -> None:
        """Put a device in line or take it out, from now on.

        PatchRefused for one that has no place here, or of which a port is connected elsewhere: whoever moves
        the device does not see to its other cords.
        """
        ports = self._ports_of(patch.gear)
        is_out_already = not ports.in_line and not patch.in_line
        if not ports.are_at_home and not is_out_already:
            cords = " and ".join(f"its {port} is connected to {to}" for port, to in ports.to.items())
            raise PatchRefused(f"{patch.gear!r} cannot be moved while {cords}; put that right first")
        if not is_out_already:
            ports.put_in_line(in_line=patch.in_line)
        self._apply(patch.gear)
        state = "in line" if patch.in_line else "taken out, the fibre joined without it"
        self._note("patched", f"{patch.gear}: {state}")

    def patch_port(self, patch: PatchPort) -> None:
        """Connect a port of a device to something else, from now on.

        PatchRefused for one that has no place here, or that is not in line and so has no place in the link.
        """
        ports = self._ports_of(patch.gear)
        if patch.to == "link" and not ports.in_line:
            raise PatchRefused(f"{patch.gear!r} is not in line: its {patch.port} has no place in the link")
        ports.connect(patch)
        self._apply(patch.gear)
        self._note("patched", f"{patch.gear}: {patch.port} connected to {patch.to}")
        if ports.sends_source_into_link:
            self._note("source light", f"light of the source at {patch.gear} reached the link")

    def source_mating(self, gear: str) -> int:
        """Return how often the input of a device was plugged into a source, if it is at one now; 0 if not."""
        ports = self._ports_of(gear)
        return ports.source_matings if ports.to["input"] == "source" else 0

    def _ports_of(self, gear: str) -> _Ports:
        if gear not in self._ports:
            known = ", ".join(self._ports) or "nothing"
            raise PatchRefused(f"{gear!r} is not at the patch panel; there: {known}")
        return self._ports[gear]

    def _apply(self, gear: str) -> None:
        place, ports = self._places[gear], self._ports[gear]
        place_db = place.in_line_db if ports.in_line else place.out_db
        self._link.set_place(gear, place_db if ports.passes_light else math.inf, in_line=ports.in_line)
