"""Benches for tests: the shipped inventory with something changed, and runs made on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hil_tests.limits import load_limits
from hil_tests.verdict import judge
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.run import new_run_folder, run_procedure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil_tests.verdict import Check

PROJECT = Path(__file__).parents[2]
STATION = "paper-link"


def write_inventory(folder: Path, changes: Mapping[str, Any]) -> Path:
    """Write the shipped inventory with values changed; keys are dotted paths within the station."""
    content = yaml.safe_load((PROJECT / "inventory.yaml").read_text())
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        place = content["stations"][STATION]
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    limits = Path("hil_tests") / "limits"
    shutil.copytree(PROJECT / limits, folder / limits)
    path = folder / "inventory.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def measure_and_judge(inventory: Path, procedure: str, runs: Path, seed: int = 1) -> list[Check]:
    """Run a procedure on an emulated lab of `inventory`, as a person would, and judge what it recorded."""
    choice = choose(inventory, None, "smoke", "emulator", seed)
    folder = new_run_folder(runs, choice, procedure)
    run_procedure(choice, PROCEDURES[procedure], folder, Silent())
    with RunRecord.open(folder) as run:
        return judge(load_limits(choice.limits_path), run)


def run_pytest(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the HIL tests as a person does, reports and all, away from the project's own reports."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        str(PROJECT / "pyproject.toml"),
    ]
    command += ["--rootdir", str(PROJECT), str(PROJECT / "hil_tests"), "--runs", str(tmp_path / "runs")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        [*command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
