"""The fault schedule strikes where it was told to; the link remembers its losses; draws are functions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.facts.lab import Fault
from drivers.facts.units import db_to_transmission, transmission_to_db
from emulators.lab.faults import FaultSchedule
from emulators.lab.journal import Journal
from emulators.lab.streams import Streams
from emulators.plant.link import Link


class Now:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def schedule_at(now: Now) -> FaultSchedule:
    return FaultSchedule(now, Journal(now))


def test_a_fault_strikes_the_third_matching_exchange_only() -> None:
    schedule = schedule_at(Now())
    schedule.inject(Fault(gear="voa", action="silence", match="ATT?", first=3))
    exchanges = [":OUTP:ATT? 1", "*IDN?", ":OUTP:ATT? 1", ":OUTP:ATT? 1", ":OUTP:ATT? 1"]
    struck = [schedule.strike("voa", text) is not None for text in exchanges]
    assert struck == [False, False, False, True, False]
    assert schedule.strike("bob", ":OUTP:ATT? 1") is None


def test_a_fault_keeps_to_its_window_of_time() -> None:
    now = Now()
    schedule = schedule_at(now)
    schedule.inject(Fault(gear="voa", action="drop", count=None, start_s=10.0, end_s=20.0))
    struck: list[bool] = []
    for now.now_s in (9.9, 10.0, 15.0, 19.9, 20.0):
        struck.append(schedule.strike("voa", "x") is not None)
    assert struck == [False, True, True, True, False]
    assert [entry.kind for entry in schedule.journal.entries] == ["fault planned"] + ["fault struck"] * 3


def test_cleared_faults_strike_no_more() -> None:
    schedule = schedule_at(Now())
    schedule.inject(Fault(gear="voa", action="drop", count=None))
    schedule.clear()
    assert schedule.strike("voa", "x") is None


def test_segments_cover_a_window_and_follow_the_steps() -> None:
    now = Now()
    link = Link(now, wavelength_nm=1550.0)
    now.now_s = 10.0
    link.set_inline_db("voa", 3.0)
    now.now_s = 10.5
    link.set_inline_db("patch", 0.5)
    now.now_s = 11.0
    segments = link.segments(9.75, 11.0)
    assert [(part.duration_s, part.added_db) for part in segments] == [(0.25, 0.0), (0.5, 3.0), (0.5, 3.5)]
    assert link.added_db() == 3.5
    assert [part.added_db for part in link.segments(10.6, 11.0)] == [3.5]


@given(
    st.lists(st.tuples(st.floats(0.01, 30.0), st.floats(0.0, 40.0)), min_size=1, max_size=30),
    st.floats(0.1, 5.0),
)
def test_segments_always_add_up_to_the_window(steps: list[tuple[float, float]], window_s: float) -> None:
    now = Now()
    link = Link(now, 1550.0, extra_loss_db=1.0)
    for wait_s, loss_db in steps:
        now.now_s += wait_s
        link.set_inline_db("voa", loss_db)
    now.now_s += window_s / 2
    segments = link.segments(now.now_s - window_s, now.now_s)
    assert sum(part.duration_s for part in segments) == pytest.approx(window_s)
    assert segments[-1].added_db == steps[-1][1] + 1.0


def test_a_blocked_path_lets_nothing_through() -> None:
    link = Link(Now(), 1550.0)
    link.set_inline_db("voa", math.inf)
    assert db_to_transmission(link.added_db()) == 0.0
    assert transmission_to_db(0.0) == math.inf
    assert transmission_to_db(db_to_transmission(3.0)) == pytest.approx(3.0)


def test_a_draw_depends_on_seed_stream_and_index_and_on_nothing_else() -> None:
    first, second = Streams(7).stream("counts"), Streams(7).stream("counts")
    before = [first.generator(index).random() for index in range(5)]
    after = [second.generator(index).random() for index in reversed(range(5))]
    assert before == after[::-1]
    others = {Streams(8).stream("counts").generator(0).random(), Streams(7).stream("x").generator(0).random()}
    assert len(others | set(before)) == 7
