"""The procedures of an acceptance, by the names that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweeps.record.facts import ProcedureName

PROCEDURE_TITLES: dict[ProcedureName, str] = {
    "fibre": "Fibre",
    "calibration": "Calibration of the attenuator",
    "stability": "Stability",
    "attenuation": "Attenuation sweep",
}


class PlannedProcedures(Protocol):
    """A plan, as the inventory has it or as a run has frozen it."""

    @property
    def fibre(self) -> object | None:
        """How the fibre is measured; None if it is not."""
        ...

    @property
    def calibration(self) -> object | None:
        """How the attenuator is calibrated; None if it is not."""
        ...


def procedures_of(plan: PlannedProcedures) -> list[ProcedureName]:
    """Return the procedures that an acceptance by `plan` is made of; every plan has sweep and stability."""
    left_out = {
        "fibre": plan.fibre is None,
        "calibration": plan.calibration is None,
    }
    return [procedure for procedure in PROCEDURE_TITLES if not left_out.get(procedure)]


def procedures_not_run(done: Iterable[str | None], plan: PlannedProcedures) -> list[str]:
    """Return the titles of the procedures of an acceptance by `plan` that are not among `done`."""
    names = set(done)
    return [PROCEDURE_TITLES[procedure] for procedure in procedures_of(plan) if procedure not in names]
