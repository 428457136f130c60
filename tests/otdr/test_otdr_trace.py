from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, signal

from drivers.facts.fibre_types import fibre_type
from drivers.facts.figures import FigureError
from emulators.otdr.ghosts import echoes
from emulators.otdr.instrument import load_instrument, load_instrument_file
from emulators.otdr.receiver import noise_rms, point_averages, received, saturation_power
from emulators.otdr.settings import AcquisitionSettings
from emulators.otdr.trace import acquire, clean_power, ideal_trace
from emulators.plant.path import Connector, Element, FibreEnd, FibreSpan, InlineLoss, OpticalPath, Splice
from emulators.plant.sight import Reflector, cumulated_backscatter, look

INSTRUMENT = load_instrument("viavi_smartotdr")
G652 = fibre_type("G.652.D")
A1 = fibre_type("G.657.A1")
MATCHED = FibreEnd("terminated", -150.0)


def settings(
    pulse_ns: float = 100.0, range_km: float = 10.0, averaging_s: float = 30.0, sampling_ns: float = 0.78125
) -> AcquisitionSettings:
    return AcquisitionSettings(1550.0, pulse_ns, range_km, sampling_ns, averaging_s)


def path(*elements: Element, far: FibreEnd = MATCHED) -> OpticalPath:
    return OpticalPath(elements, far=far)


def level_at(trace_db: np.ndarray, s: AcquisitionSettings, position_m: float) -> float:
    return float(trace_db[round(position_m / s.spacing_m())])


def test_the_slope_is_the_attenuation() -> None:
    s = settings()
    level_db = ideal_trace(path(FibreSpan(8000.0, G652)), INSTRUMENT, s).level_db
    fall_db = level_at(level_db, s, 2000.0) - level_at(level_db, s, 7000.0)
    assert fall_db == pytest.approx(5 * 0.195, abs=0.002)


@pytest.mark.parametrize("pulse_ns", [10.0, 100.0, 1000.0])
def test_backscatter_level_is_k_and_the_pulse(pulse_ns: float) -> None:
    s = settings(pulse_ns)
    level_db = ideal_trace(path(FibreSpan(8000.0, G652)), INSTRUMENT, s).level_db
    middle_m = 1000.0 - s.pulse_m() / 2.0
    expected_db = (-81.0 + 10.0 * math.log10(pulse_ns)) / 2.0 - 0.195 * middle_m / 1000.0
    assert level_at(level_db, s, 1000.0) == pytest.approx(expected_db, abs=0.003)


def test_backscatter_against_an_integral() -> None:
    fibres = path(FibreSpan(300.0, G652), Splice(0.3), FibreSpan(200.0, A1))
    sight = look(fibres, 1550.0)
    first, second = sight.stretches

    def density(t_ns: float) -> float:
        s = first if t_ns < first.end_ns else second
        start = s.backscatter_per_ns * 10.0 ** (-s.start_loss_db / 5.0)
        return start * math.exp(-s.neper_per_ns * (t_ns - s.start_ns)) * (0.0 <= t_ns < second.end_ns)

    for t_ns in (500.0, 2937.6, 3500.0, 4800.0, 9000.0):
        stop_ns = min(t_ns, second.end_ns)
        expected, _ = integrate.quad(density, 0.0, stop_ns, points=[min(first.end_ns, stop_ns)], epsabs=1e-16)
        assert cumulated_backscatter(sight, np.array([t_ns]))[0] == pytest.approx(expected, rel=1e-9)


def test_receiver_against_a_recursive_filter() -> None:
    s = settings()
    power = np.zeros(20_000)
    power[3000:3128] = 1e-9
    power += 1e-10
    fast = INSTRUMENT.response_ns(s.pulse_ns)
    expected = np.zeros_like(power)
    share = INSTRUMENT.slow_recovery_share
    for weight, time_ns in ((1.0 - share, fast), (share, fast * INSTRUMENT.slow_recovery_factor)):
        decay = math.exp(-s.sampling_ns / time_ns)
        expected += weight * np.asarray(signal.lfilter([1.0 - decay], [1.0, -decay], power))
    seen = received(power, INSTRUMENT, s)
    # Before the tail of the padding has died out, the transform's circle shows; 500 samples are plenty.
    np.testing.assert_allclose(seen[2000:], expected[2000:], rtol=1e-6)


