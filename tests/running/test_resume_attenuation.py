"""A sweep that is killed leaves no attenuation behind, and goes on with the point that was broken off."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sweeps.record.run_record import RunRecord
from tests.running.broken_runs import bench, die, kinds, lab_of, make, meta, resume, scpi, texts

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.record.schema import Slot

POINTS_DB = (0.0, 5.0, 10.0)
RECORDS_PER_POINT = 10


def slots_of_step(folder: Path, step: int) -> list[Slot]:
    """Return what was measured at a step, in all its visits."""
    with RunRecord.open(folder, is_read_only=True) as run:
        visits = {point.number for point in run.points() if point.step == step}
        assert visits
        return [slot for slot in run.slots() if slot.point in visits]


def steps_visited(folder: Path) -> list[int]:
    with RunRecord.open(folder, is_read_only=True) as run:
        return [point.step for point in run.points()]


def is_complete(folder: Path) -> bool:
    """Tell whether every point has each of its slots once, and none is a gap."""
    whole = [
        [slot.slot for slot in slots_of_step(folder, step)] == list(range(RECORDS_PER_POINT))
        for step in range(len(POINTS_DB))
    ]
    with RunRecord.open(folder, is_read_only=True) as run:
        return all(whole) and run.gaps() == [] and "finished_utc_s" in run.meta()


def test_the_guard_opens_the_link_again_and_the_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "attenuation", 25)  # in the middle of 10 dB
    assert float(scpi(lab_of(folder), ":OUTP:ATT? 1")) == 0.0
    assert texts(folder, "safe state") == [
        "by the guard, after the runner was gone; found: the attenuator is set to 10 dB, safe is 0 dB"
    ]
    resume(inventory, folder, "attenuation")
    assert steps_visited(folder) == [0, 1, 2, 2]
    assert is_complete(folder)
    assert kinds(folder) == ["start", "found unsafe", "safe state", "resume", "safe state", "end"]


def test_who_comes_after_a_guard_that_was_killed_too_finds_the_gear_unsafe_and_says_so(
    tmp_path: Path,
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "attenuation", 15, "--victim=guard")  # in the middle of 5 dB
    assert float(scpi(lab_of(folder), ":OUTP:ATT? 1")) == 5.0
    assert texts(folder, "safe state") == []
    resume(inventory, folder, "attenuation")
    assert texts(folder, "found unsafe")[-1] == "the attenuator is set to 5 dB, safe is 0 dB"
    assert steps_visited(folder) == [0, 1, 1, 2]
    assert is_complete(folder)


def test_a_sweep_whose_lab_died_too_measures_the_same_before_and_goes_on_after(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "attenuation", 15, "--victim=lab")
    resume(inventory, folder, "attenuation")
    assert is_complete(folder)
    make(inventory, tmp_path / "unbroken", "attenuation")
    before, unbroken = (slots_of_step(run, 0) for run in (folder, tmp_path / "unbroken"))
    assert [slot.record for slot in before] == [slot.record for slot in unbroken]
    assert meta(folder)["runner"]["pid"] == os.getpid()
    darker = [max(slot.record.detection_count for slot in slots_of_step(folder, step)) for step in range(3)]
    assert darker == sorted(darker, reverse=True)
