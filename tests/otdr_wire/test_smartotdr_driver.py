"""The driver against the emulated SmartOTDR: set-up, light, results that agree with each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.errors import AcquisitionBroken, DeviceError, LimitError, SettingNotTaken
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.trace import traces
from drivers.otdr.smartotdr_settings import differences, parse_pulse, parse_resolution, pulse_word
from drivers.roles import MarkedDb, Otdr
from tests.otdr_wire.otdr_lab import SETTINGS
from tests.sor.otdrparser_reading import parse

if TYPE_CHECKING:
    from drivers.facts.sor.key_events import KeyEvent
    from drivers.roles import OtdrEvent
    from tests.otdr_wire.otdr_lab import OtdrLab

# Half of the last digit of the table, and of the file's 100 ps.
TABLE_M, TABLE_DB, FILE_M = 0.005, 0.0051, 0.0105


def test_it_says_who_it_is_and_fills_the_role(bench: OtdrLab) -> None:
    otdr = bench.open()
    identity = otdr.identity()
    assert isinstance(otdr, Otdr)
    assert (identity.vendor, identity.model) == ("VIAVI", "SmartOTDR")
    assert otdr.wavelengths_nm() == (1310.0, 1550.0)
    assert not otdr.is_running()
    assert bench.fibre.told == []


def test_what_was_set_is_read_back_and_takes_no_light(bench: OtdrLab) -> None:
    otdr = bench.open()
    asked = replace(SETTINGS, wavelength_nm=1310.0, group_index=1.46755, backscatter_db=-79.25)
    assert otdr.set_up(asked) == asked
    assert otdr.settings() == asked
    assert bench.open().settings() == asked
    assert bench.fibre.told == []


def test_a_resolution_of_its_own_choice(bench: OtdrLab) -> None:
    otdr = bench.measured(replace(SETTINGS, resolution_m=None))
    spacing_m = np.diff(otdr.curve().distances_m)
    assert spacing_m == pytest.approx(0.319, abs=0.001)


def test_settings_that_clamp_each_other_are_told_and_refused(bench: OtdrLab) -> None:
    otdr = bench.open()
    asked = replace(SETTINGS, range_km=100.0, pulse_ns=10.0, averaging_s=30.0, resolution_m=0.04)
    with pytest.raises(SettingNotTaken) as caught:
        otdr.set_up(asked)
    told = caught.value.problem
    assert told == ("range 100 km became 80 km; pulse 10 ns became 300 ns; resolution 0.04 m became 0.32 m")
    with pytest.raises(AcquisitionBroken, match="not set up"):
        otdr.start()
    taken = otdr.set_up(asked, may_clamp=True)
    assert taken == replace(asked, range_km=80.0, pulse_ns=300.0, resolution_m=0.32)
    assert bench.fibre.told == []


def test_a_second_round_reaches_what_the_first_cannot(bench: OtdrLab) -> None:
    otdr = bench.open()
    otdr.set_up(replace(SETTINGS, pulse_ns=300.0, resolution_m=0.08))
    fine = replace(SETTINGS, pulse_ns=30.0, resolution_m=0.04)
    assert otdr.set_up(fine) == fine


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"averaging_s": 4.9}, "averaging 4.9 s: the device does 5 to 600 s"),
        ({"averaging_s": float("nan")}, "averaging nan s"),
        ({"pulse_ns": 0.0}, "pulse 0 ns"),
        ({"pulse_ns": 12.5}, "whole ns"),
        ({"pulse_ns": 1500.0}, "whole us from 1000 ns on"),
        ({"range_km": float("inf")}, "range inf km"),
        ({"resolution_m": 0.0}, "resolution 0 m"),
        ({"wavelength_nm": 850.0}, "wavelength 850 nm"),
        ({"wavelength_nm": 1550.12}, "whole nm"),
        ({"group_index": 1.2}, "group index 1.2: the device does 1.3 to 1.7"),
        ({"backscatter_db": -30.0}, "backscatter -30 dB"),
    ],
)
def test_what_no_such_device_does_is_refused_before_it_is_sent(
    bench: OtdrLab, changes: dict[str, float], problem: str
) -> None:
    otdr = bench.open()
    before = otdr.settings()
    with pytest.raises(LimitError, match=problem):
        otdr.set_up(replace(SETTINGS, **changes))
    assert otdr.settings() == before


def test_a_wavelength_that_is_not_fitted(bench: OtdrLab) -> None:
    otdr = bench.open()
    with pytest.raises(LimitError, match="otdr: wavelength 1625 nm is not fitted: device error -224"):
        otdr.set_up(replace(SETTINGS, wavelength_nm=1625.0))


def test_a_measurement_takes_its_time_and_the_light_goes_with_it(bench: OtdrLab) -> None:
    otdr = bench.open()
    otdr.set_up(SETTINGS)
    started_s = bench.clock.now_s()
    otdr.start()
    assert otdr.is_running()
    assert otdr.laser_on()
    assert bench.fibre.told == ["on at here"]
    otdr.wait(60.0)
    assert bench.clock.now_s() - started_s == pytest.approx(SETTINGS.averaging_s, abs=0.5)
    assert not otdr.laser_on()
    assert bench.fibre.told == ["on at here", "off at here"]


def test_the_events_are_those_of_the_fibre_within_the_noise(bench: OtdrLab) -> None:
    port, connector, splice, end = bench.measured().events()
    assert (port.number, port.kind, port.distance_m, port.section_m) == (1, "", 0.0, 0.0)
    assert connector.kind == "Reflection"
    assert connector.distance_m == pytest.approx(1000.0, abs=0.5)
    assert value(connector.loss_db) == pytest.approx(0.5, abs=0.01)
    assert value(connector.reflectance_db) == pytest.approx(-45.0, abs=0.5)
    assert value(connector.slope_db_per_km) == pytest.approx(0.195, abs=0.005)
    assert splice.distance_m == pytest.approx(5000.0, abs=5.0)
    assert value(splice.loss_db) == pytest.approx(0.3, abs=0.01)
    assert splice.reflectance_db is None
    assert splice.section_m == pytest.approx(splice.distance_m - connector.distance_m, abs=0.0151)
    assert end.distance_m == pytest.approx(8000.0, abs=0.5)
    assert value(end.total_loss_db) == pytest.approx(0.8 + 8 * 0.195, abs=0.02)
    assert end.loss_db is None
    assert end.reflectance_db is not None
    assert end.reflectance_db.bound == "at_least"


def test_the_curve_is_the_points_of_the_file(bench: OtdrLab) -> None:
    otdr = bench.measured()
    curve, (trace,) = otdr.curve(), traces(read_sor(otdr.sor()))
    assert curve.levels_db == pytest.approx(trace.levels_db, abs=1e-6)
    assert curve.distances_m == pytest.approx(trace.distances_m(), abs=0.01)
    assert curve.levels_db.dtype == np.float64
    assert len(curve.levels_db) > 10_000


def test_the_table_is_the_key_events_of_the_file(bench: OtdrLab) -> None:
    otdr = bench.measured()
    file = read_sor(otdr.sor())
    index = file.block(FxdParams).group_index
    table, events = otdr.events(), file.block(KeyEvents).events
    assert [row.number for row in table] == [event.number for event in events]
    for row, event in zip(table, events, strict=True):
        assert_same(row, event, index)
    summary = file.block(KeyEvents).summary
    assert summary is not None
    assert value(table[-1].total_loss_db) == pytest.approx(summary.total_loss_db, abs=TABLE_DB)


def assert_same(row: OtdrEvent, event: KeyEvent, group_index: float) -> None:
    assert row.distance_m == pytest.approx(event.distance_m(group_index), abs=TABLE_M + FILE_M)
    assert value(row.loss_db) == pytest.approx(event.loss_db, abs=TABLE_DB)
    assert value(row.reflectance_db) == pytest.approx(event.reflectance_db or 0.0, abs=TABLE_DB)
    assert value(row.slope_db_per_km) == pytest.approx(event.slope_db_per_km, abs=TABLE_DB)
    assert (row.reflectance_db is not None) == event.is_reflective
    assert (row.kind == "End") == event.is_end


def test_a_public_parser_reads_the_file_that_came_over_the_wire(bench: OtdrLab) -> None:
    blocks = parse(bench.measured().sor())
    fixed = blocks["FxdParams"]
    assert (fixed["pulse_width"], fixed["wavelength"]) == (100, 1550.0)
    assert fixed["averaging_time"] == SETTINGS.averaging_s
    assert fixed["index_of_refraction"] == SETTINGS.group_index
    assert "VIAVI" in blocks["SupParams"].values()
    found_m = [event["distance_of_travel"] for event in blocks["KeyEvents"]["events"]]
    assert found_m == pytest.approx([0.0, 1000.0, 5000.0, 8000.0], abs=5.0)
    points = blocks["DataPts"]["data_points"]
    assert len(points) == fixed["number_of_data_points"]


def test_every_measurement_has_noise_of_its_own_and_a_new_lab_draws_the_same(bench: OtdrLab) -> None:
    otdr = bench.measured()
    first = otdr.curve().levels_db
    otdr.start()
    otdr.wait(60.0)
    second = otdr.curve().levels_db
    assert not np.array_equal(first, second)
    other = type(bench)()
    try:
        assert np.array_equal(other.measured().curve().levels_db, first)
    finally:
        other.close()


def test_before_a_measurement_there_is_nothing_to_read(bench: OtdrLab) -> None:
    otdr = bench.open()
    assert otdr.events() == ()
    with bench.clock.impatient():
        for read in (otdr.sor, otdr.curve):
            with pytest.raises(DeviceError, match="Data corrupt or stale"):
                read()


def test_stopping_ends_light_and_measurement_and_keeps_what_there_is(bench: OtdrLab) -> None:
    otdr = bench.open()
    otdr.stop()
    otdr.set_up(SETTINGS)
    begun_s = bench.clock.now_s()
    otdr.start()
    bench.clock.sleep(4.0)
    otdr.stop()
    assert not otdr.is_running()
    assert bench.fibre.told == ["on at here", "off at here"]
    otdr.wait(1.0)
    assert read_sor(otdr.sor()).block(FxdParams).averaging_time_s == pytest.approx(4.0, abs=0.2)
    assert bench.clock.now_s() < begun_s + SETTINGS.averaging_s
    bench.clock.sleep(60.0)
    assert not otdr.is_running()


def test_pulses_as_words() -> None:
    for pulse_ns, word in ((5.0, "P5NS"), (500.0, "P500NS"), (1000.0, "P1US"), (20_000.0, "P20US")):
        assert pulse_word(pulse_ns) == word
        assert parse_pulse(word.lower()) == pulse_ns
    for wrong in ("100NS", "P100", "P-1NS", "PNS", ""):
        with pytest.raises(ValueError, match="no pulse width"):
            parse_pulse(wrong)


def test_resolutions_as_words() -> None:
    assert parse_resolution(" auto ") is None
    assert parse_resolution("MANU, 0.04") == 0.04
    for wrong in ("HRES", "", "MANU", "MANU,nan"):
        with pytest.raises(ValueError, match=r"resolution|float|finite"):
            parse_resolution(wrong)


def test_differences_are_told_field_by_field() -> None:
    assert differences(SETTINGS, replace(SETTINGS, group_index=1.468004)) == []
    changed = replace(SETTINGS, resolution_m=None, group_index=1.4681, pulse_ns=300.0)
    assert differences(SETTINGS, changed) == [
        "pulse 100 ns became 300 ns",
        "resolution 0.32 m became auto",
        "group index 1.468 became 1.4681",
    ]


def value(marked: MarkedDb | None) -> float:
    return 0.0 if marked is None else marked.value
