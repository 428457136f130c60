"""A station whose attenuator is a DD-100-MC: its inventory, its emulated lab, and the sweep over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drivers.clock import WallClock
from drivers.errors import BenchError, StationError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.connections import SerialConnection, VisaSocketConnection
from drivers.facts.inventory import Inventory
from drivers.station import Station, open_station
from drivers.wires.byte_log import NO_LOG
from emulators.attenuators.oz_dd100mc import EmulatedOzDd100
from emulators.lab.history import History
from tests.acceptance.benches import STATION, measure_and_judge, write_inventory
from tests.attenuators.oz_bench import LEFT_AT_DB, OzBench

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.inventory import Station as StationFacts

OZ: dict[str, Any] = {
    "role": "attenuator",
    "driver": "oz_dd100mc",
    "site": "gdc_b",
    "calibration_nm": 1550,
    "lab": {"port": "/dev/serial/by-id/usb-FTDI_FT232R_A1-if00-port0"},
}


def facts_of(folder: Path, **changes: Any) -> StationFacts:  # noqa: ANN401 - any part of the station
    inventory = read_checked(write_inventory(folder, {"gear.voa": OZ} | changes), Inventory)
    assert inventory.mistakes == []
    assert inventory.value is not None
    return inventory.value.stations[STATION]


@pytest.fixture
def bench(tmp_path: Path) -> Generator[OzBench]:
    bench = OzBench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def station(bench: OzBench, tmp_path: Path) -> Station:
    (tmp_path / "station").mkdir()
    facts = facts_of(tmp_path / "station")
    return Station("here", facts, {"voa": bench.voa}, bench.clock, None)


def test_the_inventory_takes_it_in_place_of_the_mvoa(tmp_path: Path) -> None:
    lab = facts_of(tmp_path).gear["voa"].lab
    assert isinstance(lab, SerialConnection)
    assert (lab.baud_rate, lab.deadline_s) == (9600, 10.0)
    assert lab.relative_to(tmp_path) == lab


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("calibration_nm", None, "gear.voa.calibration_nm"),
        ("calibration_nm", 850, "gear.voa.calibration_nm: got 850"),
        ("lab", {"port": "ttyUSB0"}, "gear.voa.lab.port: got 'ttyUSB0'"),
        ("lab", {"port": "/dev/tty\0USB0"}, "gear.voa.lab.port"),
        ("lab", {"port": "/dev/ttyUSB0", "baud_rate": 0}, "gear.voa.lab.baud_rate: got 0"),
        ("lab", {"resource": "TCPIP::198.51.100.20::8201::SOCKET"}, "gear.voa.lab.resource: unknown key"),
        ("defects", {"stuck": True, "wavelength_stuck_nm": 1310}, "gear.voa.defects.wavelength_stuck_nm"),
    ],
)
def test_mistakes_in_its_inventory_are_told(tmp_path: Path, key: str, value: object, told: str) -> None:
    path = write_inventory(tmp_path, {"gear.voa": {**OZ, key: value}})
    assert told in "\n".join(read_checked(path, Inventory).mistakes)


def test_the_wrong_kind_of_address_is_told(tmp_path: Path) -> None:
    wrong = {"voa": VisaSocketConnection(resource="TCPIP::127.0.0.1::9::SOCKET")}
    with pytest.raises(StationError, match="voa: oz_dd100mc cannot use a VisaSocketConnection"):
        open_station("here", facts_of(tmp_path), wrong, WallClock(), NO_LOG)


def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    gone = {"voa": SerialConnection(port=str(tmp_path / "gone"))}
    with pytest.raises(StationError, match=r"voa: .*gone.*No such file"):
        open_station("here", facts_of(tmp_path), gone, WallClock(), NO_LOG)


def test_one_that_was_not_homed_is_unsafe_and_is_brought_to_safety(station: Station, bench: OzBench) -> None:
    assert station.unsafe() == ["the attenuator does not know its attenuation: it was not homed"]
    assert station.is_at_reference() is False
    assert bench.link.added_db() == LEFT_AT_DB
    station.make_safe()
    assert station.unsafe() == []
    assert station.is_at_reference() is True
    assert bench.link.added_db() == 0.0


@pytest.mark.parametrize("added_db_max", [20.0, 20.03, 15.13])
def test_the_motor_step_nearest_to_the_safe_state_is_safe(
    bench: OzBench, tmp_path: Path, added_db_max: float
) -> None:
    changes = {"safe_state.attenuator": "maximum", "limits.added_db_max": added_db_max}
    station = Station("here", facts_of(tmp_path, **changes), {"voa": bench.voa}, bench.clock, None)
    station.make_safe()
    assert station.unsafe() == []
    bench.voa.set_attenuation_db(added_db_max - 0.2)
    assert len(station.unsafe()) == 1


def test_what_is_added_is_beyond_the_insertion_loss(station: Station, bench: OzBench) -> None:
    loss = station.set_added_db(10)
    assert (loss.added_db, loss.setting_db, loss.readback_db) == (10, 10, 10)
    assert bench.link.added_db() == pytest.approx(10)
    assert bench.tell("D")[1] == "ATTEN:11.00"


def test_a_lab_that_died_goes_on_with_the_motor_where_it_was(bench: OzBench, tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl", bench.lab.clock.now_s)
    bench.device.remember_in(history)
    bench.voa.set_attenuation_db(20)
    bench.tell("L1.5")
    bench.tell("E1")
    again = EmulatedOzDd100("voa", bench.gear, bench.link, bench.lab.clock)
    again.remember_in(history)
    assert bench.link.added_db() == LEFT_AT_DB
    acts = history.recover()
    for act in acts:
        history.do_again(act)
    assert bench.link.added_db() == pytest.approx(20)
    assert bench.lab.run(again.handle("D")) == ["DPos:1600", "ATTEN:21.50", "Done", ""]
    assert again.echoes
    assert history.recover() == acts
    history.close()


def test_the_sweep_runs_over_it_and_every_check_passes(tmp_path: Path) -> None:
    checks = measure_and_judge(write_inventory(tmp_path, {"gear.voa": OZ}), "attenuation", tmp_path / "runs")
    assert len(checks) > 10
    assert {check.verdict for check in checks} == {"pass"}


def test_one_with_a_wrong_scale_fails_the_sweep(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path, {"gear.voa": {**OZ, "defects": {"scale": 0.8}}})
    checks = measure_and_judge(inventory, "attenuation", tmp_path / "runs")
    failed = {check.name for check in checks if check.verdict == "fail"}
    assert "attenuation_count_drop_db" in failed
    assert "attenuation_setting_db" not in failed


def test_one_whose_home_sensor_failed_is_an_error_of_the_bench(tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path, {"gear.voa": {**OZ, "defects": {"home_sensor_fails": True}}})
    with pytest.raises(BenchError, match="Home sensor error"):
        measure_and_judge(inventory, "attenuation", tmp_path / "runs")
