"""Attenuators to hold against the contract of their role: each emulated kind, or a real one.

A real one is used when the environment says where it is: QKD_ATTENUATOR_INVENTORY names an inventory and
QKD_ATTENUATOR the station and gear in it, as `station/gear`. It is moved through its whole range.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drivers.attenuators.fixed_attenuators import FixedAttenuators
from drivers.attenuators.oz_dd100mc import open_oz_dd100mc
from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.clock import WallClock
from drivers.errors import OperatorAbort
from drivers.facts.checked_yaml import read_checked
from drivers.facts.connections import VisaSocketConnection
from drivers.facts.defects import MvoaDefects, OzDd100Defects
from drivers.facts.gear import FixedAttenuatorsGear
from drivers.facts.inventory import Inventory, Reference
from drivers.facts.lab import Patch
from drivers.operators.terminal import TerminalOperator
from drivers.roles import Attenuator, OperatorAnswer, OperatorTask
from drivers.station import _open_gear
from drivers.wires.byte_log import NO_LOG
from emulators.attenuators.fixed_attenuators import true_losses_db
from emulators.attenuators.oz_dd100mc import EmulatedOzDd100
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.lab.streams import Streams
from emulators.plant.link import Link
from emulators.plant.patch_panel import PatchPanel
from tests.attenuators.oz_bench import LINK_NM, OzBench
from tests.attenuators.scpi_lab import DEADLINE_S, LabThread, ThreadClock, resource
from tests.attenuators.serial_lab import connection_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.clock import Clock

INVENTORY_VARIABLE = "QKD_ATTENUATOR_INVENTORY"
GEAR_VARIABLE = "QKD_ATTENUATOR"

# Paper, section 3.2 and Table 3: 3, 5 and 7 dB with 0.2 dB of uncertainty, 8 and 10 dB with 0.4 dB by two
# attenuators. That these two, and the 12 dB, are sums of the first three is inferred.
PAPERS_SET: dict[str, Any] = {
    "role": "attenuator",
    "driver": "fixed_attenuators",
    "site": "gdc_b",
    "calibration_nm": 1550,
    "pieces": {f"a{db}": {"nominal_db": db, "tolerance_db": 0.2} for db in (3, 5, 7)},
}


@dataclass(frozen=True)
class Rig:
    """One attenuator and the station's clock; more cannot be had of a real one."""

    voa: Attenuator
    clock: Clock
    close: Callable[[], None]


@dataclass(frozen=True)
class LightRig(Rig):
    """What can be seen of an emulated one on top: what it does to the light."""

    clock: ThreadClock
    lab: LabThread
    link: Link


@dataclass(frozen=True)
class EmulatedRig(LightRig):
    """What can be done to one at the end of a wire on top."""

    reopen: Callable[[], Attenuator]
    """Open it a second time, at the same address."""
    unplug: Callable[[], None]
    """Take its wire away."""
    restart: Callable[[], None]
    """Switch it off and on again and give the wire back."""
    setting: str
    """Text that is in its command to set an attenuation, and in no other."""


@dataclass(frozen=True)
class Wrong:
    """What both kinds can have wrong with them."""

    scale: float = 1.0
    stuck: bool = False
    breaks_at_db: float | None = None


RIGHT = Wrong()


def mvoa_rig(folder: Path, wrong: Wrong = RIGHT) -> EmulatedRig:
    del folder
    lab = LabThread()
    clock = ThreadClock(lab)
    link = Link(lab.clock.now_s, LINK_NM)
    defects = MvoaDefects(scale=wrong.scale, stuck=wrong.stuck, breaks_at_db=wrong.breaks_at_db)

    def device() -> EmulatedMvoa:
        return EmulatedMvoa("voa", link, lab.clock, defects)

    servers = [lab.serve(device())]
    port = servers[0].port

    def reopen() -> Attenuator:
        connection = VisaSocketConnection(resource=resource(port), deadline_s=DEADLINE_S)
        return open_viavi_mvoa("voa", connection, clock, NO_LOG)

    def unplug() -> None:
        lab.stop(servers.pop())

    def restart() -> None:
        if servers:
            unplug()
        servers.append(lab.serve(device(), port))

    voa = reopen()

    def close() -> None:
        voa.close()
        lab.close()

    return EmulatedRig(voa, clock, close, lab, link, reopen, unplug, restart, ":OUTP:ATT 1")


