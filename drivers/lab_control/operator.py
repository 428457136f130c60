"""Role `Operator` on an emulated lab: its patch panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import StationError
from drivers.facts.lab import ControlRequest
from drivers.roles import OperatorAnswer

if TYPE_CHECKING:
    from drivers.lab_control.control import LabControl
    from drivers.roles import OperatorTask


class LabOperator:
    """Makes the patch that a task asks for; it takes no lab time."""

    def __init__(self, control: LabControl) -> None:
        self._control = control

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        """Patch as `task` says; StationError for a task without a patch, LabError if the panel refuses."""
        if task.patch is None:
            raise StationError(f"an emulated lab has nobody who could do this, only a patch panel: {task.do}")
        self._control.ask(ControlRequest(do="patch", patch=task.patch))
        return OperatorAnswer("done", answered_by="emulated lab")
