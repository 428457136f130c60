"""What cannot be measured is told in clear words, and no OTDR is left shining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from drivers.errors import (
    AcquisitionBroken,
    DeviceBusy,
    InventoryError,
    LimitError,
    OperatorAbort,
    RecordError,
    SettingNotTaken,
    StationError,
)
from drivers.lab_control.operator import LabOperator
from drivers.station import Station
from sweeps.__main__ import app
from sweeps.procedures.fibre import run_fibre
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.bench import open_bench
from tests.fibre.fibre_runs import (
    TRACES,
    faces_an_appliance,
    fibre_bench,
    patches,
    sor_files,
    taken,
    tell_otdr,
)
from tests.running.broken_runs import After, edit_plan, kinds, make, meta, resume, smoke, texts

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.errors import BenchError
    from drivers.roles import OperatorAnswer, OperatorTask


# --- before anything is touched


def test_a_plan_without_fibre_is_refused(tmp_path: Path) -> None:
    inventory = fibre_bench(tmp_path)
    edit_plan(inventory, "fibre", None)
    with pytest.raises(InventoryError, match="fibre: missing; the procedure 'fibre' goes by it"):
        make(inventory, tmp_path / "run", "fibre")
    assert not (tmp_path / "run").exists()


def test_a_station_without_an_otdr_is_refused_and_the_command_line_says_why(tmp_path: Path) -> None:
    inventory = fibre_bench(tmp_path, without=("otdr_a", "otdr_b"))
    for options in (["--dry-run"], []):
        arguments = ["run", "fibre", f"--inventory={inventory}", f"--runs={tmp_path / 'runs'}", *options]
        told = CliRunner().invoke(app, arguments)
        assert told.exit_code == 2
        assert "no OTDR stands at an end of its fibre" in told.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("changes", "plan", "words"),
    [
        (
            {"gear.otdr_b.wavelengths_nm": [1550]},
            {},
            "otdr_b: wavelength 1625 nm is not fitted: the inventory",
        ),
        ({"gear.otdr_b.wavelengths_nm": [1550, 1650]}, {"wavelengths_nm": [1650]}, "otdr_a: wavelength 1650"),
    ],
)
def test_a_wavelength_that_the_inventory_has_not_is_refused(
    tmp_path: Path, changes: dict[str, Any], plan: dict[str, Any], words: str
) -> None:
    with pytest.raises(LimitError, match=words):
        make(fibre_bench(tmp_path, changes, **plan), tmp_path / "run", "fibre")
    assert not (tmp_path / "run").exists()


def test_on_the_lab_target_an_otdr_needs_its_address(tmp_path: Path) -> None:
    choice = smoke(fibre_bench(tmp_path, {"gear.otdr_a.lab": None}), "lab")
    with pytest.raises(InventoryError, match=r"gear\.otdr_a\.lab: missing"):
        choice.lab_connections(PROCEDURES["fibre"].roles)


# --- before the link is dark


@pytest.mark.parametrize(
    ("defects", "pulse_ns", "error", "words"),
    [
        ({"missing_nm": [1625]}, 100, LimitError, "wavelength 1625 nm is not fitted"),
        ({"longest_pulse_ns": 100.0}, 300, SettingNotTaken, "pulse 300 ns became 100 ns"),
    ],
)
@pytest.mark.parametrize(("name", "acts", "traces"), [("otdr_a", 0, 0), ("otdr_b", 4, 2)])
def test_what_an_otdr_will_not_do_is_told_before_it_shines_and_of_the_first_before_anybody_moves_a_cord(
    tmp_path: Path,
    left: list[list[str]],
    name: str,
    acts: int,
    traces: int,
    defects: dict[str, Any],
    pulse_ns: float,
    error: type[BenchError],
    words: str,
) -> None:
    inventory = fibre_bench(tmp_path, {f"gear.{name}.defects": defects}, pulse_ns=pulse_ns)
    with pytest.raises(error, match=f"{name}.*{words}"):
        make(inventory, tmp_path / "run", "fibre")
    assert (len(patches(tmp_path / "run")), len(taken(tmp_path / "run"))) == (acts, traces)
    assert len(texts(tmp_path / "run", "fibre ends left")) == (1 if acts else 0)
    assert left[-1] == []
    assert meta(tmp_path / "run")["ended"].startswith(error.__name__)


@pytest.mark.parametrize("name", ["otdr_a", "otdr_b"])
def test_an_otdr_that_somebody_left_shining_is_stopped_first(
    tmp_path: Path, left: list[list[str]], name: str
) -> None:
    inventory = fibre_bench(tmp_path, {f"gear.{name}.defects": {"is_busy": True}}, wavelengths_nm=[1550])
    make(inventory, tmp_path / "run", "fibre")
    assert any(f"{name} sends light" in text for text in texts(tmp_path / "run", "found unsafe"))
    assert len(taken(tmp_path / "run")) == 2
    assert left[-1] == []


# --- in the middle


def test_an_acquisition_that_ends_half_way_ends_the_run_and_is_no_row(
    tmp_path: Path, left: list[list[str]]
) -> None:
    inventory = fibre_bench(tmp_path, {"gear.otdr_a.defects": {"stops_at": 0.5}})
    with pytest.raises(AcquisitionBroken, match=r"otdr_a.*it ended after 5\S* s of 10 s"):
        make(inventory, tmp_path / "run", "fibre")
    assert (taken(tmp_path / "run"), sor_files(tmp_path / "run")) == ([], {})
    assert texts(tmp_path / "run", "fibre ends left") == ["gdc_a: to the OTDR; gdc_b: to nothing (capped)"]
    assert left[-1] == []


class SomebodyPressesTheKey(After):
    """Has somebody else begin to measure with `otdr_a`."""

    def __init__(self, records: int, folder: Path) -> None:
        super().__init__(records)
        self._folder = folder

    def act(self) -> None:
        """Press it."""
        tell_otdr(self._folder, "KEY STAR")


def test_an_otdr_that_somebody_else_uses_ends_the_run_in_the_dark(
    tmp_path: Path, left: list[list[str]]
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    with pytest.raises(DeviceBusy, match=r"otdr_a.*it measures already"):
        make(inventory, folder, "fibre", SomebodyPressesTheKey(1, folder))
    assert len(taken(folder)) == 1
    assert left[-1] == []
    resume(inventory, folder, "fibre")
    assert len(taken(folder)) == TRACES
    assert not faces_an_appliance(folder)


def test_an_otdr_without_light_finds_no_fibre_and_that_is_for_a_verdict(
    tmp_path: Path, left: list[list[str]]
) -> None:
    inventory = fibre_bench(tmp_path, {"gear.otdr_a.defects": {"no_light": True}}, wavelengths_nm=[1550])
    make(inventory, tmp_path / "run", "fibre")
    (_, dark), (_, lit) = taken(tmp_path / "run")
    assert [event.total_loss_db for event in dark] == [None]
    assert len(lit) > 10
    assert left[-1] == []


def test_a_disk_that_is_full_leaves_no_half_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: list[list[str]]
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"

    class FullDisk(After):
        def act(self) -> None:
            def full(_handle: int) -> None:
                raise OSError(28, "No space left on device")

            monkeypatch.setattr("sweeps.record.whole_file.os.fsync", full)

    with pytest.raises(RecordError, match=r"1-gdc_a-1625nm\.sor: No space left on device"):
        make(inventory, folder, "fibre", FullDisk(1))
    assert (list(sor_files(folder)), len(taken(folder))) == (["0-gdc_a-1550nm.sor"], 1)
    assert left[-1] == []
    monkeypatch.undo()
    resume(inventory, folder, "fibre")
    assert len(sor_files(folder)) == len(taken(folder)) == TRACES


# --- the operator


def test_without_an_operator_no_cord_is_moved_and_nothing_shines(tmp_path: Path) -> None:
    choice = smoke(fibre_bench(tmp_path / "bench"))
    with (
        RunRecord.create(tmp_path / "run", {}) as run,
        open_bench(choice, tmp_path / "run", roles=PROCEDURES["fibre"].roles) as station,
    ):
        gear, reached = station._gear, station._opened_otdr  # pyright: ignore[reportPrivateUsage]
        alone = Station(station.name, station.facts, gear, station.clock, station.faults, opened_otdr=reached)
        with pytest.raises(StationError, match="needs an operator, and there is none: At STT GDC-B, connect"):
            run_fibre(alone, choice.plan, run, Silent())
        assert station.faults is not None
        assert [entry for entry in station.faults.journal() if entry.kind in {"patched", "otdr light"}] == []
        assert not any("sends light" in words for words in alone.unsafe())
        alone.close()


@pytest.mark.parametrize("act", [2, 5])
def test_an_operator_who_breaks_off_is_taken_at_his_word_and_the_run_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: list[list[str]], act: int
) -> None:
    inventory, folder = fibre_bench(tmp_path, wavelengths_nm=[1550]), tmp_path / "run"
    carry_out, asked = LabOperator.carry_out, [0]

    def unwilling(operator: LabOperator, task: OperatorTask) -> OperatorAnswer:
        asked[0] += 1
        if asked[0] == act:
            raise OperatorAbort(f"the operator aborted: {task.do}")
        return carry_out(operator, task)

    monkeypatch.setattr(LabOperator, "carry_out", unwilling)
    with pytest.raises(OperatorAbort, match="connect the end of the fibre"):
        make(inventory, folder, "fibre")
    assert "not known" in texts(folder, "fibre ends left")[0]
    assert left[-1] == []
    resume(inventory, folder, "fibre")
    assert len(taken(folder)) == 2
    assert not faces_an_appliance(folder)
    assert patches(folder)[-2:] == [("gdc_b", "qkd"), ("gdc_a", "qkd")]
    assert kinds(folder)[-1] == "end"
