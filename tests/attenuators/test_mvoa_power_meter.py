"""The mVOA's power meter on the wire: what it answers, what it cannot, and what is no answer at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from drivers.attenuators.viavi_mvoa import MVOA_SPEC, ViaviMvoa, open_viavi_mvoa
from drivers.errors import (
    DeviceError,
    LimitError,
    Overload,
    ProtocolError,
    SettingNotTaken,
    TransportTimeout,
    Underload,
)
from drivers.facts.connections import VisaSocketConnection
from drivers.facts.defects import MvoaDefects
from drivers.roles import PowerMeter
from drivers.wires.byte_log import NO_LOG
from emulators.attenuators.mvoa_profile import mvoa_profile
from emulators.attenuators.power_meter import OutputPowerMeter
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.lab.streams import Streams
from emulators.plant.link import Link
from tests.attenuators.scpi_lab import DEADLINE_S, LabThread, ThreadClock, resource
from tests.attenuators.test_viavi_mvoa import ScriptedDevice

if TYPE_CHECKING:
    from collections.abc import Generator

    from emulators.wires.scpi_server import ScpiDevice

SOURCE_DBM = -1.5
LIGHT_NM = 1550.0


class Bench:
    """An emulated mVOA that may have a meter, with light of SOURCE_DBM before its filter."""

    def __init__(self, *, has_meter: bool = True) -> None:
        self.lab = LabThread()
        self.clock = ThreadClock(self.lab)
        self.source_dbm = SOURCE_DBM
        link = Link(self.lab.clock.now_s, LIGHT_NM)
        self.device = EmulatedMvoa("voa", link, self.lab.clock, MvoaDefects())
        self._wires: list[ViaviMvoa] = []
        if has_meter:
            noise = Streams(1).stream("voa/power_meter")
            self.device.fit_power_meter(
                OutputPowerMeter(mvoa_profile(), noise, self.lab.clock.now_s, self._light_dbm)
            )
        self.voa = self.open(self.device)

    def _light_dbm(self) -> float:
        return self.source_dbm - self.device.loss_db(LIGHT_NM)

    def open(self, device: ScpiDevice) -> ViaviMvoa:
        port = self.lab.serve(device).port
        connection = VisaSocketConnection(resource=resource(port), deadline_s=DEADLINE_S)
        self._wires.append(open_viavi_mvoa("voa", connection, self.clock, NO_LOG))
        return self._wires[-1]

    def close(self) -> None:
        for wire in self._wires:
            wire.close()
        self.lab.close()


@pytest.fixture
def bench() -> Generator[Bench]:
    made = Bench()
    made.voa.set_shutter_open(is_open=True)
    yield made
    made.close()


@pytest.fixture
def bare() -> Generator[Bench]:
    made = Bench(has_meter=False)
    yield made
    made.close()


def test_it_fills_the_role_and_reads_the_light_behind_the_filter(bench: Bench) -> None:
    assert isinstance(bench.voa, PowerMeter)
    bench.voa.set_averaging_s(1.0)
    for setting_db in (0.0, 3.0, 12.5, 40.0):
        bench.voa.set_attenuation_db(setting_db)
        assert bench.voa.power_dbm() == pytest.approx(SOURCE_DBM - setting_db, abs=0.01)


def test_asked_again_in_the_same_moment_it_answers_the_same_and_later_another_value(bench: Bench) -> None:
    bench.voa.set_averaging_s(0.1)
    first = bench.voa.power_dbm()
    assert {bench.voa.power_dbm() for _ in range(5)} == {first}
    values = {first}
    for _ in range(10):
        bench.clock.sleep(0.1)
        values.add(bench.voa.power_dbm())
    assert len(values) > 3


def test_noise_shrinks_with_the_averaging_time(bench: Bench) -> None:
    spread_db: list[float] = []
    for averaging_s in (0.01, 1.0):
        bench.voa.set_averaging_s(averaging_s)
        values: list[float] = []
        for _ in range(40):
            bench.clock.sleep(averaging_s)
            values.append(bench.voa.power_dbm())
        spread_db.append(max(values) - min(values))
    short, long = spread_db
    assert long < short / 4


@pytest.mark.parametrize("why", ["blocked", "no source", "far too much attenuation"])
def test_too_little_light_is_an_underload_in_words(bench: Bench, why: str) -> None:
    if why == "blocked":
        bench.voa.set_shutter_open(is_open=False)
    elif why == "no source":
        bench.source_dbm = -math.inf
    else:
        bench.voa.set_attenuation_db(70.0)
    with pytest.raises(Underload, match="less light than its power meter measures: is its shutter open"):
        bench.voa.power_dbm()


def test_too_much_light_is_an_overload(bench: Bench) -> None:
    bench.source_dbm = 20.0
    with pytest.raises(Overload, match="more light than its power meter measures"):
        bench.voa.power_dbm()


def test_without_a_meter_it_says_so(bare: Bench) -> None:
    with bare.clock.impatient(), pytest.raises(DeviceError, match="this mVOA has no power meter") as refused:
        bare.voa.power_dbm()
    assert refused.value.code == -113
    with pytest.raises(DeviceError, match="this mVOA has no power meter"):
        bare.voa.set_averaging_s(0.5)
    bare.voa.set_attenuation_db(3.0)  # nothing else is wrong with it


def test_another_refusal_is_not_taken_for_a_missing_meter(bench: Bench) -> None:
    bench.lab.inject("device_error", match="ATIM ", value=-222)
    with pytest.raises(DeviceError) as refused:
        bench.voa.set_averaging_s(0.5)
    assert refused.value.code == -222
    assert "no power meter" not in str(refused.value)


@pytest.mark.parametrize("averaging_s", [0.0019, 5.1, -1.0, math.nan])
def test_averaging_times_that_it_does_not_do_are_not_sent(bench: Bench, averaging_s: float) -> None:
    bench.voa.set_averaging_s(0.25)
    with pytest.raises(LimitError, match="averaging time"):
        bench.voa.set_averaging_s(averaging_s)
    assert bench.voa.averaging_s() == 0.25


@pytest.mark.parametrize("averaging_s", [0.002, 0.5, 5.0])
def test_averaging_times_are_read_back(bench: Bench, averaging_s: float) -> None:
    bench.voa.set_averaging_s(averaging_s)
    assert bench.voa.averaging_s() == averaging_s


def test_an_averaging_time_that_was_not_taken_is_told(bench: Bench) -> None:
    voa = bench.open(ScriptedDevice(averaging="100"))
    with pytest.raises(SettingNotTaken, match=r"reads back 0\.1 s"):
        voa.set_averaging_s(0.5)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("-------", Underload),
        ("--", Underload),
        ("-99.99-", Underload),
        ("+++++++", Overload),
        ("+99.99+", Overload),
        ("-", ProtocolError),
        ("+", ProtocolError),
        ("nan", ProtocolError),
        ("1e999", ProtocolError),
        ("-12.3 dBm", ProtocolError),
        ("-12.3;0", ProtocolError),
    ],
)
def test_what_is_no_number_is_never_a_power(bench: Bench, answer: str, error: type[Exception]) -> None:
    voa = bench.open(ScriptedDevice(power=answer))
    with pytest.raises(error):
        voa.power_dbm()


@pytest.mark.parametrize(("answer", "power_dbm"), [("-16.523", -16.523), ("+1.5", 1.5), ("-1.65e+01", -16.5)])
def test_numbers_of_all_forms_are_read(bench: Bench, answer: str, power_dbm: float) -> None:
    assert bench.open(ScriptedDevice(power=answer)).power_dbm() == power_dbm


def test_garbage_and_silence_are_errors_of_the_wire_and_the_next_reading_is_right(bench: Bench) -> None:
    bench.lab.inject("garbage", match="POW:OUTP?")
    with pytest.raises(ProtocolError):
        bench.voa.power_dbm()
    bench.lab.inject("silence", match="POW:OUTP?")
    with bench.clock.impatient(), pytest.raises(TransportTimeout):
        bench.voa.power_dbm()
    assert bench.voa.power_dbm() == pytest.approx(SOURCE_DBM, abs=0.02)


def test_the_makers_largest_input_is_in_the_specification() -> None:
    assert MVOA_SPEC.max_input_dbm == 23.0
