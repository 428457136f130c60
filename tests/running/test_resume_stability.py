"""A stability run that is broken off in any way ends with the very rows of one that was not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from drivers.errors import LabError, RecordError
from sweeps.record.host_process import process_of
from sweeps.record.run_record import RunRecord
from sweeps.running import lab_process
from sweeps.running.lab_process import living_lab
from tests.running.broken_runs import (
    RECORDS,
    After,
    CtrlC,
    bench,
    die,
    events,
    gaps,
    kinds,
    lab_of,
    make,
    meta,
    resume,
    rows,
    set_by_hand,
    smoke,
    texts,
)
from tests.running.dying import AT_START, PREPARED, kill
from tests.soak.killing import Soak, measured_rows, unbroken_run

if TYPE_CHECKING:
    from pathlib import Path


class LabKilled(After):
    def __init__(self, records: int, folder: Path) -> None:
        super().__init__(records)
        self._folder = folder

    def act(self) -> None:
        kill([lab_of(self._folder).pid])


def test_a_run_whose_lab_lives_attaches_to_it_again(tmp_path: Path, unbroken: list[str]) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "stability", 7)
    lab = living_lab(folder)
    assert lab is not None
    resume(inventory, folder, "stability")
    assert lab_of(folder) == lab
    assert living_lab(folder) is None
    assert rows(folder) == unbroken
    assert gaps(folder) == {}
    assert texts(folder, "end") == [f"schedule over: {RECORDS} of {RECORDS} records, 0 gaps"]
    assert kinds(folder) == ["start", "found unsafe", "safe state", "resume", "safe state", "end"]
    assert texts(folder, "safe state")[0].startswith("by the guard, after the runner was gone")
    with RunRecord.open(folder) as run:
        assert len(run.sessions()) == 2


def test_a_run_whose_lab_died_too_goes_on_in_one_that_is_where_it_was(
    tmp_path: Path, unbroken: list[str]
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "stability", 7, "--victim=lab")
    assert living_lab(folder) is None
    newest_s = events(folder)[-1].lab_time_s
    resume(inventory, folder, "stability")
    assert rows(folder) == unbroken
    assert gaps(folder) == {}
    assert all(event.lab_time_s >= newest_s for event in events(folder) if event.kind == "resume")


@pytest.mark.parametrize("left", [b"", b"XX\nXX\n"], ids=["nothing", "damaged"])
def test_a_run_whose_lab_left_no_whole_history_says_so_and_waits(tmp_path: Path, left: bytes) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "stability", 7, "--victim=lab")
    history = folder / "lab-history.jsonl"
    kept = history.read_bytes()
    history.write_bytes(left)
    with pytest.raises(LabError, match=r"did not start: .*lab-history.jsonl: "):
        resume(inventory, folder, "stability")
    history.write_bytes(kept)
    resume(inventory, folder, "stability")
    assert len(rows(folder)) == RECORDS


def test_a_run_that_has_not_begun_to_measure_begins_anew(tmp_path: Path, unbroken: list[str]) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "stability", AT_START)
    left = living_lab(folder)
    assert left is not None
    resume(inventory, folder, "stability")
    assert lab_of(folder).lab_id != left.lab_id
    assert rows(folder) == unbroken


def test_a_run_that_only_loses_its_lab_is_told_so_and_can_be_taken_up(
    tmp_path: Path, unbroken: list[str]
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    with pytest.raises(LabError, match="gone"):
        make(inventory, folder, "stability", LabKilled(5, folder))
    assert meta(folder)["ended"].startswith("LabError")
    assert "finished_utc_s" not in meta(folder)
    resume(inventory, folder, "stability")
    assert rows(folder) == unbroken
    assert "ended" not in meta(folder)


def test_a_run_that_was_interrupted_twice_ends_as_if_it_had_not_been(
    tmp_path: Path, unbroken: list[str]
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        make(inventory, folder, "stability", CtrlC(1))
    with pytest.raises(KeyboardInterrupt):
        resume(inventory, folder, "stability", CtrlC(7))
    assert meta(folder)["ended"].startswith("KeyboardInterrupt")
    resume(inventory, folder, "stability")
    assert rows(folder) == unbroken
    assert gaps(folder) == {}
    assert kinds(folder).count("resume") == kinds(folder).count("safe state") - 1 == 2
    with pytest.raises(RecordError, match="has finished; there is nothing to resume"):
        resume(inventory, folder, "stability")


def test_what_was_taken_is_there_whoever_is_killed_whenever(tmp_path: Path) -> None:
    """A small soak; `make soak` runs a large one."""
    soak = Soak(tmp_path, records=300, seed=2)
    assert soak.run(runner_kills=1, lab_kills=1) == {"runner_kills": 1, "lab_kills": 1}
    unbroken_rows = measured_rows(unbroken_run(tmp_path / "unbroken", 300))
    assert len(unbroken_rows) == 300
    assert measured_rows(soak.folder) == unbroken_rows


def test_what_was_made_in_the_dark_between_sessions_is_a_gap_and_never_measured(
    tmp_path: Path, unbroken: list[str]
) -> None:
    inventory, folder = bench(tmp_path, {"safe_state.attenuator": "maximum"}), tmp_path / "run"
    die(inventory, folder, "stability", 7)
    assert "found: the attenuator is set to 0 dB" in texts(folder, "safe state")[0]
    set_by_hand(folder, attenuation_db=12.0, then_s=45.0)  # where it is; only time passes
    # Killed once more, so that whoever ends the run must know of the first absence from the record alone.
    die(inventory, folder, "stability", 2)
    set_by_hand(folder, attenuation_db=12.0, then_s=25.0)
    resume(inventory, folder, "stability")
    missed = gaps(folder)
    assert len(missed) >= 6
    assert all("broken off" in reason and "not at its reference" in reason for reason in missed.values())
    assert {*missed} & {7, 8, 9, 10} == {7, 8, 9, 10}
    with RunRecord.open(folder) as run:
        slots = run.slots()
    assert sorted([slot.slot for slot in slots] + [slot for slot in missed if slot is not None]) == list(
        range(RECORDS)
    )
    # Bright as those of the unbroken run; 12 dB leave hardly any key.
    assert all(slot.record.skr_bps > 1000.0 for slot in slots)
    assert rows(folder)[:7] == unbroken[:7]


def test_a_foreign_hand_between_sessions_is_remembered_by_those_that_come_after(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "stability", 7, "--victim=guard")
    set_by_hand(folder, attenuation_db=10.0, then_s=35.0)
    # This one puts the link right and dies before it has taken a record.
    die(inventory, folder, "stability", PREPARED, "--victim=guard")
    assert "the attenuator is set to 10 dB, safe is 0 dB" in texts(folder, "found unsafe")[-1]
    resume(inventory, folder, "stability")
    missed = gaps(folder)
    assert {7, 8, 9} <= {*missed}
    assert all("not at its reference" in reason for reason in missed.values())
    with RunRecord.open(folder) as run:
        assert all(slot.record.skr_bps > 1000.0 for slot in run.slots())


def test_a_lab_that_still_starts_when_its_runner_is_killed_is_ended_and_not_shared(
    tmp_path: Path, unbroken: list[str]
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        make(inventory, folder, "stability", CtrlC(3))
    # As a runner leaves it that was killed while its lab went over its history.
    starting = lab_process._start(smoke(inventory), folder, None)
    try:
        resume(inventory, folder, "stability")
        assert starting.wait(1.0) != 0
    finally:
        starting.kill()
        starting.communicate()
    assert rows(folder) == unbroken
    assert (folder / "lab.json").exists()


def test_a_process_that_may_be_a_strangers_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        known = process_of(stranger.pid)
        assert known.started_ticks is not None
        for left in (replace(known, started_ticks=None), replace(known, started_ticks=1)):
            (tmp_path / "lab-process.json").write_text(json.dumps(asdict(left)))
            lab_process._end_leftover(tmp_path)
            assert stranger.poll() is None
        (tmp_path / "lab-process.json").write_text(json.dumps(asdict(known)))
        lab_process._end_leftover(tmp_path)
        assert stranger.wait(10.0) != 0
    finally:
        stranger.kill()
        stranger.communicate()
