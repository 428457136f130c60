"""The shipped station's fibre plant without a lab: link, plant and ends at a time that the test sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from drivers.facts.gear import InLineGear
from drivers.facts.inventory import Station
from emulators.plant.changed_path import with_hidden_loss
from emulators.plant.description import path_of_fibre
from emulators.plant.fibre_ends import FibreEnds
from emulators.plant.fibre_plant import FibrePlant
from emulators.plant.link import Link
from emulators.plant.patch_panel import PatchPanel

PROJECT = Path(__file__).parents[2]
T0_S = 1000.0
INSERTION_LOSS_DB = 1.5
SITE_A, SITE_B = "gdc_a", "gdc_b"


def station_content() -> dict[str, Any]:
    """Return the shipped station as it stands in YAML, without its OTDRs: a test puts its own there."""
    station = yaml.safe_load((PROJECT / "inventory.yaml").read_text())["stations"]["paper-link"]
    gear = {name: one for name, one in station["gear"].items() if one["role"] != "otdr"}
    return station | {"gear": gear}


def otdr_content(site: str, **leads: dict[str, Any]) -> dict[str, Any]:
    """Return an OTDR at a site, with `launch` and `tail` if given."""
    about = {"role": "otdr", "driver": "viavi_smartotdr", "site": site, "wavelengths_nm": [1550]}
    return about | leads


def shipped_station(**changes: Any) -> Station:  # noqa: ANN401 - any part of the inventory's station
    """Return the shipped station with some of its parts changed."""
    return Station.model_validate(station_content() | changes)


class Plant:
    """All optical parts of a lab, and what they note."""

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401 - as above
        station = shipped_station(**changes)
        self.now_s = T0_S
        self.notes: list[tuple[str, str]] = []
        extra_loss_db = station.emulation.extra_loss_db
        self.link = Link(lambda: self.now_s, station.fibre.wavelength_nm, extra_loss_db)
        self.panel = PatchPanel(self.link, station.reference, self.note)
        for name, gear in station.gear.items():
            if isinstance(gear, InLineGear):
                self.panel.mount(name, INSERTION_LOSS_DB)
        self.built = with_hidden_loss(path_of_fibre(station.fibre), extra_loss_db)
        self.fibre = FibrePlant(self.built, self.link, self.note)
        self.ends = FibreEnds(station, self.fibre, self.link, self.note)

    def note(self, kind: str, text: str) -> None:
        self.notes.append((kind, text))
