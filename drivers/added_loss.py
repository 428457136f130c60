"""What an added loss asks of the attenuator and of the operator, by the station's reference of 0 dB.

In line an attenuator adds its setting and its insertion loss. A reference that was measured with it in line
(`referenced_out`) holds the insertion loss already; one without it (`attenuator_removed`) does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import LimitError, StationError
from drivers.facts.gear import FixedAttenuatorsGear, InLineGear
from drivers.facts.lab import Patch
from drivers.roles import OperatorTask

if TYPE_CHECKING:
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import AttenuatorSpec, Operator


@dataclass(frozen=True, slots=True)
class LossRule:
    """How one station's attenuator makes an added loss."""

    gear: str
    site: str
    """Name of the place where it stands, for people."""
    is_removable: bool
    """Whether 0 dB has it taken out."""
    least_in_line_db: float
    """What it adds in line at its zero setting, in dB."""
    values_db: tuple[float, ...] | None = None
    """The only settings that it makes; None for all between its limits."""

    def removes_for(self, added_db: float) -> bool:
        """Return whether `added_db` is made by taking the attenuator out."""
        return self.is_removable and added_db == 0.0

    def setting_db(self, added_db: float) -> float:
        """Return the setting (0 dB or more) that adds `added_db` in line; LimitError if no setting does."""
        setting_db = added_db - self.least_in_line_db
        if setting_db < 0:
            allowed = f"0 (taken out), or {self.least_in_line_db:g} and more"
            raise LimitError(
                f"{self.gear}: {added_db:g} dB added is less than its insertion loss; possible: {allowed}"
            )
        if self.values_db is not None and not any(abs(setting_db - db) < 1e-6 for db in self.values_db):
            can = ", ".join(f"{db:g}" for db in self.values_db)
            raise LimitError(f"{self.gear}: {added_db:g} dB added cannot be made; possible: {can} dB")
        return setting_db

    def task_for(self, added_db: float) -> OperatorTask:
        """Return what an operator has to do before `added_db` can be set."""
        where = f"the attenuator {self.gear} ({self.site})"
        if self.removes_for(added_db):
            return OperatorTask(
                do=f"Take {where} out of the fibre and join the fibre without it.",
                why="0 dB added means here that the attenuator is removed.",
                patch=Patch(gear=self.gear, in_line=False),
            )
        return OperatorTask(
            do=f"Put {where} in line with the fibre.",
            why=f"{added_db:g} dB added are {self.least_in_line_db:g} dB of insertion loss and its setting.",
            patch=Patch(gear=self.gear, in_line=True),
        )


def loss_rule(facts: StationFacts, gear: str, spec: AttenuatorSpec) -> LossRule:
    """Return the rule of the attenuator `gear`; a measured insertion loss goes before that of `spec`."""
    gear_facts = facts.gear[gear]
    measured = gear_facts.insertion_loss if isinstance(gear_facts, InLineGear) else None
    insertion_loss_db = spec.insertion_loss_db if measured is None else measured.loss_db
    # Fixed attenuators are taken out one by one, by their own driver.
    is_removable = facts.reference.kind == "attenuator_removed" and not isinstance(
        gear_facts, FixedAttenuatorsGear
    )
    return LossRule(
        gear=gear,
        site=facts.sites[gear_facts.site].name,
        is_removable=is_removable,
        least_in_line_db=insertion_loss_db if is_removable else 0.0,
        values_db=spec.values_db,
    )


class Place:
    """Whether the attenuator is in line, as the operator said it: nothing on a wire can tell."""

    def __init__(self, station: str, operator: Operator | None) -> None:
        self._station = station
        self._operator = operator
        self._is_in_line: bool | None = None

    def bring_about(self, task: OperatorTask, *, in_line: bool) -> None:
        """Have `task` carried out, which ends with the attenuator in line or not, unless that is known.

        StationError if nobody can, OperatorAbort if the operator did not.
        """
        if self._is_in_line is in_line:
            return
        if self._operator is None:
            raise StationError(
                f"station {self._station}: this needs an operator, and there is none: {task.do}"
            )
        # Whoever breaks off may have got half-way.
        self._is_in_line = None
        self._operator.carry_out(task)
        self._is_in_line = in_line
