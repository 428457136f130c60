"""The lab target without a lab: an acceptance on foreign gear says what the one on the emulator says.

The foreign lab is a process of its own with its own certificates and the wall clock, behind fixed addresses
(in a network of its own where this host allows that). All that the bench has of it is an inventory.
Tests stand in the order in which their sessions end.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from drivers.clock import WallClock
from tests.acceptance.benches import PROJECT
from tests.lab_proof.agreement import checks_of, disagreements
from tests.lab_proof.foreign_lab import SCPI_PORT, bench_inventory, found_at
from tests.lab_proof.sessions import commands_sent, session

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab_proof.conftest import Proof, Proofs
    from tests.lab_proof.foreign_lab import ForeignLab

WAVELENGTH_SET = "voa: :OUTP:WAV 1,1550.000\n"


def is_safe(lab: ForeignLab) -> bool:
    """Look whether the lab still runs, with its attenuator in the safe state of the inventory."""
    readings = found_at(lab)["voa"]["readings"]
    return lab.process.poll() is None and (readings["attenuation_db"], readings["shutter"]) == (0.0, "open")


def wait_for_first_record(proof: Proof) -> None:
    clock = WallClock()
    while '"done": 1' not in proof.session.said():
        assert proof.session.process.poll() is None, proof.session.said()
        clock.sleep(0.05)


def test_a_second_run_on_leased_gear_is_refused_and_told_who_has_it(proof: Proof, tmp_path: Path) -> None:
    wait_for_first_record(proof)
    command = [*proof.lab.hosts.at_bench, sys.executable, "-m", "sweeps", "run", "stability"]
    command += ["--target", "lab", "--inventory", str(proof.lab.inventory), "--runs", str(tmp_path / "runs")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert proof.session.process.poll() is None
    who = rf"is in use: by \S+ on {re.escape(socket.gethostname())}, process {proof.session.process.pid}"
    assert re.search(rf"{who}, since \d{{4}}-\d\d-\d\dT\S+, for the run ", done.stderr)
    assert not (tmp_path / "runs").exists()


def test_the_proof_can_fail(proofs: Proofs) -> None:
    """An attenuator that takes 15 dB off where 10 dB are set is another verdict than the right emulator's."""
    foreign, right = proofs.wrong.session.report(), proofs.short_emulator.report()
    key = ("attenuation", "attenuation_count_drop_db")
    assert checks_of(foreign)[key]["verdict"] == "fail"
    assert checks_of(right)[key]["verdict"] == "pass"
    told = disagreements(right, foreign)
    assert "attenuation_count_drop_db: verdict pass and fail" in told
    assert foreign["verdict"] == "fail" != right["verdict"]
    assert is_safe(proofs.wrong.lab)


def test_a_bare_lab_session_leaves_live_gear_alone_and_is_no_pass(proofs: Proofs, tmp_path: Path) -> None:
    proofs.wrong.session.ended()
    lab = proofs.wrong.lab
    inventory = bench_inventory(tmp_path / "bench", lab.hosts, lab.authority, lab.password, live=True)
    with session(tmp_path / "live", "--target=lab", f"--inventory={inventory}") as live:
        report = live.report()
        assert live.ended() == 1
    assert report["verdict"] == "incomplete"
    verdicts = verdicts_of(report)
    assert set(verdicts["attenuation"].values()) == {"incomplete"}
    assert verdicts["stability"]["stability_count_mean"] == "pass"
    assert any("live; allow it with --allow-destructive" in reason for reason in report["not_done"])
    (run,) = report["provenance"]["runs"].values()
    assert (run["procedure"], run["plan_name"], run["target"]) == ("stability", "smoke", "lab")
    assert not any("ATT 1,10" in command for command in commands_sent(live.run_folder("stability")))
    assert is_safe(lab)


