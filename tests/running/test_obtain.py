"""Which run is judged: one that is found, one that is taken up, or one that is made, and always why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from drivers.clock import utc_now_s
from sweeps.__main__ import app
from sweeps.procedures.registry import PROCEDURES
from sweeps.record.catalogue import list_runs
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Schedule
from sweeps.running.meta import meta_of
from sweeps.running.obtain import Wanted, _best_of, _why_none_of
from sweeps.running.time_left import is_time_over
from tests.acceptance.benches import PROJECT, write_inventory
from tests.running.broken_runs import bench, smoke

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


# Where a finished run lies, one may perhaps only read.
_ONLY_READING = """
import sqlite3
from sweeps.record import run_record

def refuse(path):
    raise sqlite3.OperationalError("nobody may write here")

run_record.open_to_write = refuse
"""


def test_an_acceptance_judges_the_run_that_it_finds_and_makes_no_other(copy: Path) -> None:
    runs = sorted((copy / "runs").iterdir())
    (copy / "reports").mkdir(exist_ok=True)
    (copy / "reports" / "only_reading.py").write_text(_ONLY_READING)
    plugins = ["-p", "no:cacheprovider", "-p", "reports.only_reading"]
    bench = ["--inventory=bench/inventory.yaml", *plugins, "-k", "test_stability"]
    done = in_copy(copy, "-m", "pytest", "hil_tests", *bench)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stability: found, since it is complete" in done.stdout
    assert sorted((copy / "runs").iterdir()) == runs
    report = json.loads((copy / "reports" / "acceptance.json").read_text())
    assert {check["verdict"] for check in report["checks"] if check["name"].startswith("stab")} == {"pass"}


def broken_off(folder: Path, clock: str, end_in_s: float, point: float | None = None) -> Path:
    """Leave a run whose schedule ends so many s from now, by a clock that is 100 s ahead."""
    bob = {"expected_end": "bob", "clock_offset_s": 100.0}
    about = {
        "procedure": "stability",
        "clock": clock,
        "ended": "KeyboardInterrupt: ",
        "appliances": {"bob": bob},
    }
    with RunRecord.create(folder, about) as run:
        number = None if point is None else run.add_point(0, point, point, point, 1550.0, 0.0, 0.1).number
        run.add_schedule(Schedule(number, utc_now_s() + 100.0 + end_in_s - 50.0, 1.0, 0, 50))
    return folder


@pytest.mark.parametrize(
    ("clock", "end_in_s", "point", "is_over"),
    [
        ("wall", 60.0, None, False),
        ("wall", 1.0, None, True),  # over before the link has settled
        ("wall", -60.0, None, True),
        ("virtual", -1e6, None, False),
        ("wall", -60.0, 5.0, False),  # a point of a sweep is visited again
    ],
)
def test_a_run_whose_time_is_over_is_made_anew_and_not_taken_up(
    tmp_path: Path, clock: str, end_in_s: float, point: float | None, *, is_over: bool
) -> None:
    folder = broken_off(tmp_path / "run", clock, end_in_s, point)
    assert is_time_over(folder) == is_over
    wanted = _best_of(list_runs(tmp_path))
    if is_over:
        assert wanted is None
        why = "run was broken off, and what is left of it can no longer be measured"
        assert _why_none_of(list_runs(tmp_path)) == why
    else:
        assert wanted == Wanted(folder, "resumed", "it was broken off")


def test_a_run_without_a_schedule_has_lost_nothing(tmp_path: Path) -> None:
    RunRecord.create(tmp_path / "run", {"procedure": "stability", "ended": "LabError: gone"}).close()
    assert not is_time_over(tmp_path / "run")


def test_an_older_run_that_can_go_on_is_taken_up_before_a_newer_one_that_cannot(tmp_path: Path) -> None:
    folder = broken_off(tmp_path / "older", "wall", 600.0)
    for name, started_utc_s in (("older", 1.0), ("newer", 2.0)):
        if name == "newer":
            broken_off(tmp_path / name, "wall", -60.0)
        with RunRecord.open(tmp_path / name) as run:
            run.set_meta("started_utc_s", started_utc_s)
    assert [run.name for run in list_runs(tmp_path)] == ["newer", "older"]
    assert _best_of(list_runs(tmp_path)) == Wanted(folder, "resumed", "it was broken off")


def test_who_takes_it_up_by_hand_is_told_what_comes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = smoke(bench(tmp_path / "bench"))
    folder = tmp_path / "run"
    with RunRecord.create(
        folder, meta_of(choice, PROCEDURES["stability"]), {"inventory.yaml": choice.inventory_bytes}
    ) as run:
        run.set_meta("clock", "wall")
        run.add_schedule(Schedule(None, 0.0, 1.0, 0, 60))
    taken_up: list[Path] = []

    def resumed(*arguments: object) -> None:
        taken_up.append(folder)
        assert folder in arguments

    monkeypatch.setattr("sweeps.running.commands.resume_procedure", resumed)
    done = CliRunner().invoke(app, ["resume", str(folder)])
    assert done.exit_code == 0
    assert "what is left of it can no longer be measured; all of it becomes gaps" in done.output
    assert taken_up == [folder]
