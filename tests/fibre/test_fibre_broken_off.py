"""A run of `fibre` that breaks off anywhere leaves no light on and goes on with the traces it has not."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from drivers.errors import BenchError, StationError
from drivers.lab_control.clock import VirtualLabClock
from sweeps.record.run_record import RunRecord
from sweeps.running import guard
from sweeps.running.run import ResumeRefused
from tests.fibre.fibre_runs import (
    TRACES,
    faces_an_appliance,
    fibre_bench,
    measured,
    pairs_seen,
    sor_files,
    taken,
    tell_otdr,
)
from tests.fibre.told_progress import ToldProgress
from tests.record.written_runs import spoil
from tests.running.broken_runs import die, kinds, make, meta, resume, texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drivers.station import Station

POLL_S = 0.5


def is_whole(folder: Path, unbroken: Path) -> bool:
    """Tell whether a run has all that one has that nothing disturbed, but for the times."""
    assert measured(folder) == measured(unbroken)
    assert list(sor_files(folder)) == list(sor_files(unbroken))
    assert not faces_an_appliance(folder)
    return kinds(folder)[-1] == "end" and set(pairs_seen(folder)[-1].values()) == {"qkd"}


@pytest.mark.parametrize("victims", [(), ("guard", "lab")], ids=["runner", "lab"])
def test_what_is_killed_goes_on_with_the_next_trace(
    tmp_path: Path, whole: Path, victims: tuple[str, ...]
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 3, *(f"--victim={victim}" for victim in victims))
    before = sor_files(folder)
    assert len(before) == 3
    progress = ToldProgress()
    resume(inventory, folder, "fibre", progress)
    assert (progress.skipped, progress.advanced) == (3, 1)
    assert is_whole(folder, whole)
    assert before.items() <= sor_files(folder).items()


GUARD = "by the guard, after the runner was gone"
LIT = f"{GUARD}; found: otdr_a sends light"
AT_A = (
    "by what the operator did, the fibre's end at gdc_b is connected to nothing, the fibre's end at gdc_a is"
    " connected to the OTDR: the link is dark"
)
NEVER = 99
"""So many records are not taken: another thing kills the run."""


def test_the_guard_ends_the_light_of_a_runner_that_is_gone(tmp_path: Path, whole: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 1, "--victim=guard")
    assert tell_otdr(folder, "KEY STAR") == "STARTED"
    guard.make_safe(folder)
    assert texts(folder, "safe state") == [LIT, f"{GUARD}; the gear was found in it; {AT_A}"]
    assert tell_otdr(folder, "") == "STOPPED"
    resume(inventory, folder, "fibre")
    assert is_whole(folder, whole)


@pytest.mark.parametrize("lost", ["otdr_b", "voa"])
def test_a_runner_that_is_killed_while_it_shines_leaves_no_light_whatever_else_is_out_of_reach(
    tmp_path: Path, lost: str
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", NEVER, "--polls=22", f"--out-of-reach={lost}")
    assert texts(folder, "safe state")[0] == LIT
    assert tell_otdr(folder, "") == "STOPPED"
    if lost == "voa":
        (said,) = texts(folder, "safe state NOT reached")
        assert said.startswith(f"{GUARD}: StationError: station paper-link: 0 of 1 devices reached")
        assert kinds(folder)[-1] == "safe state NOT reached"
    assert taken(folder) == []


def test_an_otdr_out_of_reach_keeps_no_attenuator_unsafe_and_is_told_last(tmp_path: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 1, "--out-of-reach=otdr_a")
    assert kinds(folder)[-2:] == ["safe state", "safe state NOT reached"]
    assert texts(folder, "safe state") == [f"{GUARD}; the gear was found in it; {AT_A}"]
    (said,) = texts(folder, "safe state NOT reached")
    assert said.startswith(f"{GUARD}: StationError: otdr_a was not reached at STT GDC-A: ")
    assert meta(folder)["otdr_open"] == "otdr_a"


def test_an_otdr_that_was_closed_without_light_is_not_looked_for(tmp_path: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 3, "--out-of-reach=otdr_a")
    assert texts(folder, "safe state NOT reached") == []
    assert texts(folder, "safe state")[0] == f"{GUARD}; otdr_b was found without light"
    assert "otdr_open" not in meta(folder)


def in_an_acquisition(monkeypatch: pytest.MonkeyPatch, polls: int, act: Callable[[], None]) -> None:
    """Have `act` done at one of the moments at which the bench waits for an OTDR to be done."""
    sleep, left = VirtualLabClock.sleep, [polls]

    def noted(clock: VirtualLabClock, duration_s: float) -> None:
        left[0] -= duration_s == POLL_S
        if duration_s == POLL_S and left[0] == 0:
            act()
        sleep(clock, duration_s)

    monkeypatch.setattr(VirtualLabClock, "sleep", noted)


def test_a_signal_during_an_acquisition_ends_the_light_and_the_trace_is_taken_anew(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole: Path,
    left: list[list[str]],
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    in_an_acquisition(monkeypatch, 40, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        make(inventory, folder, "fibre")
    assert len(taken(folder)) == 1
    assert left[-1] == []
    assert texts(folder, "fibre ends left") == ["gdc_a: to the OTDR; gdc_b: to nothing (capped)"]
    resume(inventory, folder, "fibre")
    assert is_whole(folder, whole)


def test_a_lab_that_dies_during_an_acquisition_is_the_same_lab_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"

    def kill_the_lab() -> None:
        os.kill(json.loads((folder / "lab.json").read_text())["pid"], signal.SIGKILL)

    in_an_acquisition(monkeypatch, 70, kill_the_lab)
    with pytest.raises(BenchError):
        make(inventory, folder, "fibre")
    monkeypatch.undo()
    assert len(taken(folder)) == 2
    resume(inventory, folder, "fibre")
    assert "otdr_b sends light" in texts(folder, "found unsafe")[-1]
    assert is_whole(folder, whole)


def test_a_file_without_its_row_is_written_anew(tmp_path: Path, whole: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 1)
    (folder / "artefacts" / "1-gdc_a-1625nm.sor").write_bytes(b"whole, and nobody's")
    resume(inventory, folder, "fibre")
    assert is_whole(folder, whole)


def test_another_otdr_cannot_take_the_run_up(tmp_path: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 1)
    spoil(folder, "UPDATE meta SET value = replace(value, 'EMULATED', 'OTHER') WHERE key = 'otdrs'")
    with pytest.raises(ResumeRefused, match=r"otdr_a\.serial: OTHER-gdc_a -> EMULATED-gdc_a"):
        resume(inventory, folder, "fibre")
    assert len(taken(folder)) == 1


def test_another_otdr_at_the_second_site_is_found_out_when_it_is_opened(tmp_path: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", 1)
    assert list(meta(folder)["otdrs"]) == ["otdr_a"]
    with RunRecord.open(folder) as run:
        otdr_a = run.meta()["otdrs"]["otdr_a"]
        run.set_meta("otdrs", {"otdr_a": otdr_a, "otdr_b": {**otdr_a, "serial": "OTHER"}})
    with pytest.raises(ResumeRefused, match=r"otdr_b\.serial: OTHER -> EMULATED-gdc_b"):
        resume(inventory, folder, "fibre")
    assert len(taken(folder)) == 2
    assert not faces_an_appliance(folder)


def test_one_that_was_killed_before_its_first_trace_begins_anew(tmp_path: Path, whole: Path) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "fibre", -1)
    assert (taken(folder), meta(folder)["records_planned"]) == ([], TRACES)
    resume(inventory, folder, "fibre")
    assert is_whole(folder, whole)


def test_an_appliance_that_does_not_come_back_ends_the_run_which_later_only_gives_the_link_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    journal: list[str] = []

    def stuck(station: Station, run: RunRecord) -> None:
        assert station.faults is not None
        journal.extend(entry.text for entry in station.faults.journal() if entry.kind == "patched")
        assert len(taken(run.folder)) == TRACES
        raise StationError("bob is HandlingError")

    monkeypatch.setattr("sweeps.procedures.fibre.see_running", stuck)
    with pytest.raises(StationError, match="bob is HandlingError"):
        make(inventory, folder, "fibre")
    assert journal[-2:] == [f"fibre end at {site}: connected to qkd" for site in ("gdc_b", "gdc_a")]
    assert texts(folder, "fibre ends left") == []
    monkeypatch.undo()
    progress = ToldProgress()
    resume(inventory, folder, "fibre", progress)
    assert (progress.skipped, progress.advanced) == (TRACES, 0)
    assert is_whole(folder, whole)
