"""Runs from start to end on a real lab process: what they leave, on good days and on bad ones."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from drivers.errors import BenchError, DeviceError, LabError, StationError
from drivers.facts.lab import Fault
from sweeps.choice import choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.run import open_bench, run_procedure
from tests.acceptance.benches import PROJECT, run_pytest, write_inventory

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.choice import Choice


def smoke(inventory: Path, seed: int = 1) -> Choice:
    return choose(inventory, None, "smoke", "emulator", seed)


def run_smoke(tmp_path: Path, procedure: str, folder: str, seed: int = 1) -> Path:
    choice = smoke(PROJECT / "inventory.yaml", seed)
    run_procedure(choice, PROCEDURES[procedure], tmp_path / folder, Silent())
    return tmp_path / folder


def test_the_same_plan_and_seed_give_the_same_records(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        with RunRecord.open(run_smoke(tmp_path, "attenuation", folder, seed)) as run:
            rows.append([(slot.slot, slot.point, slot.record) for slot in run.slots()])
    assert len(rows[0]) == 30
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]


def test_a_run_tells_where_it_comes_from(tmp_path: Path) -> None:
    folder = run_smoke(tmp_path, "attenuation", "runs")
    with RunRecord.open(folder) as run:
        meta = run.meta()
        kinds = [event.kind for event in run.events()]
        points = [(point.added_db, point.setting_db, point.readback_db) for point in run.points()]
    assert points == [(0.0, 0.0, 0.0), (5.0, 5.0, 5.0), (10.0, 10.0, 10.0)]
    assert meta["clock"] == "virtual"
    assert meta["appliances"]["alice"]["end"] == "alice"
    assert meta["attenuator"]["model"]
    assert set(meta["provenance"]) >= {"git_commit", "git_dirty", "inventory_sha256", "host"}
    assert "finished_utc_s" in meta
    assert kinds == ["start", "found unsafe", "safe state", "end"]
    assert "OUTP:ATT" in (folder / "artefacts" / "wires.log").read_text()


def test_no_secret_is_left_in_a_run_but_in_its_own_file(tmp_path: Path) -> None:
    folder = run_smoke(tmp_path, "stability", "runs")
    (secret_file,) = folder.rglob("management-password")
    secret = secret_file.read_text().encode()
    assert secret_file.stat().st_mode & 0o077 == 0
    others = [path for path in folder.rglob("*") if path.is_file() and path != secret_file]
    assert len(others) > 3
    assert [path.name for path in others if secret in path.read_bytes()] == []


def test_a_device_that_refuses_ends_the_run_in_the_safe_state(tmp_path: Path) -> None:
    choice = smoke(PROJECT / "inventory.yaml")
    with open_bench(choice, tmp_path) as station:
        assert station.faults is not None
        station.set_added_db(7.0)
        station.faults.inject(Fault(gear="voa", action="device_error", match="ATT 1,3", value=-222))
        with pytest.raises(DeviceError, match="-222"):
            station.set_added_db(3.0)
        station.make_safe()
        assert station.attenuator().attenuation_db() == 0.0
        assert station.attenuator().shutter_open()


def test_a_run_that_breaks_off_says_so_and_leaves_the_gear_safe(tmp_path: Path) -> None:
    choice = smoke(PROJECT / "inventory.yaml")

    class FailAfterThree(Silent):
        taken = 0

        def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
            self.taken += steps
            if self.taken == 13:
                raise BenchError("somebody pulled the plug")

    with pytest.raises(BenchError, match="pulled the plug"):
        run_procedure(choice, PROCEDURES["attenuation"], tmp_path / "run", FailAfterThree())
    with RunRecord.open(tmp_path / "run") as run:
        assert len(run.slots()) == 13
        assert run.meta()["ended"] == "BenchError: somebody pulled the plug"
        assert "finished_utc_s" not in run.meta()
        assert [event.kind for event in run.events()][-1] == "safe state"


def test_telemetry_that_fails_for_a_while_costs_no_record(tmp_path: Path) -> None:
    choice = smoke(PROJECT / "inventory.yaml")
    with (
        open_bench(choice, tmp_path) as station,
        RunRecord.create(tmp_path / "run", {}) as run,
    ):
        assert station.faults is not None
        for action in ("status", "html", "nan", "missing_field"):
            station.faults.inject(Fault(gear="bob", action=action, match="telemetry", first=9, value=500))
        PROCEDURES["stability"].run(station, choice.plan, run, Silent())
        assert len(run.slots()) == 60
        assert run.gaps() == []
        assert [event.kind for event in run.events()].count("telemetry not read") >= 1


def start_cli(*arguments: str) -> subprocess.Popen[str]:
    """Start a run in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps", "run", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["SIGTERM", "SIGINT", "SIGHUP"]
)
def test_a_signal_ends_a_run_with_the_gear_safe_and_the_lab_gone(number: int, tmp_path: Path) -> None:
    process = start_cli("stability", "--plan", "paper", "--runs", str(tmp_path))
    assert process.stderr is not None
    assert any('"done": 1' in line for line in iter(process.stderr.readline, ""))
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what was measured is in the run record" in errors
    (folder,) = tmp_path.iterdir()
    lab = json.loads((folder / "lab.json").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(lab["pid"], 0)
    with RunRecord.open(folder) as run:
        assert 0 < len(run.slots()) < 86_400
        assert "safe state" in [event.kind for event in run.events()]
        assert run.meta()["ended"].startswith("KeyboardInterrupt")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    process = start_cli("attenuation", "--plan", "paper", "--dry-run", "--runs", str(tmp_path / "runs"))
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "set 12 dB added" in said
    assert "records: 700" in said
    assert "lab time: 1:57:22" in said
    assert "alice, bob, voa" in said
    assert not (tmp_path / "runs").exists()


def test_the_command_line_tells_mistakes_without_a_traceback(tmp_path: Path) -> None:
    process = start_cli("attenuation", "--plan", "nonesuch", "--runs", str(tmp_path))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "no plan 'nonesuch'; there are: paper, smoke" in errors
    assert "Traceback" not in errors


def test_a_lab_that_cannot_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path, {"emulation.profile": "no_such_device"})
    with pytest.raises(LabError, match="no_such_device"):
        run_procedure(smoke(inventory), PROCEDURES["stability"], tmp_path / "runs", Silent())


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def absent_lab(tmp_path: Path) -> Path:
    """Return an inventory whose real gear would be on loopback ports that nobody serves."""
    (tmp_path / "password").write_text("not a secret")
    web = {
        "url": f"https://127.0.0.1:{closed_port()}",
        "user": "bench",
        "password": {"file": str(tmp_path / "password")},
    }
    return write_inventory(
        tmp_path,
        {
            "gear.alice.lab": web,
            "gear.bob.lab": web,
            "gear.voa.lab": {"resource": f"TCPIP::127.0.0.1::{closed_port()}::SOCKET"},
        },
    )


