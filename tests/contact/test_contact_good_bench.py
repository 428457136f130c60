"""A bench on which all is well: what the check tells of it, and that it changes nothing."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import typing
from typing import TYPE_CHECKING

from drivers.contact import bench
from drivers.contact.found import ClockOffset
from drivers.facts.connections import VisaSocketConnection, WebApiConnection
from drivers.facts.defects import MvoaDefects
from drivers.facts.gear import AnyGear
from drivers.facts.lab import LabAddresses
from drivers.facts.names import load_names
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.plant.link import Link
from tests.attenuators.oz_bench import OzBench
from tests.attenuators.scpi_lab import LabThread, ThreadClock, resource
from tests.attenuators.serial_lab import connection_to
from tests.cerberis_xgr.web_lab import web_lab
from tests.contact.contact_lab import BOB, INVENTORY, VOA, check, check_one, told

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.clock import Clock

# The whole of what may be sent: written down here, and not taken from the names files, on purpose.
ALLOWED = {
    "alice": {r"POST /api/v1/login\n<secret>", r"GET /api/v1/system/(identity|state)\n"},
    "bob": {r"POST /api/v1/login\n<secret>", r"GET /api/v1/system/(identity|state)\n"},
    "voa": {r"\*IDN\?\n", r":OUTP:(ATT|BBL|WAV)\? 1\n"},
    # An OTDR listens to nobody before it is under remote control.
    "otdr_a": {r"\*REM\n", r"\*IDN\?\n", r"OTDS:LAS:LIST\?\n", r"STAT:ACQ\?\n"},
    "otdr_b": {r"\*REM\n", r"\*IDN\?\n", r"OTDS:LAS:LIST\?\n", r"STAT:ACQ\?\n"},
    "otdr_a/platform": {r"\*REM\n", r"MOD:FUNC:(LIST|SEL|PORT)\? BOTH,BASE(,\"OTDR\")?\n"},
    "otdr_b/platform": {r"\*REM\n", r"MOD:FUNC:(LIST|SEL|PORT)\? BOTH,BASE(,\"OTDR\")?\n"},
}


def password_of(lab_file: Path) -> str:
    addresses = LabAddresses.model_validate_json(lab_file.read_bytes())
    bob = addresses.connections["bob"]
    assert isinstance(bob, WebApiConnection)
    return bob.password.read()


def test_every_device_is_reached_and_told_of(lab_file: Path) -> None:
    done = check(INVENTORY, "--lab-file", lab_file)
    assert done.exit_code == 0, done.output
    page = done.stdout
    assert page.count("reached      yes, as the inventory says") == 5
    assert "identity     ID Quantique, Cerberis XGR, serial EMULATED-ALICE, firmware emulated-1" in page
    assert "identity     Viavi Solutions, mVOA-C1, serial EMULATED, firmware 4.3.3" in page
    assert "attenuation  0 dB" in page
    assert "shutter      blocked" in page
    assert "wavelength   1550 nm" in page
    assert "state        Running" in page
    assert "issuer     CN=Emulated lab throwaway CA" in page
    assert re.search(r"valid      2020-01-01 to 2099-12-31, \d+ days left", page)
    assert re.search(
        r"latency      median [\d.]+ ms, worst [\d.]+ ms \(n = 9, GET /api/v1/system/state\)", page
    )
    assert re.search(r"clock        [+-][\d.]+ ms ± [\d.]+ ms beside this host's", page)
    assert "5 of 5 devices reached, all as the inventory says\nNext, see what a sweep would do:\n" in page
    assert "python -m sweeps run attenuation --plan paper --target emulator" in page
    assert page.rstrip().endswith("--dry-run")
    assert "\x1b" not in page


def test_the_command_that_comes_next_is_one(lab_file: Path) -> None:
    from typer.testing import CliRunner

    from sweeps.__main__ import app as sweeps

    command = check(INVENTORY, "--lab-file", lab_file).stdout.rstrip().splitlines()[-1].split()
    assert command[:3] == ["python", "-m", "sweeps"]
    done = CliRunner().invoke(sweeps, command[3:])
    assert done.exit_code == 0, done.output
    assert "attenuation on paper-link" in done.stdout


def test_machines_get_one_json_object(lab_file: Path) -> None:
    done = check(INVENTORY, "--lab-file", lab_file, "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["station"], found["target"], found["is_good"]) == ("paper-link", "emulator", True)
    assert (found["reached"], found["of"], found["problems"]) == (5, 5, [])
    devices = {device["name"]: device for device in found["devices"]}
    assert devices["bob"]["identity"]["serial"] == "EMULATED-BOB"
    assert devices["bob"]["readings"] == {
        "end": "bob",
        "state": "Running",
        "protocol": "COW-4",
        "wavelength_nm": 1550.0,
    }
    assert devices["voa"]["readings"] == {
        "attenuation_db": 0.0,
        "shutter": "blocked",
        "wavelength_nm": 1550.0,
    }
    for device in devices.values():
        assert 0 < device["latency"]["median_s"] <= device["latency"]["worst_s"]
        assert device["latency"]["count"] == 9
    assert devices["voa"]["certificate"] is None
    pem = (lab_file.parent / "pki" / "bob.pem").read_text()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    certificate = devices["bob"]["certificate"]["certificate"]
    assert certificate["sha256"].replace(":", "").lower() == digest
    assert set(certificate["names"]) == {"127.0.0.1", "localhost", "bob"}
    assert devices["bob"]["certificate"]["distrust"] is None


def test_only_queries_gets_and_the_login_go_over_the_wires(lab_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "wire.log"
    assert check(INVENTORY, "--lab-file", lab_file, "--wire-log", log).exit_code == 0
    text = log.read_text()
    sent = re.findall(r"^\S+ (\S+) > b['\"](.*)['\"]$", text, re.MULTILINE)
    assert len(sent) == 2 * (1 + 1 + 1 + 9) + (1 + 3 + 9) + 2 * (1 + 3 + 1 + 1 + 2 + 9)
    assert len(sent) == text.count(" > ")
    for device, message in sent:
        plain = message.replace("\\n", "\n")
        assert any(re.fullmatch(allowed, plain) for allowed in ALLOWED[device]), f"{device}: {message}"
    assert [message for device, message in sent if device == "bob" and message.startswith("POST")] == [
        "POST /api/v1/login\\n<secret>"
    ]


def test_no_secret_is_printed_or_logged(lab_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "wire.log"
    password = password_of(lab_file)
    for option in ("--verbose", "--json"):
        output = check(INVENTORY, "--lab-file", lab_file, "--wire-log", log, option).output
        assert password not in output
        assert "Bearer " not in output
    assert password not in log.read_text()


def test_an_attenuator_keeps_setting_and_error_queue() -> None:
    """What an earlier user left in the queue is still there, even when a query is met with silence."""
    lab = LabThread()
    try:
        clock = ThreadClock(lab)
        device = EmulatedMvoa("voa", Link(lab.clock.now_s, 1550.0), lab.clock, MvoaDefects())
        server = lab.serve(device)
        for command in (":OUTP:ATT 1,7.5", ":OUTP:BBL 1,0", ":OUTP:NONSENSE 1"):
            device.handle(command)
        clock.sleep(10.0)
        connection = VisaSocketConnection(resource=resource(server.port), deadline_s=5.0)
        contact = check_one(VOA, connection, clock)
        assert contact.is_as_expected(), told(contact)
        assert contact.readings == {"attenuation_db": 7.5, "shutter": "open", "wavelength_nm": 1550.0}
        lab.inject("silence", ":OUTP:BBL?")
        clock.wall_s = 0.2
        assert "shutter" not in check_one(VOA, connection, clock).readings
        assert device.handle(":OUTP:ATT? 1") == "7.500"
        assert device.handle(":OUTP:BBL? 1") == "0"
        assert str(device.handle(":SYST:ERR?")).startswith("-113")
        assert str(device.handle(":SYST:ERR?")).startswith("0")
    finally:
        lab.close()


class LateClock:
    """A host clock that is `late_s` behind the lab's and goes on by `step_s` at each look."""

    kind = "wall"

    def __init__(self, lab: Clock, late_s: float, step_s: float) -> None:
        self._time_s = lab.now_s() - late_s
        self._step_s = step_s
        self.looks_s: list[float] = []

    def now_s(self) -> float:
        self._time_s += self._step_s
        self.looks_s.append(self._time_s)
        return self._time_s

    def wait_until(self, t_s: float) -> None:
        raise AssertionError(t_s)

    def sleep(self, duration_s: float) -> None:
        raise AssertionError(duration_s)

    def wall_timeout_s(self, deadline_s: float) -> float:
        return deadline_s


