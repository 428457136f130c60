"""A station keeps its limits, knows what 0 dB means, reaches its safe state; its gear is a plain model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from drivers.clock import WallClock
from drivers.errors import DeviceError, LimitError, StationError
from drivers.facts.connections import VisaSocketConnection
from drivers.facts.inventory import Station as StationFacts
from drivers.roles import ApplianceStatus, Attenuator, AttenuatorSpec, Identity, QkdAppliance, TelemetryBatch
from drivers.station import Station, open_station
from drivers.wires.byte_log import NO_LOG, ByteLog
from sweeps.procedures.preparation import Prepared, prepare_link
from sweeps.record.run_record import RunRecord
from tests.acceptance.benches import PROJECT, STATION

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.telemetry import TelemetryRecord

SPEC = AttenuatorSpec(0.0, 70.0, 0.001, 0.001, 1.5, 1260.0, 1650.0)


@dataclass
class PlainAttenuator:
    """Keeps what it is told."""

    setting_db: float = 33.0
    is_open: bool = False
    nm: float = 1310.0
    is_closed: bool = False
    refusals: int = 0
    spec: AttenuatorSpec = SPEC

    def identity(self) -> Identity:
        return Identity("maker", "model", "1", "1")

    def attenuation_db(self) -> float:
        return self.setting_db

    def uncertainty_db(self) -> float:
        return 0.05

    def set_attenuation_db(self, attenuation_db: float) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DeviceError("voa", "ATT", -222, "Data out of range")
        self.setting_db = attenuation_db

    def shutter_open(self) -> bool:
        return self.is_open

    def set_shutter_open(self, is_open: bool) -> None:
        self.is_open = is_open

    def wavelength_nm(self) -> float:
        return self.nm

    def set_wavelength_nm(self, wavelength_nm: float) -> None:
        self.nm = wavelength_nm

    def close(self) -> None:
        self.is_closed = True


@dataclass
class PlainAppliance:
    """An appliance that is idle until it is started."""

    end: str
    state: str = "PowerOff"
    calls: list[str] = field(default_factory=list[str])

    def status(self) -> ApplianceStatus:
        identity = Identity("ID Quantique", "Cerberis XGR", self.end, "1")
        return ApplianceStatus(identity, self.end, "COW-4", 1550.0, self.state, 0.0)

    def start(self) -> None:
        self.calls.append("start")
        self.state = "Running"

    def stop(self) -> None:
        self.calls.append("stop")

    def continue_telemetry(self, newest: TelemetryRecord) -> None:
        raise NotImplementedError

    def skip_telemetry(self) -> None:
        self.calls.append("skip")

    def read_telemetry(self) -> TelemetryBatch:
        return TelemetryBatch([], [])

    def close(self) -> None:
        self.calls.append("close")


class QuickClock(WallClock):
    """A wall clock whose pauses take no time."""

    def sleep(self, duration_s: float) -> None:
        del duration_s


def facts(**changes: Any) -> StationFacts:  # noqa: ANN401 - any part of the inventory's station
    content = yaml.safe_load((PROJECT / "inventory.yaml").read_text())["stations"][STATION]
    return StationFacts.model_validate(content | changes)


def station_of(attenuator: PlainAttenuator, **changes: Any) -> Station:  # noqa: ANN401 - as above
    gear: dict[str, Attenuator | QkdAppliance] = {
        "alice": PlainAppliance("alice"),
        "bob": PlainAppliance("bob"),
        "voa": attenuator,
    }
    return Station("here", facts(**changes), gear, QuickClock(), None)


@pytest.mark.parametrize("added_db", [-0.1, 15.001, float("inf"), float("nan")])
def test_a_loss_outside_the_stations_limits_is_refused_before_it_is_sent(added_db: float) -> None:
    attenuator = PlainAttenuator()
    with pytest.raises(LimitError, match="0 to 15"):
        station_of(attenuator).set_added_db(added_db)
    assert attenuator.setting_db == 33.0


def test_what_is_added_is_what_is_set_and_it_is_read_back() -> None:
    attenuator = PlainAttenuator()
    loss = station_of(attenuator).set_added_db(5.0)
    assert (loss.added_db, loss.setting_db, loss.readback_db) == (5.0, 5.0, 5.0)


@pytest.mark.parametrize(("safe", "setting_db"), [("reference", 0.0), ("maximum", 15.0)])
def test_the_safe_state_is_what_the_station_says(safe: str, setting_db: float) -> None:
    attenuator = PlainAttenuator()
    station_of(attenuator, safe_state={"attenuator": safe}).make_safe()
    assert (attenuator.setting_db, attenuator.is_open) == (setting_db, True)


def test_a_safe_state_that_cannot_be_reached_is_an_error_and_every_step_was_tried() -> None:
    attenuator = PlainAttenuator(refusals=99)
    with pytest.raises(StationError, match="safe state not reached\\n  voa: 'ATT': device error -222"):
        station_of(attenuator).make_safe()
    assert attenuator.is_open


def test_one_exchange_that_fails_does_not_keep_the_gear_unsafe() -> None:
    attenuator = PlainAttenuator(refusals=2)
    station_of(attenuator).make_safe()
    assert (attenuator.setting_db, attenuator.is_open) == (0.0, True)


def test_telemetry_is_taken_from_the_end_with_the_detectors() -> None:
    station = station_of(PlainAttenuator())
    assert station.receiver() is station.appliances()["bob"]


def test_a_role_that_nobody_fills_is_named() -> None:
    station = Station("bare", facts(), {}, WallClock(), None)
    with pytest.raises(StationError, match="station bare: nothing fills the role 'attenuator'"):
        station.attenuator()
    with pytest.raises(StationError, match="no QKD appliance has the end 'bob'"):
        station.receiver()


def test_closing_a_station_closes_all_of_its_gear() -> None:
    attenuator = PlainAttenuator()
    station = station_of(attenuator)
    station.close()
    assert attenuator.is_closed
    assert all(appliance.calls == ["close"] for appliance in plain_appliances(station))


def plain_appliances(station: Station) -> list[PlainAppliance]:
    return [appliance for appliance in station.appliances().values() if isinstance(appliance, PlainAppliance)]


def test_preparing_the_link_opens_it_at_0_db_and_starts_idle_appliances(tmp_path: Path) -> None:
    attenuator = PlainAttenuator()
    station = station_of(attenuator)
    with RunRecord.create(tmp_path / "run", {}) as run:
        prepare_link(station, run)
        prepare_link(station, run)
        told = [event.text for event in run.events()]
    assert (attenuator.setting_db, attenuator.is_open, attenuator.nm) == (0.0, True, 1550.0)
    assert [appliance.calls for appliance in plain_appliances(station)] == [["start"], ["start"]]
    assert told == [
        "the attenuator is set to 33 dB, safe is 0 dB; the attenuator blocks the light",
        "alice was PowerOff; key making started",
        "bob was PowerOff; key making started",
    ]


@dataclass
class SlowAppliance(PlainAppliance):
    """Comes up after some looks at it, or never."""

    looks: int = 3

    def status(self) -> ApplianceStatus:
        self.looks -= 1
        if self.looks == 0:
            self.state = "Running"
        return super().status()


class CountingClock(WallClock):
    """A clock that only counts."""

    t_s = 0.0

    def now_s(self) -> float:
        return self.t_s

    def sleep(self, duration_s: float) -> None:
        self.t_s += duration_s


def test_an_appliance_that_comes_up_is_waited_for_and_not_started_twice(tmp_path: Path) -> None:
    slow = SlowAppliance("alice", "ExecutingSelfTest", looks=5)
    gear = {"alice": slow, "bob": PlainAppliance("bob", "Running"), "voa": PlainAttenuator()}
    clock = CountingClock()
    with RunRecord.create(tmp_path / "run", {}) as run:
        assert prepare_link(Station("here", facts(), gear, clock, None), run) == Prepared(0.0)
    assert slow.calls == []
    assert clock.t_s > 0


def test_an_appliance_that_never_runs_is_an_error(tmp_path: Path) -> None:
    stuck = SlowAppliance("bob", "HandlingError", looks=-1)
    gear = {"alice": PlainAppliance("alice", "Running"), "bob": stuck, "voa": PlainAttenuator()}
    station = Station("here", facts(), gear, CountingClock(), None)
    with (
        RunRecord.create(tmp_path / "run", {}) as run,
        pytest.raises(
            StationError, match="bob is HandlingError; not Running within 1800 s; is each end of the fibre"
        ),
    ):
        prepare_link(station, run)


def test_gear_without_an_address_or_with_a_wrong_one_is_told_all_at_once() -> None:
    wrong = {"alice": VisaSocketConnection(resource="TCPIP::127.0.0.1::9::SOCKET")}
    with pytest.raises(StationError) as caught:
        open_station("here", facts(), wrong, WallClock(), NO_LOG)
    assert str(caught.value).splitlines() == [
        "station here: 0 of 3 devices reached",
        "  alice: cerberis_xgr cannot use a VisaSocketConnection",
        "  bob: no address for this target",
        "  voa: no address for this target",
    ]


def test_the_byte_log_keeps_two_files_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.wires.byte_log._MAX_BYTES", 2000)
    log = ByteLog(tmp_path / "wires.log")
    for number in range(100):
        log.sent("voa", b"message %d\n" % number)
        log.received("voa", b"\x00\xff" * 4000)
    log.failed("voa", "silence")
    log.close()
    log.sent("voa", b"after the end")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["wires.log", "wires.log.1"]
    assert all(path.stat().st_size < 40_000 for path in tmp_path.iterdir())
    text = (tmp_path / "wires.log.1").read_text() + (tmp_path / "wires.log").read_text()
    assert "voa > b'message 99\\n'" in text
    assert "voa ! b'silence'" in text
    assert "after the end" not in text
