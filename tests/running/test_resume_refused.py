"""A run is taken up only by what it was made with, by one process at a time; else it says what differs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from drivers.errors import RecordError, StationError
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.differences import differences
from sweeps.running.lease import run_lease
from sweeps.running.meta import choice_of_run
from sweeps.running.run import ResumeRefused, resume_procedure, run_procedure
from tests.acceptance.benches import PROJECT, STATION
from tests.running.broken_runs import CtrlC, bench, edit_plan, events, make, meta, resume, rows, smoke

if TYPE_CHECKING:
    from pathlib import Path

TAKEN = 3


@pytest.fixture(scope="module")
def broken_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("refused")
    with pytest.raises(KeyboardInterrupt):
        make(bench(place, records=6), place / "run", "stability", CtrlC(TAKEN))
    return place


@pytest.fixture
def broken(broken_once: Path) -> Path:
    """Return the folder of a run that was broken off; what refuses it changes nothing in it."""
    return broken_once / "run"


def refused(inventory: Path, folder: Path, seed: int = 1) -> list[str]:
    """Try to take a run up, and return what is said to differ."""
    with pytest.raises(ResumeRefused) as caught:
        resume_procedure(smoke(inventory, seed=seed), PROCEDURES["stability"], folder, Silent())
    assert str(caught.value).startswith(f"run {folder.name} cannot be taken up again:")
    assert f"python -m sweeps resume {folder} --new-leg" in str(caught.value)
    assert len(rows(folder)) == TAKEN
    return caught.value.changes


def edited(tmp_path: Path, broken: Path, dotted: str, value: Any) -> Path:  # noqa: ANN401 - any YAML value
    """Return a copy of the run's inventory with one value of its station changed."""
    content = yaml.safe_load((broken.parent / "inventory.yaml").read_text())
    *parents, last = dotted.split(".")
    place = content["stations"][STATION]
    for parent in parents:
        place = place[parent]
    place[last] = value
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_another_plan_is_named_value_by_value(broken: Path, tmp_path: Path) -> None:
    inventory = bench(tmp_path, records=7)
    edit_plan(inventory, "record_period_s", 11.0)
    changes = refused(inventory, broken)
    assert changes[:2] == ["plan.record_period_s: 10.0 -> 11.0", "plan.stability.records: 6 -> 7"]
    assert changes[2].startswith("plan.json: is not what was frozen")


def test_another_seed_is_named(broken: Path) -> None:
    assert refused(broken.parent / "inventory.yaml", broken, seed=2) == ["seed: 1 -> 2"]


def test_another_station_is_named_and_a_new_address_is_none(broken: Path, tmp_path: Path) -> None:
    was_db = smoke(broken.parent / "inventory.yaml").station.limits.added_db_max
    inventory = edited(tmp_path, broken, "limits.added_db_max", was_db - 1.0)
    assert refused(inventory, broken) == [f"station_facts.limits.added_db_max: {was_db} -> {was_db - 1.0}"]
    moved = edited(tmp_path, broken, "gear.voa.lab.resource", "TCPIP::198.51.100.99::8201::SOCKET")
    with RunRecord.open(broken, is_read_only=True) as run:
        assert differences(run.meta()["station_facts"]["gear"], {}) != []
        now = choice_of_run(broken, run, moved)
    assert now.lab_connections() != smoke(broken.parent / "inventory.yaml").lab_connections()
    with pytest.raises(ResumeRefused, match="seed") as caught:  # of the address nothing is said
        resume_procedure(smoke(moved, seed=9), PROCEDURES["stability"], broken, Silent())
    assert caught.value.changes == ["seed: 1 -> 9"]


def test_another_device_behind_the_same_address_is_named(broken: Path, tmp_path: Path) -> None:
    inventory = edited(tmp_path, broken, "gear.voa.lab.device", 2)
    assert refused(inventory, broken) == ["station_facts.gear.voa.device: 1 -> 2"]


def test_a_refusal_leaves_the_record_as_it_was(broken: Path) -> None:
    true, ended, sessions = meta(broken)["appliances"], meta(broken)["ended"], sessions_of(broken)
    journal = events(broken)
    with RunRecord.open(broken) as run:
        run.set_meta("appliances", {**true, "bob": {**true["bob"], "serial": "OLD-17"}})
    before = meta(broken)
    try:
        refused(broken.parent / "inventory.yaml", broken)
        assert meta(broken) == before
        assert (meta(broken)["ended"], sessions_of(broken), events(broken)) == (ended, sessions, journal)
    finally:
        with RunRecord.open(broken) as run:
            run.set_meta("appliances", true)