def test_the_clock_offset_is_the_appliances_less_ours(tmp_path: Path) -> None:
    with web_lab(tmp_path) as lab:
        contact = check_one(BOB, lab.connection(), LateClock(lab.driver_clock, late_s=100.0, step_s=0.0))
    assert contact.is_as_expected(), told(contact)
    assert contact.clock == ClockOffset(offset_s=100.0, uncertainty_s=0.0)


def test_the_clock_offset_is_as_uncertain_as_half_the_round_trip(tmp_path: Path) -> None:
    """The appliance read its clock between question and answer: those are the ends of what is told."""
    with web_lab(tmp_path) as lab:
        clock = LateClock(lab.driver_clock, late_s=100.0, step_s=0.5)
        contact = check_one(BOB, lab.connection(), clock)
        appliance_s = lab.clock.now_s()
    assert contact.clock is not None
    assert contact.latency is not None
    asked_s = appliance_s - (contact.clock.offset_s + contact.clock.uncertainty_s)
    answered_s = appliance_s - (contact.clock.offset_s - contact.clock.uncertainty_s)
    assert answered_s - asked_s >= 0.5
    assert {asked_s, answered_s} <= set(clock.looks_s)
    assert contact.latency.median_s >= answered_s - asked_s


def test_the_motor_driven_attenuator_is_checked_too(tmp_path: Path) -> None:
    oz = OzBench(tmp_path)
    oz.voa.close()
    try:
        steps = oz.tell("D")
        contact = check_one(oz.gear, connection_to(oz.line.port, deadline_s=10.0), oz.clock)
        assert contact.is_as_expected(), told(contact)
        assert contact.identity is not None
        assert contact.identity.model == "DD-100-MC"
        assert "not homed" in str(contact.readings["attenuation"])
        assert oz.tell("D") == steps, "the motor moved"
    finally:
        oz.close()


