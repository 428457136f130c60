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
from sweeps.record.run_record import RunRecord
from sweeps.running.run import run_procedure
from tests.acceptance.benches import PROJECT, write_inventory

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_S = 300.0
_SHARE_AT_START = 0.2
_START_S = 2.0
_RECORD_S = 0.003


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
    """Return every measured row in the order in which it was taken, with all that was measured, as JSON."""
    with RunRecord.open(folder, is_read_only=True) as run:
        return [json.dumps(asdict(slot), sort_keys=True) for slot in run.slots()]


class Soak:
    """One run under fire. `seed` draws whom is killed and when."""

    def __init__(self, place: Path, records: int, seed: int) -> None:
        self.folder = place / "runs" / "run"
        self._records = records
        self._inventory = plan_of(records, place / "soak")
        self._rng = np.random.default_rng(seed)
        self._clock = WallClock()
        self._killed_labs: set[int] = set()

    def run(self, runner_kills: int, lab_kills: int) -> dict[str, int]:
        """Start the run, kill so many runners and labs, let it finish; return what happened.

        One kill in five comes at any moment of a start, the others spread evenly over the records.
        """
        victims = ["runner"] * runner_kills + ["lab"] * lab_kills
        self._rng.shuffle(victims)
        # The last fifth is left for what is taken between a start and its kill.
        targets = np.sort(self._rng.integers(0, 4 * self._records // 5, len(victims)))
        for victim, target in zip(victims, targets, strict=True):
            while not self._kill_once(victim, int(target)):
                if self._taken() >= self._records:
                    raise RuntimeError("the run was done before all were killed; give it more records")
        while self._start().wait(_LIMIT_S) != 0:
            continue
        return {"runner_kills": runner_kills, "lab_kills": lab_kills}

    def _kill_once(self, victim: str, target: int) -> bool:
        """Start a runner and kill it or its lab; return whether that was hit."""
        runner = self._start()
        if self._rng.random() < _SHARE_AT_START:
            self._clock.sleep(float(self._rng.uniform(0.0, _START_S)))
        else:
            self._wait_for(target, runner)
            self._clock.sleep(float(self._rng.uniform(0.0, _RECORD_S)))
        is_hit = self._kill_lab() if victim == "lab" else self._kill_runner(runner)
        if not is_hit:
            runner.kill()  # there was no lab to kill yet: one runner more
        self._see_out(runner)
        return is_hit

    def _wait_for(self, target: int, runner: subprocess.Popen[bytes]) -> None:
        """Wait until `target` records are taken."""
        while runner.poll() is None:
            if self._taken() >= target:
                return
            self._clock.sleep(0.002)

    def _taken(self) -> int:
        try:
            with RunRecord.open(self.folder, is_read_only=True) as run:
                return run.count_records()
        except RecordError:
            return -1

    def _see_out(self, runner: subprocess.Popen[bytes]) -> None:
        """Wait for the end of a runner that was killed, or whose lab was."""
        try:
            runner.wait(_LIMIT_S)
        finally:
            runner.kill()

    def _kill_runner(self, runner: subprocess.Popen[bytes]) -> bool:
        is_hit = runner.poll() is None
        runner.kill()
        return is_hit

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.soak.runner", str(self._inventory), str(self.folder)]
        return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _kill_lab(self) -> bool:
        try:
            pid = int(json.loads((self.folder / "lab.json").read_text())["pid"])
            if pid in self._killed_labs:
                return False  # the next one is not there yet; a process nobody waited for still takes signals
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            return False  # none yet, or none any more
        self._killed_labs.add(pid)
        return True
