"""The procedures of an acceptance, by the names that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweeps.record.facts import ProcedureName

PROCEDURE_TITLES: dict[ProcedureName, str] = {
    "fibre": "Fibre",
    "calibration": "Calibration of the attenuator",
    "stability": "Stability",
    "attenuation": "Attenuation sweep",
}


def procedures_not_run(done: Iterable[str | None]) -> list[str]:
    """Return the titles of the procedures of an acceptance that are not among `done`."""
    names = set(done)
    return [title for procedure, title in PROCEDURE_TITLES.items() if procedure not in names]
