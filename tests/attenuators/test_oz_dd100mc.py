"""The DD-100-MC driver against the emulated DD-100-MC over a real pseudo-terminal, and the light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.attenuators.oz_dd100mc import open_oz_dd100mc
from drivers.errors import (
    ConnectionLost,
    DeviceError,
    GearError,
    LimitError,
    ProtocolError,
    TransportTimeout,
)
from drivers.facts.defects import OzDd100Defects
from drivers.facts.names import load_names
from drivers.wires.byte_log import NO_LOG, ByteLog
from emulators.attenuators.oz_dd100mc import EmulatedOzDd100
from tests.attenuators.oz_bench import LEFT_AT_DB, LINK_NM, OzBench
from tests.attenuators.serial_lab import StillClock, bare_line, connection_to

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from tests.attenuators.serial_lab import BareLine

RIGHT = {
    b"S?": b"Pos:0",
    b"D": b"DPos:0\r\nATTEN:1.00",
    b"CD": b"IL:1.00\r\nMAX ATTEN:60.00",
    b"A6.00": b"Pos:400",
}


@pytest.fixture
def make_bench(tmp_path: Path) -> Generator[Callable[[OzDd100Defects], OzBench]]:
    benches: list[OzBench] = []

    def make(defects: OzDd100Defects) -> OzBench:
        benches.append(OzBench(tmp_path, defects))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[[OzDd100Defects], OzBench]) -> OzBench:
    return make_bench(OzDd100Defects())


def scripted(answers: Mapping[bytes, bytes | list[bytes]]) -> Callable[[BareLine], None]:
    """Let a line answer by a table, a list in its order, until nobody asks; "" ends it."""

    def talk(line: BareLine) -> None:
        left = {
            command: list(said) if isinstance(said, list) else [said] for command, said in answers.items()
        }
        while (command := line.hear().rstrip(b"\r")) not in {b"", b"END"}:
            said = left[command].pop(0) if len(left[command]) > 1 else left[command][0]
            line.say(said + (b"\r\n\r\n" if said.startswith(b"Error") else b"\r\nDone\r\n\r\n"))

    return talk


def end(path: str) -> None:
    with open(path, "wb", buffering=0) as port:  # noqa: PTH123 - a terminal
        port.write(b"END\r")


def test_opening_looks_and_moves_nothing(bench: OzBench) -> None:
    assert bench.link.added_db() == LEFT_AT_DB
    assert bench.tell("D")[1] == "ATTEN:unknown"


def test_its_limits_are_read_from_the_device(bench: OzBench) -> None:
    spec = bench.voa.spec
    assert (spec.insertion_loss_db, spec.min_db, spec.max_db) == (1.0, 0.0, 59.0)
    assert spec.has_shutter is False
    bench.tell("L2.25")
    bench.voa.close()
    again = bench.open()
    assert (again.spec.insertion_loss_db, again.spec.max_db) == (2.25, 57.75)
    again.close()


def test_serial_number_and_firmware_are_the_devices_own(bench: OzBench) -> None:
    identity = bench.voa.identity()
    assert (identity.vendor, identity.model) == ("OZ Optics", "DD-100-MC")
    assert (identity.serial, identity.firmware) == ("EMULATED", "1.0")


def test_a_configuration_without_them_says_unknown() -> None:
    with bare_line(scripted(RIGHT)) as path:
        voa = open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(), NO_LOG)
        identity = voa.identity()
        assert (identity.serial, identity.firmware) == ("unknown", "unknown")
        voa.close()
        end(path)


def test_a_reading_before_homing_is_an_error_and_never_a_number(bench: OzBench) -> None:
    with pytest.raises(GearError, match="not homed"):
        bench.voa.attenuation_db()
    assert bench.link.added_db() == LEFT_AT_DB


def test_the_first_setting_homes_and_the_next_does_not(bench: OzBench) -> None:
    started_s = bench.clock.now_s()
    bench.voa.set_attenuation_db(0)
    assert 12 <= bench.clock.now_s() - started_s < 13
    started_s = bench.clock.now_s()
    bench.voa.set_attenuation_db(10)
    assert bench.clock.now_s() - started_s == pytest.approx(0.1 + 800 / 2000)
    assert bench.link.added_db() == pytest.approx(10)


def test_it_is_homed_again_after_a_restart(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(7)
    bench.tell("RST")
    with pytest.raises(GearError, match="not homed"):
        bench.voa.attenuation_db()
    bench.voa.set_attenuation_db(7)
    assert bench.voa.attenuation_db() == 7.0


def test_a_value_under_the_insertion_loss_is_refused_in_clear_words(bench: OzBench) -> None:
    with pytest.raises(
        LimitError, match=r"-0\.5 dB: the device does 0 to 59 beyond its insertion loss of 1 dB"
    ):
        bench.voa.set_attenuation_db(-0.5)
    assert bench.tell("A0.50") == ["Error-6", ""]


def test_it_lands_on_a_motor_step_and_reads_that_back(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(0.03)
    assert bench.voa.position_steps() == 2
    assert bench.voa.attenuation_db() == pytest.approx(0.025, abs=0.0051)
    assert bench.link.added_db() == pytest.approx(0.025)


def test_motor_steps_are_moved_and_read(bench: OzBench) -> None:
    bench.voa.set_position_steps(1600)
    assert bench.voa.position_steps() == 1600
    assert bench.voa.attenuation_db() == 20.0
    with pytest.raises(LimitError, match="steps count from home"):
        bench.voa.set_position_steps(-1)
    with pytest.raises(DeviceError, match="Overflow"):
        bench.voa.set_position_steps(100_000)
    assert bench.voa.position_steps() == 1600


def test_it_cannot_block_the_light_and_says_so(bench: OzBench) -> None:
    with pytest.raises(LimitError, match=r"no shutter; it attenuates by up to 59 dB and cannot block"):
        bench.voa.set_shutter_open(is_open=False)
    assert bench.voa.shutter_open() is True
    bench.voa.set_shutter_open(is_open=True)


@pytest.mark.parametrize("wavelength_nm", [1549.0, 1550.12, 1551.0])
def test_wavelengths_near_the_calibration_are_taken_for_it(bench: OzBench, wavelength_nm: float) -> None:
    bench.voa.set_wavelength_nm(wavelength_nm)
    assert bench.voa.wavelength_nm() == LINK_NM


@pytest.mark.parametrize("wavelength_nm", [1310.0, 1548.9, 1551.1, float("nan")])
def test_other_wavelengths_are_refused(bench: OzBench, wavelength_nm: float) -> None:
    with pytest.raises(LimitError, match="calibrated at 1550 nm only"):
        bench.voa.set_wavelength_nm(wavelength_nm)


@pytest.mark.parametrize(
    ("code", "text"),
    [(-2, "Bad command"), (-5, "Home sensor"), (-6, "Overflow"), (-7, "Motor voltage"), (-9, "Error-9")],
)
def test_its_errors_are_told_with_number_and_text(bench: OzBench, code: int, text: str) -> None:
    bench.voa.set_attenuation_db(3)
    bench.lab.inject("device_error", match="A", value=code)
    with pytest.raises(DeviceError, match=text) as caught:
        bench.voa.set_attenuation_db(5)
    assert (caught.value.code, caught.value.command) == (code, "A6.00")
    assert bench.voa.attenuation_db() == 3


def test_an_error_without_a_number_is_a_device_error_too() -> None:
    with bare_line(scripted({**RIGHT, b"A6.00": b"Error!"})) as path:
        voa = open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(), NO_LOG)
        with pytest.raises(DeviceError, match="Error!") as caught:
            voa.set_attenuation_db(5)
        assert caught.value.code == 0
        voa.close()
        end(path)


def test_a_failed_home_sensor_is_told_with_what_the_maker_says(
    make_bench: Callable[[OzDd100Defects], OzBench],
) -> None:
    bench = make_bench(OzDd100Defects(home_sensor_fails=True))
    with pytest.raises(DeviceError, match="Home sensor error; the maker must repair it") as caught:
        bench.voa.set_attenuation_db(5)
    assert (caught.value.code, caught.value.command) == (-5, "H")
    with pytest.raises(GearError, match="not homed"):
        bench.voa.attenuation_db()
    assert bench.link.added_db() == LEFT_AT_DB


def test_a_homing_without_an_answer_has_its_own_deadline(bench: OzBench) -> None:
    bench.lab.inject("silence", match="H")
    started_s = bench.clock.now_s()
    with bench.clock.impatient(), pytest.raises(TransportTimeout) as caught:
        bench.voa.home()
    assert caught.value.command == "H"
    # The homing itself took its time on the lab's clock; the wire waits on to its own deadline.
    assert bench.clock.now_s() - started_s == 40
    assert bench.voa.attenuation_db() == 0


def test_a_move_has_the_time_it_needs_however_impatient_the_connection(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(0)
    bench.voa.close()
    connection = connection_to(bench.line.port, deadline_s=2.0)
    hasty = open_oz_dd100mc("voa", connection, LINK_NM, bench.clock, NO_LOG)
    started_s = bench.clock.now_s()
    hasty.set_attenuation_db(hasty.spec.max_db)
    assert bench.clock.now_s() - started_s > 2.0
    hasty.set_position_steps(0)
    bench.lab.inject("silence", match="A")
    started_s = bench.clock.now_s()
    with bench.clock.impatient(), pytest.raises(TransportTimeout):
        hasty.set_attenuation_db(5)
    assert bench.clock.now_s() - started_s == pytest.approx(20)
    hasty.close()


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("command", ["D", "CD", "H", "A6"])
def test_lost_bytes_are_an_error_and_never_a_wrong_number(bench: OzBench, command: str, lost: int) -> None:
    bench.voa.set_attenuation_db(12.5)
    bench.lab.inject("lost_bytes", match=command, value=lost)
    try:
        bench.voa.set_attenuation_db(5)
        assert bench.voa.attenuation_db() == 5
        bench.voa.identity()
        bench.voa.home()
    except ProtocolError:
        pass
    bench.lab.faults.clear()
    bench.voa.set_attenuation_db(12.5)
    assert bench.voa.attenuation_db() == 12.5
    assert bench.link.added_db() == pytest.approx(12.5)


def test_two_readings_that_differ_are_a_protocol_error(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(12.5)
    bench.lab.inject("lost_bytes", match="D", value=1)
    with pytest.raises(ProtocolError, match="two readings differ"):
        bench.voa.attenuation_db()
    assert bench.voa.attenuation_db() == 12.5


def test_a_command_that_lost_a_digit_is_seen_in_the_readback() -> None:
    """The device hears A1.00 for A6.00: it goes to its zero and says so."""
    answers = {**RIGHT, b"A6.00": b"Pos:0"}
    with bare_line(scripted(answers)) as path:
        voa = open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(), NO_LOG)
        with pytest.raises(ProtocolError, match=r"told to go to 6\.00 dB, it stands at 1\.0 dB"):
            voa.set_attenuation_db(5)
        voa.close()
        end(path)


def test_a_move_that_ended_elsewhere_is_a_protocol_error() -> None:
    answers = {**RIGHT, b"A6.00": b"Pos:400"}
    with bare_line(scripted(answers)) as path:
        voa = open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(), NO_LOG)
        with pytest.raises(ProtocolError, match="the move ended at step 400, it stands at step 0"):
            voa.set_attenuation_db(5)
        voa.close()
        end(path)


@pytest.mark.parametrize(
    "state",
    [
        b"DPos:0\r\nATTEN:",
        b"DPos:0\r\nATTEN:nan",
        b"DPos:0\r\nATTEN:-1.00",
        b"DPos:0\r\nATTEN:1,00",
        b"DPos:0\r\nATTEN:1e3",
        b"DPos:0\r\nATTEN:unknow",
        b"DPos:x\r\nATTEN:1.00",
        b"DPos:1_0\r\nATTEN:1.00",
        b"DPos:0",
        b"DPos:0\r\nATTEN:1.00\r\nATTEN:2.00",
    ],
)
def test_an_answer_that_makes_no_sense_is_a_protocol_error(state: bytes) -> None:
    # The first is the one that the wire asks for to get into step.
    with bare_line(scripted({**RIGHT, b"D": [b"DPos:0\r\nATTEN:1.00", state]})) as path:
        voa = open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(), NO_LOG)
        with pytest.raises(ProtocolError) as caught:
            voa.attenuation_db()
        assert caught.value.command == "D"
        voa.close()
        end(path)


@pytest.mark.parametrize(
    "configuration", [b"", b"IL:1.00", b"MAX ATTEN:60.00", b"IL:low\r\nMAX ATTEN:60.00", b"Error-2"]
)
def test_another_device_on_the_port_is_refused(configuration: bytes) -> None:
    answers = {**RIGHT, b"CD": configuration}
    with bare_line(scripted(answers)) as path:
        with pytest.raises((ProtocolError, DeviceError)) as caught:
            open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(), NO_LOG)
        assert caught.value.command == "CD"
        end(path)  # the port is free again


@pytest.mark.parametrize(
    "answer",
    [b"FLUKE 8846A\r\nDone\r\n\r\n", b"Error!\r\n", b"\x80\x9f", b"HELLO\r\n"],
    ids=["of another kind", "refusal", "noise", "without an end"],
)
def test_whoever_answers_but_is_no_dd100mc_is_asked_nothing_but_who_it_is(answer: bytes) -> None:
    heard: list[bytes] = []

    def other(line: BareLine) -> None:
        while (command := line.hear()) not in {b"", b"END\r"}:
            heard.append(command)
            line.say(answer)

    with bare_line(other) as path:
        with pytest.raises(GearError):
            open_oz_dd100mc("voa", connection_to(path), LINK_NM, StillClock(wall_s=0.2), NO_LOG)
        end(path)
    assert set(heard) == {b"CD\r"}


def test_two_controllers_at_once_are_refused(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(5)
    with pytest.raises(ConnectionLost, match="another program holds this port"):
        bench.open()
    assert bench.voa.attenuation_db() == 5


def test_what_another_controller_did_in_between_is_seen(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(5)
    bench.tell("A21.00")
    assert bench.voa.attenuation_db() == 20


def test_with_the_echo_on_it_works_the_same(bench: OzBench) -> None:
    bench.tell("E1")
    bench.voa.set_attenuation_db(5)
    assert bench.voa.attenuation_db() == 5
    again = bench.voa.identity()
    assert again.serial == "EMULATED"


def test_a_port_that_vanished_within_a_move_is_never_taken_for_done(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(5)
    bench.lab.inject("drop", match="A")
    with pytest.raises(ConnectionLost):
        bench.voa.set_attenuation_db(9)
    assert bench.voa.attenuation_db() == 5


def test_a_restarted_device_on_the_same_port_is_not_taken_for_homed(bench: OzBench) -> None:
    bench.voa.set_attenuation_db(5)
    bench.lab.on_line(bench.line.unplug)
    bench.line._device = EmulatedOzDd100("voa", bench.gear, bench.link, bench.lab.clock)
    bench.lab.on_line(bench.line.plug_in)
    with pytest.raises(GearError, match="not homed"):
        bench.voa.attenuation_db()


def test_every_byte_is_in_the_byte_log(bench: OzBench, tmp_path: Path) -> None:
    bench.voa.close()
    log = ByteLog(tmp_path / "bytes.log")
    voa = bench.open(log)
    voa.set_attenuation_db(5)
    voa.close()
    log.close()
    text = (tmp_path / "bytes.log").read_text()
    assert "voa > b'H\\r'" in text
    assert "voa > b'A6.00\\r'" in text
    assert "Pos:400\\r\\nDone" in text


def test_a_scale_defect_is_in_the_light_and_not_in_the_reading(
    make_bench: Callable[[OzDd100Defects], OzBench],
) -> None:
    bench = make_bench(OzDd100Defects(scale=0.5))
    bench.voa.set_attenuation_db(10)
    assert bench.voa.attenuation_db() == 10
    assert bench.link.added_db() == pytest.approx(5)


def test_a_stuck_motor_reads_back_and_does_not_move(make_bench: Callable[[OzDd100Defects], OzBench]) -> None:
    bench = make_bench(OzDd100Defects(stuck=True))
    bench.voa.set_attenuation_db(10)
    assert bench.voa.attenuation_db() == 10
    assert bench.link.added_db() == LEFT_AT_DB


def test_a_motor_that_breaks_refuses_from_there_on(make_bench: Callable[[OzDd100Defects], OzBench]) -> None:
    bench = make_bench(OzDd100Defects(breaks_at_db=8))
    bench.voa.set_attenuation_db(7.99)
    with pytest.raises(DeviceError, match="Motor voltage"):
        bench.voa.set_attenuation_db(8)
    assert bench.voa.attenuation_db() == pytest.approx(7.99, abs=0.01)


def test_a_wrong_calibration_is_in_the_light_only(make_bench: Callable[[OzDd100Defects], OzBench]) -> None:
    bench = make_bench(OzDd100Defects(calibrated_at_nm=1310))
    bench.voa.set_attenuation_db(10)
    assert bench.voa.attenuation_db() == 10
    assert abs(bench.link.added_db() - 10) > 0.5


def test_every_name_says_how_well_it_is_known() -> None:
    entries = load_names("oz_dd100mc").entries.values()
    assert all(entry.source for entry in entries)
    assert {entry.status for entry in entries} == {"documented", "assumed"}