def test_every_driver_of_an_inventory_has_a_check_and_a_names_file() -> None:
    union = typing.get_args(AnyGear)[0]
    drivers = {
        driver
        for gear in typing.get_args(union)
        for driver in typing.get_args(gear.model_fields["driver"].annotation)
    }
    # No wire leads to fixed attenuators: there is nothing to ask.
    assert drivers - {"fixed_attenuators"} == set(bench._INTERFACES)
    for interface in bench._INTERFACES.values():
        assert load_names(interface).entries


def test_the_marks_of_names_can_be_read() -> None:
    names = load_names("viavi_map_mvoa")
    assert set(names.unproven()) == {"model", "clear", "busy", "shutter", "wavelength", "averaging"}
    assert names.unproven()["shutter"].status == "inferred"
    assert names.unproven()["model"].source


def test_few_unproven_names_are_listed_and_many_on_demand(lab_file: Path) -> None:
    page = check(INVENTORY, "--lab-file", lab_file).stdout
    assert "1 of 16 names assumed, 5 inferred (drivers/facts/names/viavi_map_mvoa.yaml)" in page
    assert "inferred shutter ':OUTP:BBL? {device}': query form of the documented command" in page
    assert "assumed login_path" not in page
    assert "--verbose lists them" in page
    verbose = check(INVENTORY, "--lab-file", lab_file, "--verbose").stdout
    assert "assumed login_path '/api/v1/login': no public document" in verbose
    assert "--verbose lists them" not in verbose
