"""The mVOA driver against the emulated mVOA over a real socket, and the light in the link."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from drivers.attenuators.viavi_mvoa import ViaviMvoa, open_viavi_mvoa
from drivers.errors import (
    ConnectionLost,
    DeviceError,
    LimitError,
    ProtocolError,
    TransportTimeout,
)
from drivers.facts.connections import VisaSocketConnection
from drivers.facts.defects import MvoaDefects
from drivers.facts.names import load_names
from drivers.roles import Attenuator
from drivers.wires.byte_log import NO_LOG
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.plant.link import Link
from emulators.wires.scpi_server import ErrorQueue
from tests.attenuators.scpi_lab import DEADLINE_S, LabThread, ThreadClock, resource

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from emulators.wires.scpi_server import ScpiDevice

LINK_NM = 1550.0


class Bench:
    def __init__(self, defects: MvoaDefects) -> None:
        self.lab = LabThread()
        self.clock = ThreadClock(self.lab)
        self.link = Link(self.lab.clock.now_s, LINK_NM)
        self.device = EmulatedMvoa("voa", self.link, self.lab.clock, defects)
        self.server = self.lab.serve(self.device)
        self.voa = self.open(self.server.port)

    def open(self, port: int, device: int = 1) -> ViaviMvoa:
        connection = VisaSocketConnection(resource=resource(port), device=device, deadline_s=DEADLINE_S)
        return open_viavi_mvoa("voa", connection, self.clock, NO_LOG)

    def close(self) -> None:
        self.voa.close()
        self.lab.close()


@pytest.fixture
def make_bench() -> Generator[Callable[[MvoaDefects], Bench]]:
    benches: list[Bench] = []

    def make(defects: MvoaDefects) -> Bench:
        benches.append(Bench(defects))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[[MvoaDefects], Bench]) -> Bench:
    return make_bench(MvoaDefects())


class ScriptedDevice:
    """A device with fixed answers, for what no emulated mVOA would say."""

    def __init__(self, **answers: str) -> None:
        names = load_names("viavi_map_mvoa")
        right = {"identity": "Viavi Solutions,mVOA-C1,1,1.0", "error": '0, "No Error"', "busy": "0"}
        self.errors = ErrorQueue()
        self._answers = {names[key].format(device=1): answer for key, answer in {**right, **answers}.items()}

    def handle(self, command: str) -> str | None:
        return self._answers.get(command)


def test_it_fills_the_role_and_says_who_it_is(bench: Bench) -> None:
    assert isinstance(bench.voa, Attenuator)
    identity = bench.voa.identity()
    assert (identity.vendor, identity.model) == ("Viavi Solutions", "mVOA-C1")
    assert identity.serial
    assert identity.firmware


def test_the_limits_are_the_makers(bench: Bench) -> None:
    spec = bench.voa.spec
    assert (spec.min_db, spec.max_db, spec.resolution_db) == (0, 70, 0.001)
    assert (spec.min_wavelength_nm, spec.max_wavelength_nm) == (1260, 1650)


def test_it_powers_up_blocked_and_the_driver_reads_that(bench: Bench) -> None:
    assert bench.voa.shutter_open() is False
    assert bench.link.added_db() == math.inf


def test_the_shutter_opens_and_blocks_the_light(bench: Bench) -> None:
    bench.voa.set_shutter_open(is_open=True)
    assert bench.voa.shutter_open() is True
    assert bench.link.added_db() == 0.0
    bench.voa.set_shutter_open(is_open=False)
    assert bench.voa.shutter_open() is False
    assert bench.link.added_db() == math.inf


@pytest.mark.parametrize("setting_db", [0.0, 0.001, 3, 12.345, 70.0])
def test_a_setting_reads_back_and_is_in_the_light(bench: Bench, setting_db: float) -> None:
    bench.voa.set_shutter_open(is_open=True)
    bench.voa.set_attenuation_db(setting_db)
    assert bench.voa.attenuation_db() == setting_db
    assert bench.link.added_db() == pytest.approx(setting_db)


@pytest.mark.parametrize("setting_db", [-0.001, 70.001, 1e9, math.nan, math.inf, -math.inf])
def test_an_attenuation_outside_the_limits_is_never_sent(bench: Bench, setting_db: float) -> None:
    bench.lab.inject("drop", count=None)
    with pytest.raises(LimitError, match="voa: attenuation"):
        bench.voa.set_attenuation_db(setting_db)
    assert not [entry for entry in bench.lab.faults.journal.entries if entry.kind == "fault struck"]
    bench.lab.faults.clear()
    assert bench.voa.attenuation_db() == 0.0


@pytest.mark.parametrize("wavelength_nm", [1259.999, 1650.001, math.nan, math.inf])
def test_a_wavelength_outside_the_limits_is_never_sent(bench: Bench, wavelength_nm: float) -> None:
    bench.lab.inject("drop", count=None)
    with pytest.raises(LimitError, match="voa: wavelength"):
        bench.voa.set_wavelength_nm(wavelength_nm)
    bench.lab.faults.clear()
    assert bench.voa.wavelength_nm() == LINK_NM


def test_settling_takes_lab_time_and_goes_by_small_changes(bench: Bench) -> None:
    bench.voa.set_shutter_open(is_open=True)
    started_s = bench.clock.now_s()
    bench.voa.set_attenuation_db(8.0)
    ended_s = bench.clock.now_s()
    assert 0.3 <= ended_s - started_s < 0.4
    losses_db = [segment.added_db for segment in bench.link.segments(started_s, ended_s)]
    assert losses_db == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_a_new_setting_takes_over_a_movement(bench: Bench) -> None:
    bench.voa.set_shutter_open(is_open=True)
    bench.device.handle(":OUTP:ATT 1,40")
    bench.clock.sleep(0.16)
    assert bench.link.added_db() == pytest.approx(20.0)
    bench.voa.set_attenuation_db(10.0)
    bench.clock.sleep(1)
    assert bench.link.added_db() == 10.0


def test_a_reset_blocks_and_ends_a_movement(bench: Bench) -> None:
    bench.voa.set_shutter_open(is_open=True)
    bench.device.handle(":OUTP:ATT 1,40")
    bench.device.handle("*RST")
    bench.clock.sleep(1)
    assert bench.device.handle(":BUSY?") == "0"
    assert bench.voa.shutter_open() is False
    bench.voa.set_shutter_open(is_open=True)
    assert bench.link.added_db() == 0.0


def test_a_motor_that_never_settles_is_a_timeout_in_clear_words(bench: Bench) -> None:
    server = bench.lab.serve(ScriptedDevice(busy="1"))
    voa = bench.open(server.port)
    started_s = bench.clock.now_s()
    with pytest.raises(TransportTimeout, match="still moving") as caught:
        voa.set_attenuation_db(5)
    assert caught.value.command == ":OUTP:ATT 1,5.000"
    assert 10 <= bench.clock.now_s() - started_s < 11
    voa.close()


def test_the_wavelength_is_set_read_and_seen_in_the_light(bench: Bench) -> None:
    bench.voa.set_shutter_open(is_open=True)
    bench.voa.set_attenuation_db(10)
    bench.voa.set_wavelength_nm(1310.12)
    assert bench.voa.wavelength_nm() == 1310.12
    wrong_db = bench.link.added_db()
    assert abs(wrong_db - 10) > 0.5
    bench.voa.set_wavelength_nm(LINK_NM)
    assert bench.link.added_db() == pytest.approx(10)


def test_what_the_device_refuses_is_a_device_error_once(bench: Bench) -> None:
    bench.lab.inject("device_error", match=":OUTP:ATT 1", value=-221)
    with pytest.raises(DeviceError, match="Settings conflict") as caught:
        bench.voa.set_attenuation_db(5)
    assert (caught.value.code, caught.value.command) == (-221, ":OUTP:ATT 1,5.000")
    bench.voa.set_attenuation_db(6)
    assert bench.voa.attenuation_db() == 6


def test_two_errors_in_the_queue_spoil_one_setting_only(bench: Bench) -> None:
    bench.device.errors.push(-113)
    bench.device.errors.push(-222)
    with pytest.raises(DeviceError) as caught:
        bench.voa.set_shutter_open(is_open=True)
    assert caught.value.code == -113
    bench.voa.set_shutter_open(is_open=True)


def test_errors_of_earlier_users_are_cleared_at_opening(bench: Bench) -> None:
    bench.device.errors.push(-113)
    voa = bench.open(bench.server.port)
    voa.set_attenuation_db(1)
    voa.close()


def test_a_device_number_that_is_not_there_is_a_device_error(bench: Bench) -> None:
    voa = bench.open(bench.server.port, device=2)
    with bench.clock.impatient(), pytest.raises(DeviceError, match="out of range") as caught:
        voa.attenuation_db()
    assert caught.value.command == ":OUTP:ATT? 2"
    voa.close()


def test_a_query_that_the_device_does_not_know_is_a_device_error(bench: Bench) -> None:
    bench.lab.inject("device_error", match=":OUTP:WAV?", value=-113)
    with bench.clock.impatient(), pytest.raises(DeviceError, match="Undefined header"):
        bench.voa.wavelength_nm()


def test_silence_without_an_error_is_a_timeout_of_the_question(bench: Bench) -> None:
    bench.lab.inject("silence", match=":OUTP:ATT?")
    with bench.clock.impatient(), pytest.raises(TransportTimeout) as caught:
        bench.voa.attenuation_db()
    assert caught.value.command == ":OUTP:ATT? 1"


def test_a_wholly_silent_device_is_a_timeout_of_the_question(bench: Bench) -> None:
    bench.lab.inject("silence", count=None)
    with bench.clock.impatient(), pytest.raises(TransportTimeout) as caught:
        bench.voa.shutter_open()
    assert caught.value.command == ":OUTP:BBL? 1"
    bench.lab.faults.clear()
    assert bench.voa.shutter_open() is False


def test_a_setting_lost_with_its_connection_is_never_taken_for_done(bench: Bench) -> None:
    bench.lab.inject("drop", match=":OUTP:ATT 1")
    with pytest.raises(ConnectionLost):
        bench.voa.set_attenuation_db(5)
    assert bench.voa.attenuation_db() == 0


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (ViaviMvoa.attenuation_db, "attenuation"),
        (ViaviMvoa.wavelength_nm, "wavelength"),
        (ViaviMvoa.shutter_open, "shutter"),
    ],
)
@pytest.mark.parametrize("answer", ["", "nan", "inf", "1e999", "5,0", "5 dB", "0x1", "1_0", "two"])
def test_an_answer_that_makes_no_sense_is_a_protocol_error(
    bench: Bench, read: Callable[[ViaviMvoa], object], name: str, answer: str
) -> None:
    server = bench.lab.serve(ScriptedDevice(**{name: answer}))
    voa = bench.open(server.port)
    with pytest.raises(ProtocolError) as caught:
        read(voa)
    assert caught.value.command == load_names("viavi_map_mvoa")[name].format(device=1)
    voa.close()


def test_garbage_on_the_wire_is_a_protocol_error_and_the_next_reading_is_right(bench: Bench) -> None:
    bench.voa.set_attenuation_db(3)
    bench.lab.inject("garbage", match=":OUTP:ATT?")
    with pytest.raises(ProtocolError):
        bench.voa.attenuation_db()
    assert bench.voa.attenuation_db() == 3


def test_nonsense_from_the_error_queue_is_a_protocol_error(bench: Bench) -> None:
    server = bench.lab.serve(ScriptedDevice(error="fine"))
    with pytest.raises(ProtocolError, match="'fine' is no error entry"):
        bench.open(server.port)


@pytest.mark.parametrize("answer", ["Viavi Solutions,PCT,129,4.3.3", "mVOA-C1", "", "a,mVOA-C1,b,c,d"])
def test_another_device_is_refused_by_name(bench: Bench, answer: str) -> None:
    device: ScpiDevice = ScriptedDevice(identity=answer)
    server = bench.lab.serve(device)
    with pytest.raises(ProtocolError) as caught:
        bench.open(server.port)
    assert repr(answer) in caught.value.problem


def test_nobody_there_is_a_lost_connection(bench: Bench) -> None:
    port = bench.server.port
    bench.lab.stop(bench.server)
    with pytest.raises(ConnectionLost, match="voa"):
        bench.open(port)


def test_a_device_gone_and_back_again_is_blocked_and_the_driver_says_so(bench: Bench) -> None:
    bench.voa.set_shutter_open(is_open=True)
    port = bench.server.port
    bench.lab.stop(bench.server)
    with pytest.raises(ConnectionLost):
        bench.voa.set_attenuation_db(5)
    restarted = EmulatedMvoa("voa", bench.link, bench.lab.clock, MvoaDefects())
    bench.lab.serve(restarted, port)
    assert bench.voa.shutter_open() is False


def test_a_scale_defect_is_in_the_light_and_not_in_the_reading(
    make_bench: Callable[[MvoaDefects], Bench],
) -> None:
    bench = make_bench(MvoaDefects(scale=0.5))
    bench.voa.set_shutter_open(is_open=True)
    bench.voa.set_attenuation_db(10)
    assert bench.voa.attenuation_db() == 10
    assert bench.link.added_db() == pytest.approx(5)


def test_a_stuck_filter_reads_back_and_does_not_move(make_bench: Callable[[MvoaDefects], Bench]) -> None:
    bench = make_bench(MvoaDefects(stuck=True))
    bench.voa.set_shutter_open(is_open=True)
    bench.voa.set_attenuation_db(10)
    assert bench.voa.attenuation_db() == 10
    assert bench.link.added_db() == 0


def test_a_stuck_wavelength_is_read_back_and_in_the_light(
    make_bench: Callable[[MvoaDefects], Bench],
) -> None:
    bench = make_bench(MvoaDefects(wavelength_stuck_nm=1310))
    bench.voa.set_shutter_open(is_open=True)
    bench.voa.set_attenuation_db(10)
    bench.voa.set_wavelength_nm(LINK_NM)
    assert bench.voa.wavelength_nm() == 1310
    assert abs(bench.link.added_db() - 10) > 0.5
