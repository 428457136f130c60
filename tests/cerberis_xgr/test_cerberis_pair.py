from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.cerberis_xgr import pair as pair_module
from emulators.cerberis_xgr.pair import QkdPair
from emulators.cow4.sample import LossSegment
from emulators.lab.clock import LabClock
from emulators.plant.link import Link
from tests.cerberis_xgr.web_lab import T0_S, CountingLedger, CountingSource


class Bench:
    def __init__(self, record_period_s: float = 10.0) -> None:
        self.clock = LabClock("virtual", T0_S)
        self.link = Link(self.clock.now_s, 1550.0)
        self.source = CountingSource()
        self.ledger = CountingLedger()
        self.pair = QkdPair(self.source, self.link, self.ledger, self.clock, record_period_s)

    def go_to(self, offset_s: float) -> None:
        asyncio.run(self.clock.wait_until(T0_S + offset_s))

    def starts(self) -> list[float]:
        return [record.window_start_s - T0_S for record in self.pair.records(0, 1_000_000)]


def test_a_record_is_made_when_its_window_ends_and_not_before() -> None:
    bench = Bench()
    bench.go_to(0.999)
    assert bench.pair.newest == 0
    bench.go_to(1.0)
    assert bench.pair.newest == 1
    bench.go_to(10.999)
    assert bench.pair.newest == 1
    bench.go_to(11.0)
    assert [record.sequence for record in bench.pair.records(0, 10)] == [1, 2]
    assert bench.starts() == [0.0, 10.0]


@given(st.lists(st.floats(min_value=0.01, max_value=400.0), min_size=1, max_size=30))
def test_however_time_is_moved_the_records_are_the_same(steps_s: list[float]) -> None:
    stepped, straight = Bench(), Bench()
    for end_s in _sums(steps_s):
        stepped.go_to(end_s)
    straight.go_to(_sums(steps_s)[-1])
    assert stepped.pair.records(0, 10_000) == straight.pair.records(0, 10_000)
    assert stepped.starts() == [10.0 * index for index in range(stepped.pair.newest)]


def _sums(steps_s: list[float]) -> list[float]:
    return [sum(steps_s[: index + 1]) for index in range(len(steps_s))]


def test_back_to_back_windows_leave_nothing_out() -> None:
    bench = Bench(record_period_s=1.0)
    bench.go_to(86400.0)
    assert bench.pair.newest == 86400
    assert bench.source.windows[-1][1] == T0_S + 86399.0


def test_a_window_sees_the_loss_of_its_own_time_alone() -> None:
    bench = Bench()
    bench.go_to(5.0)
    bench.link.set_inline_db("voa", 3.0)
    bench.go_to(10.25)
    bench.link.set_inline_db("voa", 5.0)
    bench.go_to(11.0)
    assert bench.source.windows[0][2] == [LossSegment(1.0, 0.0)]
    assert bench.source.windows[1][2] == [LossSegment(0.25, 3.0), LossSegment(0.75, 5.0)]


def test_stopped_appliances_make_no_records_and_keep_the_schedule() -> None:
    bench = Bench()
    bench.go_to(15.0)
    bench.pair.stop("alice")
    bench.go_to(45.0)
    bench.pair.start("alice")
    bench.go_to(61.0)
    assert bench.starts() == [0.0, 10.0, 50.0, 60.0]
    assert [record.sequence for record in bench.pair.records(0, 10)] == [1, 2, 3, 4]
    # A window's content belongs to its place in the schedule.
    assert [index for index, _, _ in bench.source.windows] == [0, 1, 5, 6]
    assert bench.ledger.restarts_s == [T0_S + 45.0]


def test_key_is_made_only_while_both_ends_are_started() -> None:
    bench = Bench()
    bench.pair.stop("alice")
    bench.pair.stop("bob")
    bench.pair.start("alice")
    assert not bench.pair.is_making_key
    bench.go_to(100.0)
    assert bench.pair.newest == 0
    bench.pair.start("bob")
    assert bench.pair.is_making_key


@pytest.mark.parametrize("stopped_s", [10.2, 10.0])
def test_a_window_during_which_key_making_was_off_gives_no_record(stopped_s: float) -> None:
    bench = Bench()
    bench.go_to(stopped_s)
    bench.pair.stop("bob")
    bench.go_to(10.5)
    bench.pair.start("bob")
    bench.go_to(31.0)
    assert bench.starts() == [0.0, 20.0, 30.0]


def test_starting_what_is_started_interrupts_nothing() -> None:
    bench = Bench()
    bench.go_to(0.5)
    bench.pair.start("bob")
    bench.go_to(1.0)
    assert bench.pair.newest == 1
    assert bench.ledger.restarts_s == []


def test_the_key_rate_is_the_ledgers_after_the_record() -> None:
    bench = Bench()
    bench.go_to(21.0)
    assert bench.ledger.ends_s == [T0_S + 1.0, T0_S + 11.0, T0_S + 21.0]
    assert [record.key_rate_bps for record in bench.pair.records(0, 10)] == [2400.0, 2401.0, 2402.0]


def test_old_records_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_module, "BACKLOG_RECORDS", 5)
    bench = Bench()
    bench.go_to(111.0)
    assert [record.sequence for record in bench.pair.records(0, 100)] == [8, 9, 10, 11, 12]
    assert [record.sequence for record in bench.pair.records(0, 2)] == [8, 9]
    assert [record.sequence for record in bench.pair.records(9, 2)] == [10, 11]
    assert bench.pair.records(12, 100) == []
    assert bench.pair.records(99, 100) == []


def test_windows_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="every 0"):
        Bench(record_period_s=0.5)
