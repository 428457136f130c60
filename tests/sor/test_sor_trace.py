"""Metres and decibels of a trace, and the way back to the file's counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.facts.sor.data_pts import DataPts, Stretch
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams, Pulse
from drivers.facts.sor.model import SorFile
from drivers.facts.sor.trace import traces
from drivers.facts.sor.units import distance_m, mdb, spacing_10fs, spacing_m, time_100ps

PARAMS = FxdParams(0, 15500, (Pulse(100, 500_000, 4),), 146_800)
POINTS = DataPts((Stretch.of_levels([-1.0, -2.0, -3.0, -4.0]),))


def test_a_distance_is_c_t_over_n() -> None:
    # 100 us at n = 1.468: 20.42 km.
    assert distance_m(1_000_000, 1.468) == pytest.approx(299_792_458 * 1e-4 / 1.468, rel=1e-12)
    # The spacing is the time of 10 000 points: 500 000 x 100 ps / 10 000 = 5 ns.
    assert spacing_m(500_000, 1.468) == pytest.approx(distance_m(50, 1.468), rel=1e-12)


@given(st.integers(-(2**31), 2**31 - 1), st.integers(100_000, 200_000))
def test_times_survive_metres(time: int, index_1e5: int) -> None:
    index = index_1e5 / 1e5
    assert time_100ps(distance_m(time, index), index) == time
    assert spacing_10fs(spacing_m(time, index), index) == time


@given(st.integers(-(2**31), 2**31 - 1))
def test_thousandths_survive_decibels(value: int) -> None:
    assert mdb(value / 1000) == value


@pytest.mark.parametrize("index", [0.0, 0.99999, math.inf, math.nan])
def test_an_index_that_light_does_not_have_gives_no_distance(index: float) -> None:
    with pytest.raises(SorError, match=f"group index {index} gives no distance"):
        distance_m(1, index)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(SorError, match="value_db is not a finite number"):
        mdb(value)
    with pytest.raises(SorError, match="length_m is not a finite number"):
        time_100ps(value, 1.5)


def test_one_pulse_width_owns_all_points_whatever_is_counted() -> None:
    params = replace(PARAMS, pulses=(Pulse(100, 500_000, 3),))
    (trace,) = traces(SorFile((params, POINTS)))
    assert trace.levels_db.tolist() == pytest.approx([-1, -2, -3, -4])
    assert trace.pulse_width_ns == 100
    assert trace.distances_m().tolist() == pytest.approx([0, *(distance_m(50 * k, 1.468) for k in (1, 2, 3))])


def test_points_begin_at_the_acquisition_offset() -> None:
    (trace,) = traces(SorFile((replace(PARAMS, acquisition_offset_100ps=-100), POINTS)))
    assert trace.first_point_m == pytest.approx(-distance_m(100, 1.468))
    assert trace.distances_m()[2] == pytest.approx(0.0, abs=1e-9)


def test_several_pulse_widths_share_the_points_in_order() -> None:
    params = replace(PARAMS, pulses=(Pulse(10, 100_000, 1), Pulse(100, 200_000, 3)))
    short, long = traces(SorFile((params, POINTS)))
    assert (short.levels_db.tolist(), long.levels_db.tolist()) == ([-1.0], [-2.0, -3.0, -4.0])
    assert long.spacing_m == pytest.approx(2 * short.spacing_m)


def test_pulse_widths_that_do_not_add_up_are_refused() -> None:
    params = replace(PARAMS, pulses=(Pulse(10, 1, 1), Pulse(100, 1, 2)))
    with pytest.raises(SorError, match="FxdParams: pulse widths count 3 points, DataPts holds 4"):
        traces(SorFile((params, POINTS)))
    with pytest.raises(SorError, match="gives no pulse width"):
        traces(SorFile((replace(PARAMS, pulses=()), POINTS)))


def test_a_file_without_index_or_blocks_has_no_trace() -> None:
    with pytest.raises(SorError, match=r"group index 0\.0 gives no distance"):
        traces(SorFile((replace(PARAMS, group_index_1e5=0), POINTS)))
    with pytest.raises(SorError, match="DataPts: the file has no such block"):
        traces(SorFile((PARAMS,)))


def test_a_block_without_points_has_an_empty_trace() -> None:
    (trace,) = traces(SorFile((PARAMS, DataPts(()))))
    assert trace.distances_m().tolist() == trace.levels_db.tolist() == []


@given(st.lists(st.floats(-65.535, 0.0)))
def test_levels_are_stored_to_the_nearest_count(levels_db: list[float]) -> None:
    stored_db = Stretch.of_levels(levels_db).levels_db()
    assert np.all(np.abs(stored_db - np.array(levels_db)) <= 0.0005 + 1e-9)


@pytest.mark.parametrize("level_db", [0.001, -65.536, math.nan, -math.inf])
def test_a_level_that_cannot_be_counted_is_refused(level_db: float) -> None:
    with pytest.raises(SorError, match=r"a level is not within -65\.535 to 0 dB; choose another scale"):
        Stretch.of_levels([-1.0, level_db])


def test_another_scale_reaches_lower() -> None:
    assert Stretch.of_levels([-70.0], 1470).levels_db()[0] == pytest.approx(-70.0, abs=0.00074)
    with pytest.raises(SorError, match="scale factor 0 is not in 1 to 65535"):
        Stretch.of_levels([-1.0], 0)
