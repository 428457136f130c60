"""The shipped station on a lab process of its own, which can be killed and started where it died."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import yaml

from drivers.facts.lab import LabAddresses
from drivers.lab_control.clock import VirtualLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.lab_control.plant import LabPlant
from drivers.station import open_station
from drivers.wires.byte_log import NO_LOG
from tests.plant.plants import PROJECT, shipped_station

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from drivers.facts.telemetry import TelemetryRecord
    from drivers.station import Station


class Bench:
    """An open station on a lab process; its first window is second 0."""

    def __init__(self, station: Station, t0_s: float, faults: LabFaults, plant: LabPlant) -> None:
        self.station = station
        self.t0_s = t0_s
        self.plant = plant
        self._faults = faults

    def now_s(self) -> float:
        """Return lab time in s from its first window."""
        return self.station.clock.now_s() - self.t0_s

    def to(self, t_s: float) -> None:
        """Go on to a lab time, in s from its first window."""
        self.station.clock.wait_until(self.t0_s + t_s)

    def journal(self, *kinds: str) -> list[tuple[float, str]]:
        """Return what was noted of some kinds, with its time in s from the first window."""
        entries = self._faults.journal()
        return [(entry.t_s - self.t0_s, entry.text) for entry in entries if entry.kind in kinds]

    def records(self) -> Sequence[TelemetryRecord]:
        """Return all records since the last reading."""
        return self.station.receiver().read_telemetry().records


@contextmanager
def bench(folder: Path, go_on_at_s: float | None = None) -> Generator[Bench]:
    """Serve the shipped station in `folder` and open it; the lab is killed at the end.

    A new lab's attenuator is opened and its telemetry read up to second 5, where nothing of that is left.
    `go_on_at_s` (s from the first window) takes up the lab that died in `folder`.
    """
    t0_s = 1_704_067_200.0  # virtual_t0 of the plan `smoke`
    content = yaml.safe_load((PROJECT / "inventory.yaml").read_text())
    # A fault of the fibre is held against the same attenuation, to the last bit.
    content["stations"]["paper-link"]["emulation"]["has_ideal_attenuator"] = True
    folder.mkdir(exist_ok=True)
    inventory = folder / "inventory.yaml"
    inventory.write_text(yaml.safe_dump(content))
    command = [sys.executable, "-m", "emulators", "serve", str(inventory), "--clock", "virtual"]
    if go_on_at_s is not None:
        command += ["--go-on-at-s", repr(t0_s + go_on_at_s)]
    lab = subprocess.Popen(
        [*command, "--folder", str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    with ExitStack() as stack:
        stack.callback(lab.communicate)
        stack.callback(lab.kill)
        assert lab.stdout is not None
        addresses = LabAddresses.model_validate_json(lab.stdout.readline())
        control = LabControl(addresses.control)
        stack.callback(control.close)
        plant = LabPlant(control)
        station = open_station(
            "paper-link",
            shipped_station(),
            addresses.connections,
            VirtualLabClock(control),
            NO_LOG,
            operator=LabOperator(control),
            plant=plant,
        )
        stack.callback(station.close)
        here = Bench(station, t0_s, LabFaults(control), plant)
        if go_on_at_s is None:
            station.attenuator().set_shutter_open(is_open=True)
            assert math.ceil(here.now_s()) <= 5
            here.to(5.0)
            station.receiver().skip_telemetry()
        yield here
