"""The core of an emulated lab in a thread: clock, faults, link, control, and a panel with one device."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import yaml

from drivers.facts.inventory import Inventory, Reference
from emulators.lab.acts import LabActs
from emulators.lab.clock import LabClock
from emulators.lab.control import Control
from emulators.lab.faults import FaultSchedule
from emulators.lab.history import History
from emulators.lab.journal import Journal
from emulators.plant.description import path_of_fibre
from emulators.plant.fibre_ends import FibreEnds
from emulators.plant.fibre_plant import FibrePlant
from emulators.plant.link import Link
from emulators.plant.patch_panel import PatchPanel

if TYPE_CHECKING:
    from drivers.facts.lab import ControlAddress
    from emulators.lab.clock import ClockKind

_INVENTORY = Path(__file__).parents[2] / "inventory.yaml"
STATION = Inventory.model_validate(yaml.safe_load(_INVENTORY.read_text())).stations["paper-link"]


class LabThread:
    """A clock and its control in a loop of their own, as in a lab process."""

    def __init__(self, kind: ClockKind = "virtual", factor: float = 1.0) -> None:
        self._ready = threading.Event()
        self._kind: ClockKind = kind
        self._factor = factor
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self.address: ControlAddress
        self.clock: LabClock
        self.loop: asyncio.AbstractEventLoop

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = LabClock(self._kind, t0_s=1000.0, factor=self._factor)
        journal = Journal(self.clock.now_s)
        self.faults = FaultSchedule(self.clock.now_s, journal)
        self.link = Link(self.clock.now_s, wavelength_nm=1550.0)
        panel = PatchPanel(self.link, Reference(kind="attenuator_removed"), journal.note)
        panel.mount("voa", insertion_loss_db=1.5)
        with TemporaryDirectory() as folder:
            history = History(Path(folder) / "history", self.clock.now_s)
            plant = FibrePlant(path_of_fibre(STATION.fibre), self.link, journal.note)
            self.ends = FibreEnds(STATION, plant, self.link, journal.note)
            acts = LabActs(self.faults, panel, self.ends, plant, {"voa", "bob"}, history)
            self.control = Control("lab 1", self.clock, journal, acts, idle_exit_s=None)
            await self._serve()
            history.close()

    async def _serve(self) -> None:
        self.address = await self.control.start()
        ticking = asyncio.create_task(self.clock.run())
        self._ready.set()
        await self.control.run_until_ended()
        ticking.cancel()
        self.control.close()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.control.ended.set)
        self._thread.join()
