"""The patch panel: which devices are in line with the fibre, and what their places add to the link.

A device in line adds its insertion loss, unless the station's reference of 0 dB holds that already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.inventory import Reference
    from drivers.facts.lab import Patch
    from emulators.plant.link import Link


class PatchRefused(Exception):
    """A patch that cannot be made; the text is the reason."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What the place of a device adds to the link in dB, whatever the device is set to."""

    in_line_db: float
    out_db: float


class PatchPanel:
    """Puts devices in line with `link` and takes them out; `note` writes into the lab's journal."""

    def __init__(self, link: Link, reference: Reference, note: Callable[[str, str], None]) -> None:
        self._link = link
        self._reference = reference
        self._note = note
        self._places: dict[str, _Place] = {}

    def mount(self, gear: str, insertion_loss_db: float, *, in_line: bool = True) -> None:
        """Give a device its place; it stays in line or not until somebody patches it."""
        is_counted = self._reference.kind == "referenced_out"
        reference_db = insertion_loss_db if is_counted else 0.0
        self._places[gear] = _Place(in_line_db=insertion_loss_db - reference_db, out_db=-reference_db)
        self._apply(gear, in_line=in_line)

    def patch(self, patch: Patch) -> None:
        """Put a device in line or take it out, from now on; PatchRefused for one that has no place here."""
        if patch.gear not in self._places:
            known = ", ".join(self._places) or "nothing"
            raise PatchRefused(f"{patch.gear!r} is not at the patch panel; there: {known}")
        self._apply(patch.gear, in_line=patch.in_line)
        state = "in line" if patch.in_line else "taken out, the fibre joined without it"
        self._note("patched", f"{patch.gear}: {state}")

    def _apply(self, gear: str, *, in_line: bool) -> None:
        place = self._places[gear]
        self._link.set_place(gear, place.in_line_db if in_line else place.out_db, in_line=in_line)