def sessions_of(folder: Path) -> list[dict[str, Any]]:
    with RunRecord.open(folder, is_read_only=True) as run:
        return run.sessions()


def test_another_device_is_named_by_its_serial_number(broken: Path) -> None:
    inventory = broken.parent / "inventory.yaml"
    true = meta(broken)["appliances"]
    with RunRecord.open(broken) as run:
        run.set_meta("appliances", {**true, "bob": {**true["bob"], "serial": "OLD-17"}})
    try:
        assert refused(inventory, broken) == ["bob.serial: OLD-17 -> EMULATED-BOB"]
    finally:
        with RunRecord.open(broken) as run:
            run.set_meta("appliances", true)


def test_a_plan_that_was_tampered_with_or_lost_is_refused(broken: Path) -> None:
    plan = broken / "plan.json"
    frozen = plan.read_bytes()
    assert plan.stat().st_mode & 0o222 == 0
    said = ["plan.json: is not what was frozen when the run began"]
    plan.unlink()
    try:
        assert refused(broken.parent / "inventory.yaml", broken) == said
        plan.write_bytes(frozen.replace(b'"records":6', b'"records":5'))
        assert refused(broken.parent / "inventory.yaml", broken) == said
    finally:
        plan.write_bytes(frozen)


def test_a_run_that_a_living_process_works_on_is_refused_by_its_owners_name(broken: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(broken)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StationError, match=rf"the run run is in use: by .* process {holder.pid}, since"):
            resume(broken.parent / "inventory.yaml", broken, "stability")
    finally:
        holder.communicate("")
    assert not (broken / "run.owner.json").exists()


_HOLD = """
import sys, pathlib
from sweeps.running.lease import run_lease
with run_lease(pathlib.Path(sys.argv[1]), "runner"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_who_resumes_waits_for_a_guard_that_is_at_work(broken: Path) -> None:
    code = _HOLD.replace('"runner"', '"guard"').replace("sys.stdin.read()", "sys.stdin.readline()")
    guard = subprocess.Popen(
        [sys.executable, "-c", code, str(broken)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert guard.stdout is not None
    assert guard.stdin is not None
    assert guard.stdout.readline() == "held\n"
    waiter = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(broken)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):  # past the moment after which a runner is refused
            waiter.wait(1.2)
        guard.communicate("\n")
        assert waiter.stdout is not None
        assert waiter.stdout.readline() == "held\n"
        assert json.loads((broken / "run.owner.json").read_text())["pid"] == waiter.pid
    finally:
        guard.kill()
        guard.communicate()
        waiter.communicate("")


def test_a_new_leg_is_a_run_of_its_own_that_names_the_one_before(broken: Path, tmp_path: Path) -> None:
    inventory = bench(tmp_path, records=2)
    run_procedure(smoke(inventory), PROCEDURES["stability"], tmp_path / "leg", Silent(), follows=broken.name)
    assert meta(tmp_path / "leg")["follows"] == broken.name
    assert len(rows(tmp_path / "leg")) == 2
    assert len(rows(broken)) == TAKEN


def test_what_is_no_run_is_told_in_words(tmp_path: Path) -> None:
    with (
        RunRecord.create(tmp_path / "bare", {"procedure": "stability"}) as run,
        pytest.raises(RecordError, match="does not tell its base_folder, station"),
    ):
        choice_of_run(tmp_path / "bare", run)
    with pytest.raises(RecordError, match="there is no such folder"), run_lease(tmp_path / "none", "runner"):
        pass
    assert not (tmp_path / "none").exists()


def test_a_record_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed while a run is created leaves a folder that nobody takes for one."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sweeps.record.database.closing", killed)
        with pytest.raises(KeyboardInterrupt):
            RunRecord.create(tmp_path / "run", {}, {"plan.json": b"{}"})
    assert (tmp_path / "run" / "plan.json").exists()
    with pytest.raises(RecordError, match="there is no record"):
        RunRecord.open(tmp_path / "run")


@pytest.mark.parametrize(
    ("before", "now", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: 1 -> 2"]),
        ({"a": 1}, {}, ["a: 1 -> nothing"]),
        ({}, {"a": [1]}, ["a: nothing -> [1]"]),
        ({"a": {"b": 1}}, {"a": None}, ["a: {'b': 1} -> nothing"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a: [1, 2] -> [2, 1]"]),
        ({"a": 1.0}, {"a": 1}, []),
    ],
)
def test_differences_name_the_place_and_both_values(
    before: dict[str, object], now: dict[str, object], lines: list[str]
) -> None:
    assert differences(before, now) == lines