def test_a_reflection_has_the_height_of_the_formula() -> None:
    s = settings()
    fibres = path(FibreSpan(2000.0, G652), Connector(0.0, -45.0), FibreSpan(2000.0, G652))
    level_db = ideal_trace(fibres, INSTRUMENT, s).level_db
    peak = round(2000.0 / s.spacing_m())
    height_db = float(level_db[peak : peak + 200].max()) - level_at(level_db, s, 1990.0)
    reflectance_db = -81.0 + 20.0 + 10.0 * math.log10(10.0 ** (height_db / 5.0) - 1.0)
    assert reflectance_db == pytest.approx(-45.0, abs=0.05)


def test_dead_zones_grow_with_the_pulse() -> None:
    """Event dead zone: 1.5 dB below the peak; attenuation dead zone: back within 0.5 dB of backscatter."""
    fibres = path(FibreSpan(2000.0, G652), Connector(0.0, -55.0), FibreSpan(2000.0, G652))
    event_m: list[float] = []
    attenuation_m: list[float] = []
    for pulse_ns in (5.0, 30.0, 100.0, 300.0, 1000.0):
        s = settings(pulse_ns, 5.0, sampling_ns=0.390625)
        level_db = ideal_trace(fibres, INSTRUMENT, s).level_db
        first = round(1995.0 / s.spacing_m())
        around = level_db[first : first + round(600.0 / s.spacing_m())]
        event_m.append(float((around > around.max() - 1.5).sum()) * s.spacing_m())
        above = np.flatnonzero(around > around[0] + 0.5)
        attenuation_m.append(float(above[-1]) * s.spacing_m() - 5.0 if len(above) else 0.0)
    assert event_m == sorted(event_m)
    assert attenuation_m[1:] == sorted(attenuation_m[1:])
    assert event_m[0] < 1.0
    assert 1.0 < attenuation_m[0] < 5.0


def test_a_strong_reflection_clips_and_recovers_late() -> None:
    s = settings()
    plain = path(FibreSpan(500.0, G652), Connector(0.0, -45.0), FibreSpan(2000.0, G652))
    bad = path(FibreSpan(500.0, G652), Connector(0.0, -18.0), FibreSpan(2000.0, G652))
    plain_db, bad_db = (ideal_trace(each, INSTRUMENT, s).level_db for each in (plain, bad))
    clip_db = ideal_trace(bad, INSTRUMENT, s).clip_db
    assert clip_db == pytest.approx(5.0 * math.log10(saturation_power(INSTRUMENT, s)))
    assert bad_db.max() == pytest.approx(clip_db, abs=0.001)
    assert plain_db.max() < clip_db - 1.0
    assert level_at(bad_db, s, 530.0) > level_at(plain_db, s, 530.0) + 0.5
    assert level_at(bad_db, s, 1500.0) == pytest.approx(level_at(plain_db, s, 1500.0), abs=0.005)


def test_averaging_lowers_the_noise_by_the_root() -> None:
    """Four times the averages: half the noise, 1.5 dB on the one-way scale."""
    short, long = (noise_rms(INSTRUMENT, settings(averaging_s=t)) for t in (30.0, 120.0))
    assert 5.0 * math.log10(short / long) == pytest.approx(1.505, abs=0.001)
    assert point_averages(INSTRUMENT, settings(averaging_s=120.0)) == pytest.approx(
        4.0 * point_averages(INSTRUMENT, settings(averaging_s=30.0))
    )


def test_the_noise_of_a_trace_is_the_stated_one() -> None:
    s = settings(range_km=20.0, sampling_ns=3.125)
    fibres = path(FibreSpan(18_000.0, G652), InlineLoss(4.0), FibreSpan(1000.0, G652))
    taken = acquire(fibres, INSTRUMENT, s, np.random.default_rng(1))
    window = slice(round(18_100 / s.spacing_m()), round(18_900 / s.spacing_m()))
    power = 10.0 ** (taken.level_db[window] / 5.0) - clean_power(fibres, INSTRUMENT, s)[window]
    assert float(power.std()) == pytest.approx(noise_rms(INSTRUMENT, s), rel=0.05)


