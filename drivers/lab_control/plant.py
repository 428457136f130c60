"""Role `PlantEvents` on an emulated lab: its fibre plant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.lab import ControlRequest
from drivers.facts.plant_events import Mend

if TYPE_CHECKING:
    from drivers.facts.plant_events import FibreFault, PlantEvent
    from drivers.lab_control.control import LabControl


class LabPlant:
    """Lets things happen to the lab's fibre."""

    def __init__(self, control: LabControl) -> None:
        self._control = control

    def happen(self, event: PlantEvent) -> None:
        """Let `event` happen now; LabError for a place or a fault that the fibre does not have."""
        self._control.ask(ControlRequest(do="plant", plant=event))

    def mend(self, fault: FibreFault | None = None) -> None:
        """Put `fault` right, or all faults; LabError for one that the fibre does not have."""
        self.happen(Mend(fault=fault))
