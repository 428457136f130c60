"""The guard leaves no gear unsafe that it can reach, and touches none that is not the run's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from drivers.errors import StationError
from drivers.facts.lab import Fault
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running import guard
from sweeps.running.meta import meta_of, plan_json
from sweeps.running.run import ResumeRefused, resume_procedure
from tests.acceptance.benches import STATION
from tests.running.broken_runs import kinds, meta, scpi, smoke, texts, wait_for_guard
from tests.running.test_real_lab import real_lab

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Any

    from drivers.facts.lab import LabAddresses

DARK_DB = 9.0
NOBODY = "https://127.0.0.1:9"


class Left:
    """A run on real gear whose process is gone: its link is dark."""

    def __init__(self, inventory: Path, addresses: LabAddresses, folder: Path) -> None:
        self.inventory, self.addresses, self.folder = inventory, addresses, folder
        scpi(addresses, ":OUTP:BBL 1,0")
        scpi(addresses, f":OUTP:ATT 1,{DARK_DB}")

    def record(self, changes: dict[str, Any] | None = None, **facts: object) -> None:
        """Write its record, with an inventory whose gear is changed, and `facts` beside the usual ones."""
        content = yaml.safe_load(self.inventory.read_text())
        content["stations"][STATION]["gear"]["voa"]["lab"]["deadline_s"] = 0.3
        for name, lab in (changes or {}).items():
            content["stations"][STATION]["gear"].setdefault(name, {}).update(lab)
        path = self.inventory.with_name(f"{self.folder.name}.yaml")
        path.write_text(yaml.safe_dump(content))
        self.choice = smoke(path, "lab")
        files = {"inventory.yaml": self.choice.inventory_bytes, "plan.json": plan_json(self.choice).encode()}
        about = {**meta_of(self.choice, PROCEDURES["attenuation"]), **facts}
        RunRecord.create(self.folder, about, files).close()

    def attenuation_db(self) -> float:
        """Ask the device itself."""
        return float(scpi(self.addresses, ":OUTP:ATT? 1"))

    def fail_once(self, match: str) -> None:
        """Have the attenuator not answer once."""
        control = LabControl(self.addresses.control)
        LabFaults(control).inject(Fault(gear="voa", action="silence", match=match))
        control.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Path, LabAddresses]]:
    with real_lab(tmp_path_factory.mktemp("lab")) as bench:
        yield bench


@pytest.fixture
def left(lab: tuple[Path, LabAddresses], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Left:
    monkeypatch.setattr("drivers.safe_state._PAUSES_S", (0.0, 0.0))
    return Left(*lab, tmp_path / "run")


def test_gear_that_has_no_safe_state_may_be_out_of_reach(left: Left) -> None:
    hand_held = {
        "role": "otdr",
        "driver": "viavi_smartotdr",
        "site": "gdc_a",
        "wavelengths_nm": [1550],
        "lab": {"resource": "TCPIP::127.0.0.1::9::SOCKET"},
    }
    password = left.inventory.with_name("password")
    password.write_text("not a secret")
    down = {"lab": {"url": NOBODY, "user": "bench", "password": {"file": str(password)}}}
    left.record({"alice": down, "otdr_a": hand_held})
    guard.make_safe(left.folder)
    assert left.attenuation_db() == 0.0
    assert texts(left.folder, "safe state") == [
        "by the guard, after the runner was gone; found: the attenuator is set to 9 dB, safe is 0 dB"
    ]


@pytest.mark.parametrize("question", ["*IDN?", "ATT? 1"])
def test_one_answer_that_does_not_come_keeps_no_gear_unsafe(left: Left, question: str) -> None:
    left.record()
    left.fail_once(question)
    guard.make_safe(left.folder)
    assert left.attenuation_db() == 0.0
    assert kinds(left.folder) == ["safe state"]


def test_another_device_at_the_address_is_not_touched(left: Left) -> None:
    theirs = {"vendor": "Viavi Solutions", "model": "mVOA", "serial": "OLD-17", "firmware": "1"}
    left.record(attenuator=theirs)
    guard.make_safe(left.folder)
    assert left.attenuation_db() == DARK_DB
    (said,) = texts(left.folder, "safe state NOT reached")
    assert "another device answers: " in said
    assert "attenuator.serial: OLD-17 -> EMULATED" in said


def test_a_resume_that_cannot_open_the_bench_has_its_guard_look(left: Left) -> None:
    password = left.inventory.with_name("password")
    password.write_text("not a secret")
    left.record({"alice": {"lab": {"url": NOBODY, "user": "bench", "password": {"file": str(password)}}}})
    with pytest.raises(StationError, match="2 of 3 devices reached"):
        resume_procedure(left.choice, PROCEDURES["attenuation"], left.folder, Silent())
    wait_for_guard(left.folder)
    assert left.attenuation_db() == 0.0
    assert kinds(left.folder) == ["safe state"]


def test_a_resume_that_is_refused_touches_nothing(left: Left) -> None:
    theirs = {"vendor": "Viavi Solutions", "model": "mVOA", "serial": "OLD-17", "firmware": "1"}
    left.record(attenuator=theirs, appliances={}, ended="KeyboardInterrupt: ")
    kept = (left.folder / "inventory.yaml").read_bytes()
    before = meta(left.folder)
    left.choice.inventory_path.write_text(f"{left.choice.inventory_path.read_text()}# as it is now\n")
    now = smoke(left.choice.inventory_path, "lab")
    with pytest.raises(ResumeRefused, match=r"attenuator\.serial: OLD-17 -> EMULATED"):
        resume_procedure(now, PROCEDURES["attenuation"], left.folder, Silent())
    wait_for_guard(left.folder)
    assert left.attenuation_db() == DARK_DB
    assert (kinds(left.folder), meta(left.folder)) == ([], before)
    assert (left.folder / "inventory.yaml").read_bytes() == kept


def do_nothing(*_: object) -> None:
    pass


def test_a_resume_that_goes_on_keeps_the_inventory_by_which_it_did(left: Left) -> None:
    left.record()
    left.choice.inventory_path.write_text(f"{left.choice.inventory_path.read_text()}# as it is now\n")
    now = smoke(left.choice.inventory_path, "lab")
    resume_procedure(now, replace(PROCEDURES["attenuation"], run=do_nothing), left.folder, Silent())
    assert (left.folder / "inventory.yaml").read_bytes() == now.inventory_bytes
    assert kinds(left.folder) == ["resume", "safe state", "end"]
    assert left.attenuation_db() == 0.0
