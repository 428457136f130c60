"""The end of a check: how many devices were reached, and what to do next."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.contact.choice import Choice
    from drivers.contact.found import DeviceContact, Problem

BROUGHT_LATER = "only the procedure fibre needs it, when it stands at its end of the fibre"


def is_all_good(contacts: Sequence[DeviceContact], between: Sequence[Problem]) -> bool:
    """Return whether nothing is wrong with any device, and all that a link is made of were reached."""
    return not between and all(contact.is_no_hindrance() for contact in contacts)


def reached_line(contacts: Sequence[DeviceContact]) -> str:
    """Return how many of the devices were reached, and how many of them are as the inventory says."""
    reached = sum(contact.is_reached() for contact in contacts)
    right = sum(contact.is_as_expected() for contact in contacts)
    how_many = "all" if right == len(contacts) else right or "none"
    later = [contact.name for contact in contacts if contact.is_brought_later]
    note = f"; {' and '.join(later)}: {BROUGHT_LATER}" if later else ""
    return f"{reached} of {len(contacts)} devices reached, {how_many} as the inventory says{note}"


def next_words(*, is_good: bool) -> str:
    """Return what to do next in words; `next_command` is the command for it."""
    return "Next, see what a sweep would do:" if is_good else "Put the problems right, check again, and then:"


def next_command(choice: Choice) -> str:
    """Return the command that tells what a sweep of this station would do, and does nothing."""
    target = "lab" if choice.lab is None else "emulator"
    command = ["python", "-m", "sweeps", "run", "attenuation", "--plan", choice.plan_name, "--target", target]
    if str(choice.inventory) != "inventory.yaml":
        command += ["--inventory", str(choice.inventory)]
    if not choice.is_only_station:
        command += ["--station", choice.station_name]
    return shlex.join([*command, "--dry-run"])
