"""A run on gear that nobody started for it: a lab of its own process, on the wall clock, by its addresses."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import yaml

from drivers.clock import WallClock
from drivers.errors import InventoryError, RecordError, StationError
from drivers.facts.lab import LabAddresses
from sweeps.procedures import stability
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running import guard
from sweeps.running.bench import leased_gear
from sweeps.running.meta import meta_of
from sweeps.running.run import resume_procedure, run_procedure
from tests.acceptance.benches import PROJECT, STATION
from tests.running.broken_runs import bench, gaps, rows, scpi, smoke, texts, wait_for_guard

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

RECORDS = 9
SETTLE_S = 0.2


@contextmanager
def real_lab(place: Path) -> Generator[tuple[Path, LabAddresses]]:
    """Serve a lab and return an inventory in which its addresses are those of real gear."""
    inventory = bench(place, records=RECORDS, period_s=1.0)
    command = [sys.executable, "-m", "emulators", "serve", str(inventory), "--folder", str(place / "lab")]
    lab = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert lab.stdout is not None
        lab.stdout.readline()
        addresses = LabAddresses.model_validate_json((place / "lab" / "lab.json").read_bytes())
        content = yaml.safe_load(inventory.read_text())
        for name, connection in addresses.connections.items():
            gear = content["stations"][STATION]["gear"][name]
            gear["lab"] = connection.model_dump(mode="json", exclude_none=True)
        inventory.write_text(yaml.safe_dump(content))
        yield inventory, addresses
    finally:
        lab.terminate()
        lab.communicate()


def wait_for_first_row(folder: Path, runner: subprocess.Popen[str]) -> None:
    clock = WallClock()
    while runner.poll() is None:
        try:
            if rows(folder):
                return
        except RecordError:
            pass
        clock.sleep(0.02)
    pytest.fail(f"the runner ended: {runner.communicate()}")


def test_what_nobody_saw_on_a_real_link_is_a_gap_and_one_run_at_a_time_has_the_gear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "SETTLE_S", SETTLE_S)
    folder = tmp_path / "run"
    with real_lab(tmp_path / "bench") as (inventory, addresses):
        choice = smoke(inventory, "lab")
        words = ["--records=3", "--target=lab", f"--settle-s={SETTLE_S}"]
        command = [sys.executable, "-m", "tests.running.dying", str(inventory), str(folder), "stability"]
        runner = subprocess.Popen([*command, *words], cwd=PROJECT, stderr=subprocess.PIPE, text=True)
        wait_for_first_row(folder, runner)
        with pytest.raises(StationError, match=rf"in use: by .* process {runner.pid}, since .* {folder}"):
            run_procedure(choice, PROCEDURES["attenuation"], tmp_path / "other", Silent())
        assert not (tmp_path / "other").exists()
        runner.communicate()
        wait_for_guard(folder)
        assert texts(folder, "safe state") == [
            "by the guard, after the runner was gone; the gear was found in it"
        ]
        scpi(addresses, ":OUTP:ATT 1,9.0")
        resume_procedure(choice, PROCEDURES["stability"], folder, Silent())
        assert float(scpi(addresses, ":OUTP:ATT? 1")) == 0.0
    missed = gaps(folder)
    assert missed
    assert all("the run was broken off here and taken up again later; " in text for text in missed.values())
    assert texts(folder, "found unsafe")[-1] == "the attenuator is set to 9 dB, safe is 0 dB"
    with RunRecord.open(folder) as run:
        measured = [slot.slot for slot in run.slots()]
        assert measured[0] == 0
        assert all(slot.record.skr_bps > 1000.0 for slot in run.slots())
        assert run.meta()["clock"] == "wall"
    assert texts(folder, "end") == [
        f"schedule over: {len(measured)} of {RECORDS} records, {len(missed)} gaps"
    ]
    assert sorted([*measured, *(slot for slot in missed if slot is not None)]) == list(range(RECORDS))
    assert not (folder / "lab.json").exists()


def test_a_link_needs_no_address_of_an_otdr_that_is_brought_to_it(tmp_path: Path) -> None:
    hand_held = {"role": "otdr", "driver": "viavi_smartotdr", "site": "gdc_a", "wavelengths_nm": [1550]}
    choice = smoke(bench(tmp_path, {"gear.otdr_a": hand_held}), "lab")
    assert set(choice.lab_connections()) == {"alice", "bob", "voa"}
    assert set(choice.lab_connections(["attenuator"])) == {"voa"}
    with pytest.raises(InventoryError, match=r"gear\.otdr_a\.lab: missing"):
        choice.lab_connections(["otdr"])


def unreachable(tmp_path: Path) -> Path:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "password").write_text("not a secret")
    web = {"url": "https://127.0.0.1:9", "user": "bench", "password": {"file": "password"}}
    voa = {"resource": "TCPIP::127.0.0.1::9::SOCKET"}
    gear = {"gear.alice.lab": web, "gear.bob.lab": web, "gear.voa.lab": voa}
    return bench(tmp_path / "bench", gear)


def test_a_guard_leaves_gear_alone_that_the_next_run_has_already(tmp_path: Path) -> None:
    choice = smoke(unreachable(tmp_path), "lab")
    folder = tmp_path / "run"
    files = {"inventory.yaml": choice.inventory_bytes}
    RunRecord.create(folder, meta_of(choice, PROCEDURES["stability"]), files).close()
    with leased_gear(choice, tmp_path / "next", "runner"):
        guard.make_safe(folder)
    (said,) = texts(folder, "safe state NOT reached")
    assert said.startswith("by the guard, after the runner was gone: StationError: the device at ")
    assert said.endswith(f"for the run {tmp_path / 'next'}")


def test_a_guard_that_reaches_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.safe_state._PAUSES_S", (0.0, 0.0))
    choice = smoke(unreachable(tmp_path), "lab")
    folder = tmp_path / "run"
    files = {"inventory.yaml": choice.inventory_bytes}
    RunRecord.create(folder, meta_of(choice, PROCEDURES["stability"]), files).close()
    guard.make_safe(folder)
    (said,) = texts(folder, "safe state NOT reached")
    assert "0 of 1 devices reached" in said


def test_a_guard_whose_run_is_another_ones_or_was_never_there_does_nothing(tmp_path: Path) -> None:
    guard.make_safe(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("word", "worked"), [(b"safe\n", []), (b"", ["run"]), (b"sa", ["run"])])
def test_a_guard_works_unless_it_hears_the_whole_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: bytes, worked: list[str]
) -> None:
    told: list[str] = []

    def make_safe(folder: Path) -> None:
        told.append(folder.name)

    monkeypatch.setattr(guard, "make_safe", make_safe)
    (tmp_path / "pipe").write_bytes(word)
    with (tmp_path / "pipe").open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        guard.stand_guard(tmp_path / "run")
    assert told == worked