def verdicts_of(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for (procedure, name), check in checks_of(report).items():
        found.setdefault(procedure, {})[name] = check["verdict"]
    return found


def test_the_foreign_lab_and_the_emulator_agree(proof: Proof, proofs: Proofs) -> None:
    foreign, emulated = proof.session.report(), proofs.emulator.report()
    assert disagreements(emulated, foreign) == []
    assert (foreign["verdict"], foreign["not_done"]) == ("pass", [])
    assert (proof.session.ended(), proofs.emulator.ended()) == (0, 0)
    assert len(foreign["checks"]) > 30
    for report, target, clock in ((foreign, "lab", "wall"), (emulated, "emulator", "virtual")):
        runs = report["provenance"]["runs"].values()
        assert {(run["target"], run["clock"]) for run in runs} == {(target, clock)}
        assert {run["procedure"] for run in runs} == {"attenuation", "stability"}


def test_no_record_is_the_same_so_the_values_did_not_come_from_one_lab(proof: Proof, proofs: Proofs) -> None:
    foreign, emulated = checks_of(proof.session.report()), checks_of(proofs.emulator.report())
    drawn = [key for key, check in foreign.items() if check["standard_error"]]
    assert len(drawn) > 10
    assert [key for key in drawn if foreign[key]["value"] == emulated[key]["value"]] == []


def test_the_same_goes_over_the_wires(proof: Proof, proofs: Proofs) -> None:
    proof.session.ended()
    proofs.emulator.ended()
    foreign = commands_sent(proof.session.run_folder("attenuation"))
    assert foreign == commands_sent(proofs.emulator.run_folder("attenuation"))
    assert "voa: :OUTP:ATT 1,10.000\n" in foreign


def test_the_same_goes_over_the_wires_once_the_gear_is_in_one_state(proof: Proof, proofs: Proofs) -> None:
    """Each emulated run has a new lab, whose attenuator blocks at first; the lab's one was left open."""
    proof.session.ended()
    proofs.emulator.ended()
    foreign, emulated = (commands_sent(it.run_folder("stability")) for it in (proof.session, proofs.emulator))
    opened = "voa: :OUTP:BBL 1,0\n"
    assert opened in before(WAVELENGTH_SET, emulated)
    assert opened not in before(WAVELENGTH_SET, foreign)
    assert foreign[foreign.index(WAVELENGTH_SET) :] == emulated[emulated.index(WAVELENGTH_SET) :]


def before(command: str, commands: list[str]) -> list[str]:
    return commands[: commands.index(command)]


def test_the_lab_is_left_running_and_safe(proof: Proof) -> None:
    proof.session.ended()
    assert is_safe(proof.lab)


@pytest.mark.parametrize("wrong", ["authority", "password"])
def test_the_lab_is_foreign_its_authority_and_password_are_needed(
    wrong: str, proofs: Proofs, tmp_path: Path
) -> None:
    """With another lab's instead nothing is measured, and nothing passes."""
    proofs.loopback.session.ended()
    lab = proofs.loopback.lab
    other = proofs.wrong.lab
    authority = other.authority if wrong == "authority" else lab.authority
    password = other.password if wrong == "password" else lab.password
    inventory = bench_inventory(tmp_path / "bench", lab.hosts, authority, password)
    refused = refused_session(tmp_path, inventory)
    assert "1 of 3 devices reached" in refused
    assert all(f"\n  {name}: " in refused for name in ("alice", "bob"))


def test_a_device_that_is_off_is_an_error_and_the_lab_goes_on(proofs: Proofs, tmp_path: Path) -> None:
    proofs.loopback.session.ended()
    lab = proofs.loopback.lab
    nobody = SCPI_PORT + 1
    inventory = bench_inventory(tmp_path / "bench", lab.hosts, lab.authority, lab.password, scpi_port=nobody)
    refused = refused_session(tmp_path, inventory)
    assert "2 of 3 devices reached" in refused
    assert "\n  voa: " in refused
    assert is_safe(lab)


def refused_session(folder: Path, inventory: Path) -> str:
    """Make a session on a lab that cannot be reached whole; return what it says of that."""
    with session(folder / "refused", "--target=lab", f"--inventory={inventory}", "--plan=glimpse") as refused:
        report = refused.report()
        assert refused.ended() == 1
    assert report["verdict"] == "incomplete"
    assert {check["verdict"] for check in report["checks"]} == {"incomplete"}
    return report["not_done"][0]
