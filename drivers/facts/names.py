"""Interface names: every command, path and field of a device's interface, with how well it is known.

One YAML file per interface in `drivers/facts/names/`. Each entry is marked `documented` (read in a
named source), `inferred` (follows from documented facts) or `assumed` (no public document gives it;
put the real one in when you have it, no code changes).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from drivers.facts.strict import Strict

FOLDER = Path(__file__).parent / "names"


class NameEntry(Strict):
    """One name and how well it is known."""

    name: str
    """The command, path or field; `{placeholders}` are filled by the driver."""
    status: Literal["documented", "inferred", "assumed"]
    source: str
    note: str = ""


class InterfaceNames(Strict):
    """All names of one interface."""

    interface: str
    entries: dict[str, NameEntry]

    def __getitem__(self, key: str) -> str:
        """Return the name stored under `key`; KeyError if the file has none."""
        return self.entries[key].name

    def unproven(self) -> dict[str, NameEntry]:
        """Return the entries that no source documents: those marked `assumed` and `inferred`."""
        return {key: entry for key, entry in self.entries.items() if entry.status != "documented"}


@cache
def load_names(interface: str) -> InterfaceNames:
    """Read `names/<interface>.yaml`; FileNotFoundError or pydantic's ValidationError if it is not right."""
    return InterfaceNames.model_validate(yaml.safe_load((FOLDER / f"{interface}.yaml").read_text()))
