"""A stability run that is killed at random moments and taken up again until it is done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import yaml

from drivers.clock import WallClock
from drivers.errors import RecordError
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.host_process import HostProcess, is_alive
from sweeps.record.run_record import RunRecord
from sweeps.running.run import run_procedure
from tests.acceptance.benches import PROJECT, write_inventory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LIMIT_S = 300.0
_SHARE_AT_START = 0.2
_START_S = 2.0
_RECORD_S = 0.003
# Share of the records over which the kills are spread; the rest is for what the last starts take.
_SHARE_UNDER_FIRE = 0.8


def plan_of(records: int, folder: Path) -> Path:
    """Write an inventory whose plan `smoke` has a stability run of `records`, one each 10 s."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_inventory(folder, {})
    content = yaml.safe_load(path.read_text())
    content["plans"]["smoke"]["stability"]["records"] = records
    content["plans"]["smoke"]["record_period_s"] = 10
    path.write_text(yaml.safe_dump(content))
    return path


def unbroken_run(place: Path, records: int) -> Path:
    """Make the run that nothing disturbs and return its folder."""
    choice = choose(plan_of(records, place), None, "smoke", "emulator", 1)
    run_procedure(choice, PROCEDURES["stability"], place / "run", Silent())
    return place / "run"


def measured_rows(folder: Path) -> list[str]:
    """Return every measured row in the order in which it was taken, with all that was measured, as JSON.

    Gaps follow as rows of their own: an unbroken run of the emulator has none.
    """
    with RunRecord.open(folder, is_read_only=True) as run:
        return [json.dumps(asdict(row), sort_keys=True) for row in (*run.slots(), *run.gaps())]


class Soak:
    """One run under fire. `seed` draws whom is killed and when."""

    def __init__(self, place: Path, records: int, seed: int) -> None:
        self.folder = place / "runs" / "run"
        self._place = place
        self._records = records
        self._inventory = plan_of(records, place / "soak")
        self._rng = np.random.default_rng(seed)
        self._clock = WallClock()

    def run(self, runner_kills: int, lab_kills: int) -> dict[str, int]:
        """Start the run, kill so many runners and labs, let it finish; return how many were killed.

        One kill in five comes at any moment of a start, the others after at least one record of their start,
        spread over the records. RuntimeError if a runner ends by itself with an error: nothing may stop it.
        """
        victims = ["runner"] * runner_kills + ["lab"] * lab_kills
        self._rng.shuffle(victims)
        killed = {"runner": 0, "lab": 0}
        for index, victim in enumerate(victims):
            while not self._kill_once(victim, self._next_target(len(victims) - index)):
                if self._taken() >= self._records:
                    raise RuntimeError("the run was done before all were killed; give it more records")
            killed[victim] += 1
        self._must_have_ended_well(self._start())
        return {"runner_kills": killed["runner"], "lab_kills": killed["lab"]}

    def _next_target(self, kills_left: int) -> int:
        """Draw the number of records at which to kill: on average so that all kills spread evenly."""
        taken = max(0, self._taken())
        room = max(0.0, _SHARE_UNDER_FIRE * self._records - taken)
        return taken + 1 + int(self._rng.uniform(0.0, 2.0 * room / (kills_left + 1)))

    def _kill_once(self, victim: str, target: int) -> bool:
        """Start a runner and kill it or its lab; return whether that was hit."""
        runner = self._start()
        if self._rng.random() < _SHARE_AT_START:
            self._clock.sleep(float(self._rng.uniform(0.0, _START_S)))
        else:
            self._wait_for(target, runner)
            self._clock.sleep(float(self._rng.uniform(0.0, _RECORD_S)))
        if runner.poll() is not None:
            self._must_have_ended_well(runner)
            return False
        if victim == "lab" and not self._kill_lab():
            self._kill(runner)  # there is no lab to kill yet: one runner more
            return False
        if victim == "lab":
            self._see_out(runner)
        self._kill(runner)
        return True

    def _see_out(self, runner: subprocess.Popen[bytes]) -> None:
        """Wait until a runner whose lab was killed ends, or, not having come to it yet, starts another."""
        self._wait_until(lambda: runner.poll() is not None or self._living_lab() is not None)

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline_s = self._clock.now_s() + _LIMIT_S
        while not is_so():
            if self._clock.now_s() > deadline_s:
                raise RuntimeError(f"nothing moves:\n{self._said.read_text()}")
            self._clock.sleep(0.002)

    def _kill(self, runner: subprocess.Popen[bytes]) -> None:
        runner.kill()
        runner.wait(_LIMIT_S)

    def _must_have_ended_well(self, runner: subprocess.Popen[bytes]) -> None:
        if runner.wait(_LIMIT_S) != 0:
            raise RuntimeError(f"a runner that nobody killed failed:\n{self._said.read_text()}")

    def _wait_for(self, target: int, runner: subprocess.Popen[bytes]) -> None:
        """Wait until `target` records are taken."""
        self._wait_until(lambda: runner.poll() is not None or self._taken() >= target)

    def _taken(self) -> int:
        try:
            with RunRecord.open(self.folder, is_read_only=True) as run:
                return run.count_records()
        except RecordError:
            return -1

    @property
    def _said(self) -> Path:
        return self._place / "runner.err"

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.soak.runner", str(self._inventory), str(self.folder)]
        with self._said.open("wb") as said:
            return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=said)

    def _kill_lab(self) -> bool:
        """Kill the lab of the run, if it has one that lives."""
        lab = self._living_lab()
        if lab is None:
            return False
        os.kill(lab.pid, signal.SIGKILL)
        return True

    def _living_lab(self) -> HostProcess | None:
        try:
            lab = HostProcess(**json.loads((self.folder / "lab-process.json").read_text()))
        except (OSError, ValueError):
            return None  # none yet
        # A dead one that nobody has waited for takes signals too.
        return lab if is_alive(lab) is True else None
