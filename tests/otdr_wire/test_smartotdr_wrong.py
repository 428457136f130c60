"""What can go wrong with an OTDR: it stops half-way, is busy, is shared, has no laser, falls silent, lies."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from drivers.errors import (
    AcquisitionBroken,
    ConnectionLost,
    DeviceBusy,
    DeviceError,
    GearError,
    LimitError,
    ProtocolError,
    SettingNotTaken,
    TransportTimeout,
)
from drivers.facts.defects import OtdrDefects
from drivers.otdr.viavi_smartotdr import open_viavi_smartotdr
from drivers.wires.byte_log import NO_LOG
from emulators.wires.scpi_server import ErrorQueue, block_of
from tests.otdr_wire.otdr_lab import SETTINGS, OtdrLab, gear

if TYPE_CHECKING:
    from collections.abc import Generator

    from drivers.facts.lab import FaultAction
    from drivers.otdr.viavi_smartotdr import ViaviSmartOtdr
    from emulators.wires.scpi_server import Answer


@contextmanager
def wrong_bench(**defects: object) -> Generator[OtdrLab]:
    right = gear()
    bench = OtdrLab(right.model_copy(update={"defects": OtdrDefects.model_validate(defects)}))
    try:
        yield bench
    finally:
        bench.close()


def test_an_otdr_that_stops_half_way_is_found_out_while_it_is_waited_for() -> None:
    with wrong_bench(stops_at=0.5) as bench:
        otdr = bench.open()
        otdr.set_up(SETTINGS)
        otdr.start()
        with pytest.raises(AcquisitionBroken, match="ended after 5 s of 10 s"):
            otdr.wait(60.0)


def test_an_otdr_that_stopped_half_way_is_found_out_by_its_file() -> None:
    with wrong_bench(stops_at=0.5) as bench:
        otdr = bench.open()
        otdr.set_up(SETTINGS)
        otdr.start()
        bench.clock.sleep(60.0)
        otdr.wait(1.0)
        with pytest.raises(AcquisitionBroken, match="averaged for 5 s, not 10 s"):
            otdr.sor()


def test_an_otdr_that_never_ends_is_a_timeout_and_can_be_stopped() -> None:
    with wrong_bench(is_busy=True) as bench:
        otdr = bench.open()
        with pytest.raises(DeviceBusy, match="measures already; wait for its end or stop it"):
            otdr.set_up(SETTINGS)
        with pytest.raises(TransportTimeout, match="still measuring"):
            otdr.wait(7.0)
        assert bench.fibre.told == ["on at here"]
        otdr.stop()
        assert bench.fibre.told == ["on at here", "off at here"]
        otdr.set_up(SETTINGS)
        otdr.start()
        otdr.wait(60.0)
        assert len(otdr.events()) == 4


def test_a_wavelength_that_is_missing() -> None:
    with wrong_bench(missing_nm=(1550.0,)) as bench:
        otdr = bench.open()
        assert otdr.wavelengths_nm() == (1310.0,)
        with pytest.raises(LimitError, match="1550 nm is not fitted"):
            otdr.set_up(SETTINGS)


def test_an_otdr_that_clamps_more() -> None:
    with wrong_bench(longest_pulse_ns=50.0) as bench, pytest.raises(SettingNotTaken, match="became 30 ns"):
        bench.open().set_up(SETTINGS)


def test_an_otdr_without_light_finds_nothing_and_tells_no_light() -> None:
    with wrong_bench(no_light=True) as bench:
        otdr = bench.measured()
        assert [event.reflectance_db for event in otdr.events()] == [None]
        assert otdr.curve().levels_db.max() < -40.0
        assert "on at here" not in bench.fibre.told


# --- two controllers


def test_the_second_controller_cannot_stop_the_first_by_starting(bench: OtdrLab) -> None:
    first, second = bench.open(), bench.open()
    first.set_up(SETTINGS)
    second.set_up(SETTINGS)
    first.start()
    with pytest.raises(DeviceBusy, match=r"KEY STAR.*measures already"):
        second.start()
    with pytest.raises(DeviceBusy, match=r"set up.*measures already"):
        second.set_up(SETTINGS)
    first.wait(60.0)
    assert len(first.events()) == 4


def test_settings_that_somebody_else_changed_are_not_measured_with(bench: OtdrLab) -> None:
    first, second = bench.open(), bench.open()
    first.set_up(SETTINGS)
    second.set_up(replace(SETTINGS, pulse_ns=300.0))
    with pytest.raises(DeviceBusy, match="set it up meanwhile: pulse 100 ns became 300 ns"):
        first.start()
    assert bench.fibre.told == []


def test_a_measurement_that_somebody_else_ended_is_broken(bench: OtdrLab) -> None:
    first, second = bench.open(), bench.open()
    first.set_up(SETTINGS)
    first.start()
    second.stop()
    with pytest.raises(AcquisitionBroken, match="ended after"):
        first.wait(60.0)


def test_a_trace_that_somebody_else_took_since_is_not_ours(bench: OtdrLab) -> None:
    first, second = bench.measured(), bench.open()
    second.set_up(replace(SETTINGS, pulse_ns=300.0, group_index=1.47))
    second.start()
    second.wait(60.0)
    with pytest.raises(AcquisitionBroken, match=r"pulse 300 ns, not 100 ns; group index 1\.47, not 1\.468"):
        first.sor()
    assert second.sor()


def test_a_measurement_that_ends_while_it_is_stopped_is_not_started_again(bench: OtdrLab) -> None:
    otdr = opened(bench)
    otdr.start()
    # The key arrives when the measurement has just ended by itself: it begins another one.
    handle, late = bench.device.handle, ["KEY STAR"]

    def handle_late(command: str) -> Answer | None:
        if command in late:
            late.remove(command)
            handle(command)
        return handle(command)

    bench.device.handle = handle_late
    otdr.stop()
    assert late == []
    assert not otdr.is_running()
    assert bench.fibre.told == ["on at here", "off at here"] * 2


# --- the wire


def opened(bench: OtdrLab) -> ViaviSmartOtdr:
    otdr = bench.open()
    otdr.set_up(SETTINGS)
    return otdr


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("silence", TransportTimeout),
        ("drop", ConnectionLost),
        ("garbage", ProtocolError),
        ("half_reply", TransportTimeout),
    ],
)
def test_a_poll_that_fails_is_an_error_and_the_next_one_goes_on(
    bench: OtdrLab, action: FaultAction, error: type[GearError]
) -> None:
    otdr = opened(bench)
    otdr.start()
    bench.lab.inject(action, match="STAT:ACQ?")
    with bench.clock.impatient(), pytest.raises(error):
        otdr.wait(60.0)
    otdr.wait(60.0)
    assert len(otdr.events()) == 4


@pytest.mark.parametrize("match", ["OTDR:SSOR?", "CURVe:BUFFer?"])
@pytest.mark.parametrize(
    ("action", "error"),
    [
        ("silence", TransportTimeout),
        ("drop", ConnectionLost),
        ("garbage", ProtocolError),
        ("half_reply", TransportTimeout),
    ],
)
def test_results_that_fail_on_the_wire_can_be_read_again(
    bench: OtdrLab, match: str, action: FaultAction, error: type[GearError]
) -> None:
    otdr = bench.measured()
    read = otdr.sor if "SSOR" in match else otdr.curve
    bench.lab.inject(action, match=match)
    with bench.clock.impatient(), pytest.raises(error):
        read()
    assert read()


def test_a_key_that_is_refused_is_the_devices_own_error(bench: OtdrLab) -> None:
    otdr = opened(bench)
    bench.lab.inject("device_error", match="KEY STAR", value=-240)
    with pytest.raises(DeviceError, match="'KEY STAR': device error -240: Hardware error"):
        otdr.start()
    assert bench.fibre.told == []


def test_a_key_that_does_nothing_is_found_out(bench: OtdrLab) -> None:
    otdr = opened(bench)
    mishear(bench, "KEY STAR", "*REM")
    with pytest.raises(AcquisitionBroken, match="did not begin to measure"):
        otdr.start()


def test_a_light_that_cannot_be_stopped_is_found_out(bench: OtdrLab) -> None:
    otdr = bench.open()
    otdr.set_up(replace(SETTINGS, averaging_s=60.0))
    otdr.start()
    mishear(bench, "KEY STAR", "*REM")
    with pytest.raises(TransportTimeout, match="still measuring"):
        otdr.stop()


def mishear(bench: OtdrLab, said: str, heard: str) -> None:
    """Have the device take one command for another."""
    handle = bench.device.handle

    def handle_wrongly(command: str) -> Answer | None:
        return handle(heard if command == said else command)

    bench.device.handle = handle_wrongly


def test_an_unknown_query_is_silence_and_becomes_the_devices_error(bench: OtdrLab) -> None:
    otdr = bench.open()
    mishear(bench, "OTDS:LAS:LIST?", "OTDS:NOSUCH?")
    with bench.clock.impatient(), pytest.raises(DeviceError, match="device error -113: Undefined header"):
        otdr.wavelengths_nm()


class Liar:
    """Answers what it is given."""

    def __init__(self, **answers: Answer) -> None:
        self.errors = ErrorQueue()
        self._answers: dict[str, Answer] = {
            "*IDN?": "VIAVI,SmartOTDR,1,2",
            "SYST:ERR?": '0, "No error"',
            "STAT:ACQ?": "STOPPED",
        }
        self._answers |= answers

    def handle(self, command: str) -> Answer | None:
        return self._answers.get(command)


@contextmanager
def liar(answers: dict[str, Answer]) -> Generator[ViaviSmartOtdr]:
    bench = OtdrLab()
    server = bench.lab.serve(Liar(**answers))
    connection = bench.connection.model_copy(update={"resource": f"TCPIP::127.0.0.1::{server.port}::SOCKET"})
    try:
        otdr = open_viavi_smartotdr("otdr", connection, bench.clock, NO_LOG)
        yield otdr
        otdr.close()
    finally:
        bench.close()


def test_another_device_is_named() -> None:
    with (
        pytest.raises(ProtocolError, match="SmartOTDR was expected, 'ANRITSU,MT9083,1,2' answered"),
        liar({"*IDN?": "ANRITSU,MT9083,1,2"}),
    ):
        raise AssertionError("it was taken for a SmartOTDR")


@pytest.mark.parametrize("answer", ["VIAVI,Smart OTDR,7", "VIAVI,SMARTOTDR", "VIAVI, SmartOTDR ,7,1.0,beta"])
def test_an_identity_of_few_or_many_fields(answer: str) -> None:
    with liar({"*IDN?": answer}) as otdr:
        assert otdr.identity().vendor == "VIAVI"


@pytest.mark.parametrize(
    ("answers", "ask", "problem"),
    [
        ({"STAT:ACQ?": ""}, "is_running", "is no state of a measurement"),
        ({"STAT:ACQ?": "#14ABCD"}, "is_running", "is no state of a measurement"),
        ({"TABle:SIZe?": "four"}, "events", "'four'"),
        ({"TABle:SIZe?": "-1"}, "events", "-1 is no size of a table"),
        ({"TABle:SIZe?": "1000000"}, "events", "1000000 is no size of a table"),
        ({"TABle:SIZe?": "1", "TABle:LINe? 1": "1,,x,,,,,"}, "events", "distance 'x' is no number"),
        ({"TABle:SIZe?": "1", "TABle:LINe? 1": "2,,0,,,,,"}, "events", "line 1 holds event 2"),
        ({"OTDS:LAS:LIST?": "L1310,1550"}, "wavelengths_nm", "'1550' is no laser"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_result(
    answers: dict[str, Answer], ask: str, problem: str
) -> None:
    with liar(answers) as otdr, pytest.raises(ProtocolError, match=problem):
        getattr(otdr, ask)()


CURVE: dict[str, Answer] = {
    "CURVe:XSCale?": "6.39488995E-01",
    "CURVe:XOFFset?": "0",
    "CURVe:YSCale?": "1.47E-03",
    "CURVe:YOFFset?": "-13.700909",
    "CURVe:BUFFer?": block_of(b"0000FFFF7FFF8000"),
}


def test_a_curve_as_a_real_otu_8000_gives_it() -> None:
    with liar(CURVE) as otdr:
        curve = otdr.curve()
    assert curve.distances_m == pytest.approx([0.0, 0.639489, 1.278978, 1.918467])
    assert curve.levels_db == pytest.approx([-13.700909, -13.702379, 34.466581, -61.869869])


@pytest.mark.parametrize(
    ("query", "answer", "problem"),
    [
        ("CURVe:BUFFer?", block_of(b"00000"), "5 characters are no points"),
        ("CURVe:BUFFer?", block_of(b"00zz"), "not hexadecimal"),
        ("CURVe:BUFFer?", "#0", "does not say how long it is"),
        ("CURVe:YSCale?", "inf", "no finite number"),
        ("CURVe:XSCale?", "", "could not convert"),
    ],
)
def test_a_curve_that_makes_no_sense_is_no_result(query: str, answer: Answer, problem: str) -> None:
    with liar(CURVE | {query: answer}) as otdr, pytest.raises(ProtocolError, match=problem):
        otdr.curve()


def test_a_file_that_is_none_is_told_once_it_would_be_ours(bench: OtdrLab) -> None:
    otdr = bench.measured()
    handle = bench.device.handle
    bench.device.handle = lambda command: block_of(b"MZ") if "SSOR" in command else handle(command)
    with pytest.raises(ProtocolError, match=r"no \.sor file"):
        otdr.sor()