def test_gear_that_is_not_there_is_named_all_of_it(tmp_path: Path) -> None:
    choice = choose(absent_lab(tmp_path), None, "smoke", "lab", 1)
    with pytest.raises(StationError) as caught:
        run_procedure(choice, PROCEDURES["stability"], tmp_path / "runs", Silent())
    told = str(caught.value)
    assert "0 of 3 devices reached" in told
    assert all(f"\n  {name}: " in told for name in ("alice", "bob", "voa"))


def test_a_missing_device_is_an_error_and_never_a_skip(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--target=lab", "--inventory", str(absent_lab(tmp_path)))
    assert done.returncode == 1
    assert "48 errors" in done.stdout
    assert "skipped" not in done.stdout
    report = json.loads((tmp_path / "reports" / "acceptance.json").read_text())
    assert {check["verdict"] for check in report["checks"]} == {"incomplete"}
    assert report["verdict"] == "incomplete"
    assert "0 of 3 devices reached" in report["not_done"][0]
    page = (tmp_path / "reports" / "acceptance.html").read_text()
    assert "0 of 3 devices reached" in page
    assert "INCOMPLETE" in page.upper()


def test_nothing_collected_is_a_failure(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "-k", "no_such_test")
    assert done.returncode == 5


def test_a_bad_inventory_is_a_usage_error_with_every_mistake(tmp_path: Path) -> None:
    path = write_inventory(tmp_path, {"fibre.length_km": "far", "limits.added_db_max": -1})
    done = run_pytest(tmp_path, "--inventory", str(path))
    assert done.returncode == 4
    assert "fibre.length_km: got 'far'" in done.stderr
    assert "limits.added_db_max: got -1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bench_that_fails_shows_every_failing_check(tmp_path: Path) -> None:
    path = write_inventory(tmp_path, {"gear.voa.defects": {"scale": 10.0}})
    done = run_pytest(tmp_path, "--inventory", str(path), "-k", "test_attenuation")
    assert done.returncode == 1
    for name in ("attenuation_count_drop_db", "attenuation_skr_5db_bps", "attenuation_skr_10db_bps"):
        assert any(
            line.startswith("FAILED") and f"::test_attenuation[{name}]" in line
            for line in done.stdout.splitlines()
        )
    report = json.loads((tmp_path / "reports" / "acceptance.json").read_text())
    assert report["verdict"] == "fail"
    assert report["not_done"] == ["Fibre", "Calibration of the attenuator", "Stability"]


def test_looking_at_what_would_run_leaves_the_reports_alone(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--collect-only", "-m", "not destructive")
    assert done.returncode == 0
    assert "stability_skr_mean_bps" in done.stdout
    assert "attenuation_skr_0db_bps" not in done.stdout
    assert not (tmp_path / "reports").exists()


def test_a_run_takes_as_long_as_its_plan_says(tmp_path: Path) -> None:
    """The time limit of the project's tests must not end a ten-day run."""
    done = run_pytest(tmp_path, "-o", "timeout=0.2", "-k", "test_stability")
    assert done.returncode == 0, done.stdout


def test_a_sweep_that_breaks_off_is_in_the_report_with_what_it_measured(tmp_path: Path) -> None:
    changes = {"gear.voa.defects": {"breaks_at_db": 10.0}}
    done = run_pytest(tmp_path, "--inventory", str(write_inventory(tmp_path, changes)))
    assert done.returncode == 1
    report = json.loads((tmp_path / "reports" / "acceptance.json").read_text())
    assert report["verdict"] == "incomplete"
    assert "-200" in report["not_done"][0]
    verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
    assert verdicts["appliance_alice_end"] == "pass"
    assert verdicts["attenuation_skr_0db_bps"] == "incomplete"
