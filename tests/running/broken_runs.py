"""Runs that are broken off and taken up again, and what can be seen of them from outside."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import yaml

from drivers.clock import WallClock
from drivers.facts.lab import LabAddresses
from drivers.lab_control.clock import VirtualLabClock
from drivers.lab_control.control import LabControl
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.run import resume_procedure, run_procedure
from tests.acceptance.benches import PROJECT, write_inventory
from tests.running.dying import guards_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sweeps.choice import Choice, Target
    from sweeps.progress import Progress
    from sweeps.record.schema import Event

RECORDS = 30
PERIOD_S = 10.0


def bench(
    folder: Path,
    changes: Mapping[str, Any] | None = None,
    *,
    records: int = RECORDS,
    period_s: float = PERIOD_S,
) -> Path:
    """Write an inventory whose plan `smoke` has a stability run of `records`; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_inventory(folder, changes or {})
    edit_plan(path, "stability", {"records": records})
    edit_plan(path, "record_period_s", period_s)
    return path


def edit_plan(path: Path, key: str, value: object) -> None:
    """Change the plan `smoke` of an inventory."""
    content = yaml.safe_load(path.read_text())
    content["plans"]["smoke"][key] = value
    path.write_text(yaml.safe_dump(content))


def smoke(inventory: Path, target: Target = "emulator", seed: int = 1) -> Choice:
    """Return the plan `smoke` on the only station of an inventory."""
    return choose(inventory, None, "smoke", target, seed)


def die(inventory: Path, folder: Path, procedure: str, records: int, *more: str) -> None:
    """Work on the run of `folder` in a process killed after so many records, and wait for its guard."""
    command = [sys.executable, "-m", "tests.running.dying", str(inventory), str(folder), procedure]
    done = subprocess.run(
        [*command, f"--records={records}", *more], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_for_guard(folder)


def wait_for_guard(folder: Path) -> None:
    """Return when no guard is there any more."""
    clock = WallClock()
    deadline_s = clock.now_s() + 30.0
    while guards_of(folder):
        assert clock.now_s() < deadline_s
        clock.sleep(0.01)


def make(inventory: Path, folder: Path, procedure: str, progress: Progress | None = None) -> None:
    """Make a run here."""
    run_procedure(smoke(inventory), PROCEDURES[procedure], folder, progress or Silent())


def resume(inventory: Path, folder: Path, procedure: str, progress: Progress | None = None) -> None:
    """Take a run up again here."""
    resume_procedure(smoke(inventory), PROCEDURES[procedure], folder, progress or Silent())


def rows(folder: Path) -> list[str]:
    """Return every measured row by slot, with all that was measured, as JSON."""
    with RunRecord.open(folder, is_read_only=True) as run:
        by_slot = sorted(run.slots(), key=lambda slot: slot.slot)
        return [json.dumps(asdict(slot), sort_keys=True) for slot in by_slot]


def gaps(folder: Path) -> dict[int | None, str]:
    """Return the reason of each gap by its slot."""
    with RunRecord.open(folder, is_read_only=True) as run:
        return {gap.slot: gap.reason for gap in run.gaps()}


def events(folder: Path) -> list[Event]:
    """Return the journal of a run."""
    with RunRecord.open(folder, is_read_only=True) as run:
        return run.events()


def kinds(folder: Path) -> list[str]:
    """Return what kinds of events are in the journal, in turn."""
    return [event.kind for event in events(folder)]


def texts(folder: Path, kind: str) -> list[str]:
    """Return the texts of the journal's events of one kind."""
    return [event.text for event in events(folder) if event.kind == kind]


def meta(folder: Path) -> dict[str, Any]:
    """Return a run's facts."""
    with RunRecord.open(folder, is_read_only=True) as run:
        return run.meta()


def lab_of(folder: Path) -> LabAddresses:
    """Return the addresses of the folder's lab."""
    return LabAddresses.model_validate_json((folder / "lab.json").read_bytes())


def scpi(addresses: LabAddresses, command: str) -> str:
    """Tell the attenuator of a lab one command over a connection of its own; return the answer to a query."""
    _, host, port, _ = addresses.connections["voa"].model_dump()["resource"].replace("::", "|").split("|")
    with socket.create_connection((host, int(port)), timeout=10.0) as wire, wire.makefile("rwb") as lines:
        # The identity at the end: what comes before it is done then.
        lines.write(f"{command}\n*IDN?\n".encode())
        lines.flush()
        answers = [lines.readline().decode().strip()]
        if command.partition(" ")[0].endswith("?"):
            lines.readline()
    return answers[0]


def set_by_hand(folder: Path, attenuation_db: float, then_s: float) -> None:
    """Set the attenuator of a living virtual lab, as a foreign hand would, and let lab time pass."""
    addresses = lab_of(folder)
    control = LabControl(addresses.control, addresses.lab_id)
    scpi(addresses, f":OUTP:ATT 1,{attenuation_db}")
    VirtualLabClock(control).sleep(then_s)
    control.close()


class After(Silent):
    """Does something once so many records are taken."""

    def __init__(self, records: int) -> None:
        self._left = records

    def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
        """Count down."""
        self._left -= steps
        if self._left == 0:
            self.act()

    def act(self) -> None:
        """Do it."""
        raise NotImplementedError


class CtrlC(After):
    """Sends this process what Ctrl-C sends."""

    def act(self) -> None:
        """Send it."""
        signal.raise_signal(signal.SIGINT)
