"""The interlock, the inventory and the first contact of an OTDR; at the end a whole emulated lab."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic import ValidationError

from drivers.contact.bench import check_devices
from drivers.errors import StationError
from drivers.facts.gear import ViaviOtdrGear
from drivers.facts.inventory import Inventory
from drivers.facts.inventory import Station as StationFacts
from drivers.facts.lab import LabAddresses
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.read import read_sor
from drivers.lab_control.clock import VirtualLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.otdr.interlock import InterlockedOtdr
from drivers.otdr.viavi_smartotdr import ViaviSmartOtdr
from drivers.roles import LINK_ROLES, Otdr, OtdrSettings
from drivers.station import open_station
from drivers.wires.byte_log import NO_LOG
from tests.acceptance.benches import PROJECT, STATION, write_inventory
from tests.contact.contact_lab import told
from tests.otdr_wire.otdr_lab import SETTINGS, gear

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from drivers.roles import OperatorAnswer, OperatorTask
    from drivers.station import Station
    from tests.otdr_wire.otdr_lab import OtdrLab

ROLES = (*LINK_ROLES, "otdr")
OTDR = {"role": "otdr", "driver": "viavi_smartotdr", "site": "gdc_a", "wavelengths_nm": [1310, 1550]}
LONG = OtdrSettings(wavelength_nm=1550.0, range_km=40.0, pulse_ns=100.0, averaging_s=30.0)


def test_light_is_refused_with_the_reason_and_all_else_goes_through(bench: OtdrLab) -> None:
    reasons: list[str | None] = ["a receiver is at the far end", None]
    otdr = InterlockedOtdr("station here: otdr", bench.open(), lambda: reasons.pop(0))
    assert isinstance(otdr, Otdr)
    assert otdr.set_up(SETTINGS) == SETTINGS
    with pytest.raises(StationError, match="otdr must not send light: a receiver is at the far end"):
        otdr.start()
    assert bench.fibre.told == []
    otdr.start()
    assert otdr.laser_on()
    otdr.wait(60.0)
    assert not otdr.is_running()
    assert (len(otdr.events()), otdr.wavelengths_nm()) == (4, (1310.0, 1550.0))
    assert len(otdr.curve().levels_db) == read_sor(otdr.sor()).block(FxdParams).pulses[0].points
    assert otdr.identity().model == "SmartOTDR"
    otdr.stop()
    otdr.close()


# --- inventory


def station_with(tmp_path: Path, changes: Mapping[str, Any]) -> StationFacts:
    content = yaml.safe_load(write_inventory(tmp_path, changes).read_text())
    return Inventory.model_validate(content).stations[STATION]


def test_a_station_may_have_an_otdr_at_each_end(tmp_path: Path) -> None:
    facts = station_with(tmp_path, {"gear.otdr_a": OTDR})
    assert [name for name, device in facts.gear.items() if isinstance(device, ViaviOtdrGear)] == [
        "otdr_a",
        "otdr_b",
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"gear.two": OTDR}, "at most one OTDR at a site; more at: gdc_a"),
        (
            {"gear.otdr_b": OTDR, "gear.otdr_a": OTDR | {"site": "gdc_b"}, "gear.bob.site": "gdc_a"},
            "each end has a site of its own",
        ),
        (
            {"gear.otdr_a": {**OTDR, "site": "hut"}, "sites.hut": {"name": "A hut"}},
            "stands at one end of the fibre",
        ),
        ({"gear.otdr_a": {**OTDR, "wavelengths_nm": []}}, "at least 1 item"),
        ({"gear.otdr_a": {**OTDR, "defects": {"missing_nm": [1310, 1550]}}}, "no laser is left"),
        ({"gear.otdr_a": {**OTDR, "defects": {"stops_at": 1.5}}}, "less than or equal to 1"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, changes: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        station_with(tmp_path, changes)


# --- first contact


def test_the_first_contact_sees_an_otdr_and_makes_no_light(bench: OtdrLab) -> None:
    before = bench.open().settings()
    (contact,) = check_devices({"otdr": gear()}, {"otdr": bench.connection}, bench.clock, NO_LOG)
    assert contact.is_as_expected(), told(contact)
    assert contact.readings == {"wavelengths": "1310, 1550 nm", "state": "idle"}
    assert contact.latency is not None
    assert bench.open().settings() == before
    assert bench.fibre.told == []


def test_the_first_contact_misses_a_wavelength(bench: OtdrLab) -> None:
    wanted = gear(wavelengths_nm=(1550.0, 1625.0))
    (contact,) = check_devices({"otdr": wanted}, {"otdr": bench.connection}, bench.clock, NO_LOG)
    assert contact.is_reached()
    assert "1625 nm is not fitted" in told(contact)


# --- a whole lab


@contextmanager
def lab_station(tmp_path: Path, **otdr: Any) -> Generator[tuple[Station, LabFaults]]:  # noqa: ANN401
    changes = {"gear.otdr_a": {**OTDR, **otdr}}
    inventory = write_inventory(tmp_path, changes)
    facts = station_with(tmp_path / "facts", changes)
    command = [sys.executable, "-m", "emulators", "serve", str(inventory), "--clock", "virtual"]
    process = subprocess.Popen(
        [*command, "--folder", str(tmp_path / "lab")], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            addresses = LabAddresses.model_validate_json(process.stdout.readline())
            with closing(LabControl(addresses.control)) as control:
                faults, clock = LabFaults(control), VirtualLabClock(control)
                operator = LabOperator(control)
                connections = addresses.connections
                roles = (*LINK_ROLES, "otdr")
                station = open_station(
                    STATION, facts, connections, clock, NO_LOG, faults, operator, roles=roles
                )
                with closing(station):
                    yield station, faults
        finally:
            process.kill()


def test_an_otdr_of_a_lab_is_dark_until_the_fibre_is_safe_and_then_measures_it(tmp_path: Path) -> None:
    with lab_station(tmp_path) as (station, faults):
        with pytest.raises(StationError, match="there is no OTDR at 'a hut'"):
            station.open_otdr("a hut")
        otdr = station.open_otdr("gdc_a")
        otdr.set_up(LONG)
        with pytest.raises(StationError, match="is not known; connect it to the OTDR"):
            otdr.start()
        station.connect_fibre_end("gdc_b", "nothing")
        station.connect_fibre_end("gdc_a", "otdr")
        otdr.start()
        with pytest.raises(StationError, match="otdr_a sends light; stop it first"):
            station.connect_fibre_end("gdc_b", "qkd")
        assert any("otdr_a sends light" in problem for problem in station.unsafe())
        otdr.wait(60.0)
        end = otdr.events()[-1]
        assert end.distance_m == pytest.approx(19_870.0, abs=20.0)
        assert end.kind == "End"
        assert not any(entry.kind == "otdr light" for entry in faults.journal())


def test_the_safe_state_is_dark(tmp_path: Path) -> None:
    with lab_station(tmp_path, defects={"is_busy": True}) as (station, _):
        otdr = station.open_otdr("gdc_a")
        assert station.unsafe()[-1] == "otdr_a sends light"
        station.make_safe()
        assert not otdr.laser_on()
        assert station.unsafe() == []


def test_one_otdr_is_open_at_a_time_and_is_closed_without_light(tmp_path: Path) -> None:
    with lab_station(tmp_path, defects={"is_busy": True}) as (station, _):
        station.open_otdr("gdc_a")
        with pytest.raises(StationError, match="otdr_a is open; close it first"):
            station.open_otdr("gdc_b")
        station.close_otdr()
        assert not any("otdr" in problem for problem in station.unsafe())
        assert station.open_otdr("gdc_b").identity().serial == "EMULATED-gdc_b"
        station.close_otdr()
        assert not station.open_otdr("gdc_a").laser_on()


def test_light_that_comes_while_a_cord_is_moved_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out, done = LabOperator.carry_out, list[str]()

    def carry_out_and_press_the_key(operator: LabOperator, task: OperatorTask) -> OperatorAnswer:
        done.append(task.do)
        return carry_out(operator, task)

    def shines(_otdr: ViaviSmartOtdr) -> bool:
        return bool(done)

    with lab_station(tmp_path) as (station, _):
        station.open_otdr("gdc_a")
        monkeypatch.setattr(LabOperator, "carry_out", carry_out_and_press_the_key)
        monkeypatch.setattr(ViaviSmartOtdr, "laser_on", shines)
        with pytest.raises(StationError, match="otdr_a sends light; stop it first"):
            station.connect_fibre_end("gdc_b", "nothing")
    assert len(done) == 1
