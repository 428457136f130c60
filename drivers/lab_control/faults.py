"""Role `FaultInjector` on an emulated lab: the lab's own fault schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.lab import ControlRequest, Fault, JournalEntry

if TYPE_CHECKING:
    from drivers.lab_control.control import LabControl


class LabFaults:
    """Plans faults in the lab and reads its journal."""

    def __init__(self, control: LabControl) -> None:
        self._control = control

    def inject(self, fault: Fault) -> None:
        """Add one fault to the lab's schedule; LabError for a device it does not have."""
        self._control.ask(ControlRequest(do="inject", fault=fault))

    def clear(self) -> None:
        """Remove every fault that is still scheduled."""
        self._control.ask(ControlRequest(do="clear_faults"))

    def journal(self) -> list[JournalEntry]:
        """Return the lab's journal, oldest first."""
        return self._control.ask(ControlRequest(do="journal")).journal or []