def oz_rig(folder: Path, wrong: Wrong = RIGHT) -> EmulatedRig:
    defects = OzDd100Defects(scale=wrong.scale, stuck=wrong.stuck, breaks_at_db=wrong.breaks_at_db)
    bench = OzBench(folder, defects)

    def unplug() -> None:
        bench.lab.on_line(bench.line.unplug)

    def restart() -> None:
        bench.line._device = EmulatedOzDd100("voa", bench.gear, bench.link, bench.lab.clock)
        bench.lab.on_line(bench.line.plug_in)

    def reopen() -> Attenuator:
        return open_oz_dd100mc("voa", connection_to(bench.line.port), LINK_NM, bench.clock, NO_LOG)

    return EmulatedRig(
        bench.voa, bench.clock, bench.close, bench.lab, bench.link, reopen, unplug, restart, "A"
    )


@dataclass
class PanelOperator:
    """Patches the panel as it is told, and keeps the tasks; it says no to those that are named."""

    panel: PatchPanel
    tasks: list[OperatorTask] = field(default_factory=list[OperatorTask])
    refused: str | None = None
    """Text in the task to which the operator says no."""

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        self.tasks.append(task)
        if self.refused is not None and self.refused in task.do:
            raise OperatorAbort(f"the operator aborted: {task.do}")
        assert isinstance(task.patch, Patch)
        self.panel.patch(task.patch)
        return OperatorAnswer("done", answered_by="test")


def fixed_gear(**changes: Any) -> FixedAttenuatorsGear:  # noqa: ANN401 - any part of the gear
    """Return the paper's set, with something changed."""
    return FixedAttenuatorsGear.model_validate(PAPERS_SET | changes)


def panel_for(gear: FixedAttenuatorsGear, link: Link, seed: int = 1) -> PatchPanel:
    """Return a panel with the true pieces of `gear` at it, none in line."""
    panel = PatchPanel(link, Reference(kind="attenuator_removed"), lambda _kind, _text: None)
    for piece, loss_db in true_losses_db("voa", gear, Streams(seed)).items():
        panel.mount(piece, loss_db, in_line=False)
    return panel


def fixed_rig(folder: Path, wrong: Wrong = RIGHT) -> LightRig:
    del folder
    lab = LabThread()
    link = Link(lab.clock.now_s, LINK_NM)
    gear = fixed_gear(defects={"scale": wrong.scale, "stuck": wrong.stuck})
    voa = FixedAttenuators("voa", "here", gear, PanelOperator(panel_for(gear, link)))
    return LightRig(voa, ThreadClock(lab), lab.close, lab, link)


def lab_rig(folder: Path) -> Rig:
    del folder
    path, place = os.environ[INVENTORY_VARIABLE], os.environ[GEAR_VARIABLE]
    inventory = read_checked(Path(path), Inventory).value
    assert inventory is not None, f"{path} has mistakes"
    station, _, name = place.partition("/")
    gear = inventory.stations[station].gear[name]
    connection = None if gear.lab is None else gear.lab.relative_to(Path(path).parent)
    clock = WallClock()
    if isinstance(gear, FixedAttenuatorsGear):
        voa = FixedAttenuators(name, gear.site, gear, TerminalOperator())
    else:
        voa = _open_gear(name, gear, connection, clock, NO_LOG)
    assert isinstance(voa, Attenuator)
    return Rig(voa, clock, voa.close)


EMULATED = {"mvoa": mvoa_rig, "oz_dd100mc": oz_rig}
LIGHT: dict[str, Callable[[Path, Wrong], LightRig]] = {**EMULATED, "fixed": fixed_rig}
EVERY: dict[str, Callable[[Path], Rig]] = {**EMULATED, "fixed": fixed_rig}
if INVENTORY_VARIABLE in os.environ:
    EVERY["lab"] = lab_rig
