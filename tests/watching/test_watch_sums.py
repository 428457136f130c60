"""Sums, buckets, stretches, pace and sparklines: arithmetic that must hold for any run."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.watching.empty_slots import NOT_YET, EmptySlots
from sweeps.watching.pace import Pacer
from sweeps.watching.sparkline import BLOCKS, sparkline
from sweeps.watching.spread import Buckets, Spread

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)
TIMES = st.lists(st.integers(0, 2_000_000), min_size=1, max_size=200)
T0_S = 1_704_067_200.0


def spread_of(values: list[float]) -> Spread:
    spread = Spread()
    for value in values:
        spread.add_all(np.array([value]))
    return spread


@given(VALUES)
def test_values_may_come_one_by_one_or_together(values: list[float]) -> None:
    together = Spread()
    together.add_all(np.array(values))
    single = spread_of(values)
    assert (together.count, together.low, together.high) == (single.count, single.low, single.high)
    assert math.isclose(together.mean, single.mean, rel_tol=1e-9, abs_tol=1e-6)
    assert math.isclose(together.sd(), single.sd(), rel_tol=1e-6, abs_tol=1e-5)


@given(VALUES, VALUES)
def test_a_merged_spread_is_the_spread_of_all_values(some: list[float], others: list[float]) -> None:
    merged = spread_of(some)
    merged.merge(spread_of(others))
    both = some + others
    assert merged.count == len(both)
    assert (merged.low, merged.high) == (min(both), max(both))
    assert math.isclose(merged.mean, statistics.fmean(both), rel_tol=1e-9, abs_tol=1e-6)
    assert math.isclose(merged.sd(), statistics.stdev(both), rel_tol=1e-6, abs_tol=1e-5)


def test_an_empty_spread_changes_nothing() -> None:
    merged = spread_of([1.0, 3.0])
    merged.merge(Spread())
    assert (merged.count, merged.mean, merged.low, merged.high) == (2, 2.0, 1.0, 3.0)
    assert Spread().sd() == 0.0
    assert spread_of([5.0]).sd() == 0.0


def buckets_of(times: list[int], most: int, batch: int = 7) -> Buckets:
    buckets = Buckets(10.0, 1, most)
    for first in range(0, len(times), batch):
        some = np.array(times[first : first + batch], dtype=np.float64)
        buckets.add_all(T0_S + some, some.reshape(-1, 1))
    return buckets


@given(TIMES, st.integers(1, 12))
def test_buckets_are_bounded_and_lose_nothing(times: list[int], most: int) -> None:
    buckets = buckets_of(times, most)
    held = buckets.in_order()
    assert 1 <= len(held) <= most
    assert sum(bucket.time_s.count for bucket in held) == len(times)
    total = Spread()
    for bucket in held:
        total.merge(bucket.quantities[0])
    assert (total.low, total.high) == (min(times), max(times))
    assert math.isclose(total.mean, statistics.fmean(times), rel_tol=1e-9, abs_tol=1e-6)


@given(TIMES, st.integers(1, 12))
def test_buckets_are_apart_in_time_and_as_wide_as_they_say(times: list[int], most: int) -> None:
    buckets = buckets_of(times, most)
    held = buckets.in_order()
    assert math.log2(buckets.width_s / 10.0).is_integer()
    for bucket in held:
        first, last = bucket.time_s.low, bucket.time_s.high
        assert math.floor(first / buckets.width_s) == math.floor(last / buckets.width_s)
    for before, after in pairwise(held):
        assert before.time_s.high < after.time_s.low


@given(TIMES, st.integers(1, 12), st.integers(1, 50))
def test_it_does_not_matter_in_which_order_or_batches_records_come(
    times: list[int], most: int, batch: int
) -> None:
    one, other = buckets_of(times, most), buckets_of(sorted(times), most, batch)
    assert one.width_s == other.width_s
    assert [(bucket.time_s.count, bucket.time_s.low) for bucket in one.in_order()] == [
        (bucket.time_s.count, bucket.time_s.low) for bucket in other.in_order()
    ]


@given(TIMES, st.integers(2, 12))
def test_buckets_are_never_wider_than_needed(times: list[int], most: int) -> None:
    buckets = buckets_of(times, most)
    narrower = buckets.width_s / 2
    if narrower >= 10.0:
        indices = {math.floor((T0_S + time) / narrower) for time in times}
        assert max(indices) - min(indices) >= most


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(0, 30), st.just("")),
        st.tuples(st.just("miss"), st.integers(0, 30), st.sampled_from(["silent", "refused"])),
        st.tuples(st.just("pass"), st.integers(0, 30), st.just("")),
        st.tuples(st.just("forget"), st.integers(-1, 30), st.just("")),
    ),
    max_size=60,
)


@given(STEPS)
def test_stretches_are_the_slots_that_a_plain_dictionary_holds(steps: list[tuple[str, int, str]]) -> None:
    empty, expected = EmptySlots(), dict[int, str]()
    for what, slot, reason in steps:
        if what == "fill":
            assert empty.fill(slot) == (expected.pop(slot, None) is not None)
        elif what == "miss":
            empty.miss(slot, reason)
            expected[slot] = reason
        elif what == "forget":
            empty.forget_passed_over(slot)
            expected = {
                number: reason for number, reason in expected.items() if number <= slot or reason != NOT_YET
            }
        else:
            empty.pass_over(slot, slot + 5)
            expected = {**dict.fromkeys(range(slot, slot + 6), NOT_YET), **expected}
        held = {
            number: stretch.reason
            for stretch in empty.stretches()
            for number in range(stretch.first, stretch.last + 1)
        }
        assert held == expected
        assert empty.count == len(expected)
        firsts = [stretch.first for stretch in empty.stretches()]
        assert firsts == sorted(firsts)


def test_a_night_without_telemetry_is_one_stretch() -> None:
    empty = EmptySlots()
    for slot in range(1000, 4000):
        empty.miss(slot, "no answer")
    assert [(stretch.first, stretch.last, stretch.slots()) for stretch in empty.stretches()] == [
        (1000, 3999, 3000)
    ]


def test_the_pace_is_that_of_the_last_rows() -> None:
    pacer = Pacer()
    assert pacer.pace(10) is None
    for number in range(200):  # slow at first, then ten times as fast
        pacer.note(number * 10.0, number)
    for number in range(2000):
        pacer.note(2000.0 + number, 200 + number)
    pace = pacer.pace(2199 + 100)
    assert pace is not None
    assert pace.slots_per_s == pytest.approx(1.0, rel=0.05)
    assert pace.ends_utc_s == pytest.approx(3999.0 + 100, abs=10)


def test_the_time_between_two_sessions_does_not_count() -> None:
    pacer = Pacer()
    pacer.start_anew(0.0)
    pacer.start_anew(90_000.0)
    for number in range(10):
        pacer.note(10.0 + number * 10.0, number)
    assert pacer.pace(25) is None, "the second session has not brought anything yet"
    for number in range(10):
        pacer.note(90_010.0 + number * 10.0, 10 + number)
    pace = pacer.pace(25)
    assert pace is not None
    assert pace.slots_per_s == pytest.approx(0.1)


def test_starts_may_be_told_in_any_order() -> None:
    pacer = Pacer()
    for start_s in (0.0, 5000.0, 1000.0):
        pacer.start_anew(start_s)
    for number in range(10):
        pacer.note(100.0 + number * 10.0, number)
    for number in range(400):
        pacer.note(1000.0 + number * 10.0, 10 + number)
    assert pacer.pace(1000) is None, "nothing since the last start"
    for number in range(2):
        pacer.note(5000.0 + number * 10.0, 410 + number)
    pace = pacer.pace(1000)
    assert pace is not None
    assert pace.slots_per_s == pytest.approx(0.1)


def test_a_host_clock_that_is_set_back_gives_no_negative_pace() -> None:
    pacer = Pacer()
    for number in range(10):
        pacer.note(5000.0 + number * 10, number)
    pacer.note(1000.0, 10)
    assert pacer.pace(25) is None
    pacer.note(1010.0, 11)
    pace = pacer.pace(25)
    assert pace is not None
    assert pace.slots_per_s == pytest.approx(0.1)


@given(st.lists(st.floats(0, 1e6), max_size=400), st.integers(1, 40))
def test_a_sparkline_is_never_too_long(values: list[float], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) <= width
    assert bool(line) == bool(values)
    assert set(line) <= set(BLOCKS)


def test_a_sparkline_rises_with_its_values() -> None:
    assert sparkline([float(value) for value in range(8)], 8) == BLOCKS
    assert sparkline([7.0] * 3, 8) == BLOCKS[4] * 3