def test_the_dynamic_range_is_where_signal_equals_noise() -> None:
    s = AcquisitionSettings(1550.0, 20_000.0, 160.0, 6.25, 180.0)
    backscatter_db = -81.0 / 2.0 + 5.0 * math.log10(20_000.0)
    assert backscatter_db - 5.0 * math.log10(noise_rms(INSTRUMENT, s)) == pytest.approx(40.0)


def test_the_same_generator_gives_the_same_trace() -> None:
    fibres = path(FibreSpan(3000.0, G652))
    first, again, other = (
        acquire(fibres, INSTRUMENT, settings(), np.random.default_rng(seed)).level_db for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ghosts_are_where_they_must_be() -> None:
    """One strong connector and the port: an echo at twice the distance, R_port + 2 R - 4 times the loss."""
    port, connector = Reflector(0.0, 0.0, 0.0, -40.0), Reflector(1000.0, 1.0, 1.5, -20.0)
    (echo,) = echoes([port, connector], 1e-12)
    assert echo.delay_ns == 2000.0
    assert 10.0 * math.log10(echo.power) == pytest.approx(-40.0 + 2 * -20.0 - 4.0)


def test_two_reflectors_make_three_ghosts_of_each_turn() -> None:
    three = [Reflector(t, 0.0, 0.0, -20.0) for t in (0.0, 300.0, 1000.0)]
    delays = sorted(echo.delay_ns for echo in echoes(three, 0.0))
    assert delays == [600.0, 1300.0, 1300.0, 1700.0, 2000.0]


def test_a_ghost_stands_on_the_trace_without_loss() -> None:
    s = settings(range_km=10.0)
    fibres = path(
        FibreSpan(1000.0, G652), Connector(0.2, -18.0), FibreSpan(1000.0, G652), Connector(0.2, -18.0),
        FibreSpan(6000.0, G652),
    )  # fmt: skip
    level_db = ideal_trace(fibres, INSTRUMENT, s).level_db
    before, behind = level_at(level_db, s, 2990.0), level_at(level_db, s, 3060.0)
    assert level_at(level_db, s, 3005.0) > before + 1.0
    assert before - behind == pytest.approx(0.07 * 0.195, abs=0.003)


def test_behind_the_end_there_is_only_noise() -> None:
    s = settings(range_km=5.0)
    taken = acquire(path(FibreSpan(2000.0, G652)), INSTRUMENT, s, np.random.default_rng(1))
    behind = taken.level_db[round(2500 / s.spacing_m()) :]
    assert behind.min() == INSTRUMENT.display_floor_db
    assert 0.45 < float((behind == INSTRUMENT.display_floor_db).mean()) < 0.55


def test_settings_the_instrument_does_not_have_are_refused() -> None:
    fibres = path(FibreSpan(2000.0, G652))
    with pytest.raises(ValueError, match="pulse_ns 77: VIAVI SmartOTDR"):
        ideal_trace(fibres, INSTRUMENT, settings(pulse_ns=77.0))
    with pytest.raises(ValueError, match="averaging_s"):
        settings(averaging_s=0.0)
    with pytest.raises(ValueError, match="group_index"):
        AcquisitionSettings(1550.0, 100.0, 10.0, 3.125, 30.0, group_index=1.0)
    with pytest.raises(ValueError, match="backscatter_db"):
        AcquisitionSettings(1550.0, 100.0, 10.0, 3.125, 30.0, backscatter_db=-20.0)


def test_an_acquisition_of_40_km_has_125_000_points() -> None:
    assert settings(range_km=40.0, sampling_ns=3.125).points() == 125_357


def test_every_figure_of_the_instrument_says_where_it_comes_from() -> None:
    file = load_instrument_file("viavi_smartotdr")
    assert set(file.figures.dynamic_range_db) == {1310.0, 1490.0, 1550.0, 1625.0}
    assert file.figures.dynamic_range_db[1550.0].status == "assumed"
    with pytest.raises(FigureError, match="known: viavi_smartotdr"):
        load_instrument_file("none")
