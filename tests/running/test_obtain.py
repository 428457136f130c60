"""Which run is judged: one that is found, one that is taken up, or one that is made, and always why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.benches import PROJECT, write_inventory

if TYPE_CHECKING:
    from pathlib import Path

# Made by the copy's own code, as each process of it would; a line of JSON for each question.
_STEPS = """
import json, pathlib, signal, subprocess, sys
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.running import run
from sweeps.running.obtain import bring_about, find_wanted

class CtrlC(Silent):
    def advance(self, steps, text):
        raise KeyboardInterrupt

def ask(step, seed=1, plan="smoke", is_fresh=False, progress=None):
    choice = choose(pathlib.Path("bench/inventory.yaml"), None, plan, "emulator", seed)
    wanted = find_wanted(choice, PROCEDURES["stability"], pathlib.Path("runs"), is_fresh=is_fresh)
    print(json.dumps([step, wanted.how, wanted.why, wanted.folder.name]), flush=True)
    if progress is not None:
        try:
            bring_about(wanted, choice, PROCEDURES["stability"], progress)
        except KeyboardInterrupt:
            pass

def edit(path, more):
    with open(path, "a") as file:
        file.write(more)

def git(*arguments):
    subprocess.run(["git", *arguments], check=True, capture_output=True)

ask("broken off", progress=CtrlC())
ask("taken up", progress=Silent())
ask("found", progress=Silent())
ask("another seed", seed=2)
ask("another plan", plan="paper")
ask("fresh", is_fresh=True)
limits = next(pathlib.Path("bench/hil_tests/limits").iterdir())
edit(limits, "# looked over\\n")
ask("limits edited")
edit("bench/inventory.yaml", "# looked over\\n")
ask("inventory edited")
git("checkout", "--", "bench")
edit("sweeps/choice.py", "# looked over\\n")
ask("code edited")
git("commit", "-am", "looked over")
ask("code committed", progress=CtrlC())
ask("the newer code's own")
git("checkout", "-q", "HEAD~1")
ask("back at the older code")
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project that is a repository of its own, its bench in it."""
    place = tmp_path_factory.mktemp("copy")
    for name in ("drivers", "emulators", "sweeps", "hil_tests"):
        shutil.copytree(PROJECT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(PROJECT / name, place / name)
    (place / "bench").mkdir()
    write_inventory(place / "bench", {})
    (place / ".gitignore").write_text("runs/\nreports/\n__pycache__/\n")
    git(place, "init", "-q")
    git(place, "config", "user.name", "bench")
    git(place, "config", "user.email", "bench@example.org")
    git(place, "config", "commit.gpgsign", "false")
    git(place, "add", ".")
    git(place, "commit", "-q", "-m", "as it is")
    return place


def git(place: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=place, check=True, capture_output=True)


def in_copy(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=place, env=environment, capture_output=True, text=True, check=False
    )


def test_a_run_is_found_taken_up_or_made(copy: Path) -> None:
    done = in_copy(copy, "-c", _STEPS)
    assert done.returncode == 0, done.stderr
    told = {step: (how, why, name) for step, how, why, name in map(json.loads, done.stdout.splitlines())}
    hows = {step: how for step, (how, _, _) in told.items()}
    assert hows == {
        "broken off": "made",
        "taken up": "resumed",
        "found": "found",
        "another seed": "made",
        "another plan": "made",
        "fresh": "made",
        "limits edited": "found",
        "inventory edited": "made",
        "code edited": "made",
        "code committed": "made",
        "the newer code's own": "resumed",
        "back at the older code": "found",
    }
    assert len({told[step][2] for step in ("broken off", "taken up", "found", "back at the older code")}) == 1
    assert told["the newer code's own"][2] == told["code committed"][2] != told["found"][2]
    assert "no run with this plan, inventory and seed" in told["broken off"][1]
    assert "a fresh run is wanted" in told["fresh"][1]
    assert "changes that are not committed" in told["code edited"][1]
    assert "made by other code" in told["code committed"][1]


def test_an_acceptance_judges_the_run_that_it_finds_and_makes_no_other(copy: Path) -> None:
    runs = sorted((copy / "runs").iterdir())
    bench = ["--inventory=bench/inventory.yaml", "-p", "no:cacheprovider", "-k", "test_stability"]
    done = in_copy(copy, "-m", "pytest", "hil_tests", *bench)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stability: found, since it is complete" in done.stdout
    assert sorted((copy / "runs").iterdir()) == runs
    report = json.loads((copy / "reports" / "acceptance.json").read_text())
    assert {check["verdict"] for check in report["checks"] if check["name"].startswith("stab")} == {"pass"}
