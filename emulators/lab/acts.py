"""What a client may do to the lab itself: plan faults, forget them, patch the fibre, harm and mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.lab import ControlRequest, PatchEnd, PatchPort
from emulators.plant.fibre_plant import EventRefused
from emulators.plant.patch_panel import PatchRefused

if TYPE_CHECKING:
    from collections.abc import Container

    from emulators.lab.faults import FaultSchedule
    from emulators.lab.history import History
    from emulators.plant.fibre_ends import FibreEnds
    from emulators.plant.fibre_plant import FibrePlant
    from emulators.plant.patch_panel import PatchPanel

ACTOR = "lab control"  # no gear can have that name
VERBS = ("inject", "clear_faults", "patch", "plant")


class ActRefused(Exception):
    """An act that cannot be done; the text is the reason."""


class LabActs:
    """Does the acts, and keeps them in the lab's history."""

    def __init__(
        self,
        faults: FaultSchedule,
        panel: PatchPanel,
        ends: FibreEnds,
        plant: FibrePlant,
        gear: Container[str],
        history: History,
    ) -> None:
        self._faults = faults
        self._panel = panel
        self._ends = ends
        self._plant = plant
        self._gear = gear
        self._history = history
        history.add_actor(ACTOR, self._do_again)

    def do(self, request: ControlRequest) -> None:
        """Do what `request`, one of VERBS, asks for; ActRefused with the reason if it cannot be done."""
        self._history.note(ACTOR, request.model_dump_json(exclude_none=True))
        if request.do == "clear_faults":
            self._faults.clear()
        elif request.do == "inject":
            self._inject(request)
        elif request.do == "plant":
            self._let_happen(request)
        else:
            self._patch(request)

    def _do_again(self, text: str) -> None:
        try:
            self.do(ControlRequest.model_validate_json(text))
        except ActRefused:
            return  # as it was the first time

    def _inject(self, request: ControlRequest) -> None:
        if request.fault is None:
            raise ActRefused("inject needs a fault")
        if request.fault.gear not in self._gear:
            raise ActRefused(f"no gear called {request.fault.gear!r}")
        self._faults.inject(request.fault)

    def _patch(self, request: ControlRequest) -> None:
        if request.patch is None:
            raise ActRefused("patch needs a patch")
        try:
            if isinstance(request.patch, PatchEnd):
                self._ends.patch(request.patch)
            elif isinstance(request.patch, PatchPort):
                self._panel.patch_port(request.patch)
            else:
                self._panel.patch(request.patch)
        except PatchRefused as refusal:
            raise ActRefused(str(refusal)) from None

    def _let_happen(self, request: ControlRequest) -> None:
        if request.plant is None:
            raise ActRefused("plant needs an event")
        try:
            self._plant.happen(request.plant)
        except EventRefused as refusal:
            raise ActRefused(str(refusal)) from None
