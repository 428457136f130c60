"""What a watcher makes of time that passes while nothing comes: outages, silence, and clocks that are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.record import run_record
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import HOST_CLOCK, Gap, Schedule
from sweeps.record.state import RunState
from sweeps.watching.empty_slots import NOT_YET
from sweeps.watching.watcher import RunWatcher
from tests.watching.made_up import T0_S, add_records, begin, facts, visit
from tests.watching.test_watch_runs import DEAD_PID, alarms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PERIOD_S = 10.0
TEN_DAYS = 86_400


class Host:
    """The clocks of a host, moved by hand: its time of day can be set, the other only goes on."""

    def __init__(self) -> None:
        self.now_s = T0_S
        self.steady_s = 5000.0

    def wait(self, duration_s: float) -> None:
        self.now_s += duration_s
        self.steady_s += duration_s

    def set_by(self, step_s: float) -> None:
        self.now_s += step_s

    def watcher(self, folder: Path) -> RunWatcher:
        return RunWatcher(folder, lambda: self.now_s, lambda: self.steady_s)

    def take(self, run: RunRecord, slots: Iterable[int]) -> None:
        """Take the records of these slots, each as soon as it is there."""
        for slot in slots:
            self.wait(PERIOD_S)
            add_records(run, [slot])


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(run_record, "utc_now_s", lambda: host.now_s)
    return host


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def run(folder: Path, host: Host) -> Iterator[RunRecord]:
    """Ten days on the wall clock, 40 of whose records are taken."""
    with begin(folder, slots=TEN_DAYS, clock="wall") as begun:
        begun.add_session({})
        host.take(begun, range(40))
        yield begun


def take_up(run: RunRecord, host: Host) -> None:
    """Take the run up as a process that has just been started does."""
    run.set_meta("runner", {**facts()["runner"], "started_utc_s": host.now_s})


# --- an outage


@pytest.mark.usefixtures("run")
def test_an_outage_is_a_gap_while_it_lasts(folder: Path, host: Host) -> None:
    watcher = host.watcher(folder)
    watcher.look()
    host.wait(1.9 * PERIOD_S)
    assert watcher.look().gaps.slots == 0, "the next record has a period more than its due"
    host.wait(0.1 * PERIOD_S)
    assert watcher.look().gaps.slots == 1
    host.wait(6 * 3600.0)
    view = watcher.look()
    assert (view.taken, view.gaps.slots) == (40, 2161)
    (line,) = view.gaps.newest
    assert (line.from_s, line.what, line.reason) == (T0_S + 400, "slots 40 to 2200 (2,161)", NOT_YET)
    assert [(gap.from_s, gap.until_s) for gap in view.gaps.shaded] == [(T0_S + 400, T0_S + 22_010)]
    assert alarms(view) == [
        "now: no new record since 2024-01-01 00:06:40 UTC",
        "earlier: 2,161 slots without a record",
    ]
    assert host.watcher(folder).look() == view, "who comes late sees the same"


def test_records_that_are_handed_over_later_leave_no_gap(run: RunRecord, folder: Path, host: Host) -> None:
    watcher = host.watcher(folder)
    host.wait(3600.0)
    assert watcher.look().gaps.slots == 359
    add_records(run, range(40, 200))
    assert watcher.look().taken == 200
    add_records(run, range(200, 400))
    view = watcher.look()
    assert (view.taken, view.gaps.slots, view.gaps.newest, view.alarms) == (400, 0, (), ())


def test_what_the_appliance_did_not_keep_stays_a_gap(run: RunRecord, folder: Path, host: Host) -> None:
    watcher = host.watcher(folder)
    host.wait(3600.0)
    watcher.look()
    add_records(run, range(300, 400))
    view = watcher.look()
    assert (view.taken, view.gaps.slots) == (140, 260)
    assert [line.what for line in view.gaps.newest] == ["slots 40 to 299 (260)"]


def test_gap_rows_keep_their_reason_in_an_outage(run: RunRecord, folder: Path, host: Host) -> None:
    host.wait(100.0)
    for slot in range(42, 45):
        run.add_gap(Gap(slot, None, None, "broken off"))
    view = host.watcher(folder).look()
    assert view.gaps.slots == 9
    assert [(line.what, line.reason) for line in reversed(view.gaps.newest)] == [
        ("slots 40 to 41 (2)", NOT_YET),
        ("slots 42 to 44 (3)", "broken off"),
        ("slots 45 to 48 (4)", NOT_YET),
    ]


def test_no_slot_after_the_last_one_is_missing(folder: Path, host: Host) -> None:
    with begin(folder, clock="wall") as run:
        host.take(run, range(40))
        host.wait(3600.0)
        view = host.watcher(folder).look()
        assert (view.taken, view.gaps.slots, view.planned) == (40, 20, 60)


@pytest.mark.parametrize(
    ("key", "value", "state"),
    [
        ("ended", "TransportTimeout: no answer", RunState.BROKEN_OFF),
        ("runner", {**facts()["runner"], "pid": DEAD_PID}, RunState.GONE),
        ("runner", {**facts()["runner"], "host": "far-away"}, RunState.ELSEWHERE),
        ("clock", "virtual", RunState.RUNNING),
    ],
)
def test_time_alone_makes_no_gap_where_nobody_takes_records_by_it(
    run: RunRecord, folder: Path, host: Host, key: str, value: object, state: RunState
) -> None:
    watcher = host.watcher(folder)
    host.wait(3600.0)
    assert watcher.look().gaps.slots == 359
    run.set_meta(key, value)
    view = watcher.look()
    assert (view.state, view.gaps.slots, view.gaps.newest) == (state, 0, ())
    assert (view.pace is None) == state.is_over()


def test_an_outage_at_a_point_that_has_no_record_yet(folder: Path, host: Host) -> None:
    with RunRecord.create(folder, facts("attenuation", clock="wall")) as run:
        host.wait(100.0)
        visit(run, 0, 0.0, range(10))
        host.wait(300.0)
        point = run.add_point(1, 5.0, 5.0, 5.012, 1550.0, T0_S + 350, 0.05)
        run.add_schedule(Schedule(point.number, T0_S + 350, PERIOD_S, 0, 10))
        view = host.watcher(folder).look()
        assert [line.what for line in view.gaps.newest] == ["5 dB, slots 0 to 3 (4)"]
        assert [(one.state, one.records) for one in view.points] == [
            ("done", 10),
            ("here", 0),
            ("to come", 0),
        ]


def test_a_sweep_that_is_taken_up_misses_nothing_of_the_visit_that_was_broken_off(
    folder: Path, host: Host
) -> None:
    with RunRecord.create(folder, facts("attenuation", clock="wall")) as run:
        host.wait(40.0)
        visit(run, 0, 0.0, range(4))
        host.wait(3600.0)
        take_up(run, host)
        watcher = host.watcher(folder)
        assert watcher.look().gaps.slots == 0
        visit(run, 0, 0.0, range(370, 372), first_slot=4)
        host.wait(30.0)
        assert [line.what for line in watcher.look().gaps.newest] == ["0 dB, slots 6 to 7 (2)"]


# --- the end that is told


def days_left(host: Host, watcher: RunWatcher) -> float:
    pace = watcher.look().pace
    assert pace is not None
    return (pace.ends_utc_s - host.now_s) / 86_400


def test_an_hour_without_a_record_leaves_the_end_where_it_was(
    run: RunRecord, folder: Path, host: Host
) -> None:
    watcher = host.watcher(folder)
    assert days_left(host, watcher) == pytest.approx((TEN_DAYS - 40) / 8640)
    host.wait(3600.0)
    assert days_left(host, watcher) == pytest.approx((TEN_DAYS - 400) / 8640), "while it lasts"
    host.take(run, range(400, 405))
    assert days_left(host, watcher) == pytest.approx((TEN_DAYS - 405) / 8640)
    assert days_left(host, host.watcher(folder)) == pytest.approx((TEN_DAYS - 405) / 8640)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_host_clock_that_was_set_does_not_move_the_end(
    run: RunRecord, folder: Path, host: Host, step_s: float
) -> None:
    watcher = host.watcher(folder)
    watcher.look()
    host.set_by(step_s)
    run.add_event(host.now_s, HOST_CLOCK, f"this host's time of day was set by {step_s:+.0f} s")
    assert watcher.look().pace is None
    host.take(run, [40])
    assert watcher.look().pace is None, "one mark is no pace"
    host.take(run, [41])
    assert days_left(host, watcher) == pytest.approx((TEN_DAYS - 42) / 8640)
    assert days_left(host, host.watcher(folder)) == pytest.approx((TEN_DAYS - 42) / 8640)


# --- silence


def test_silence_is_an_alarm_after_three_periods(folder: Path, host: Host) -> None:
    with begin(folder, clock="wall") as run:
        add_records(run, range(5))
        watcher = host.watcher(folder)
        host.wait(30.0)
        assert "no new record" not in str(alarms(watcher.look()))
        host.wait(1.0)
        assert alarms(watcher.look())[0] == "now: no new record since 2024-01-01 00:00:00 UTC"
        run.set_meta("ended", "x")
        assert alarms(watcher.look()) == ["now: the run was broken off: x"]


def test_a_schedule_that_brings_no_record_at_all_is_silent_too(folder: Path, host: Host) -> None:
    with begin(folder, clock="wall"):
        watcher = host.watcher(folder)
        assert watcher.look().alarms == ()
        host.wait(31.0)
        assert alarms(watcher.look()) == ["now: no new record since 2024-01-01 00:00:00 UTC"]


def test_a_virtual_clock_says_nothing_about_how_long_to_wait(folder: Path, host: Host) -> None:
    with begin(folder, period_s=1.0) as run:
        add_records(run, [0], period_s=1.0)
        for wait_s, count in ((20.0, 0), (11.0, 1)):
            host.wait(wait_s)
            assert len(host.watcher(folder).look().alarms) == count


def test_a_run_that_is_taken_up_gets_its_time_before_it_is_silent(
    run: RunRecord, folder: Path, host: Host
) -> None:
    host.wait(3600.0)
    take_up(run, host)
    host.wait(25.0)
    watcher = host.watcher(folder)
    assert "no new record" not in str(alarms(watcher.look()))
    host.wait(6.0)
    assert alarms(watcher.look())[0] == "now: no new record since 2024-01-01 00:06:40 UTC"
    host.take(run, [403])
    assert "no new record" not in str(alarms(watcher.look()))


@pytest.mark.usefixtures("run")
def test_silence_is_heard_though_the_host_clock_was_set_back(folder: Path, host: Host) -> None:
    watcher = host.watcher(folder)
    watcher.look()
    host.set_by(-3600.0)
    host.wait(31.0)
    view = watcher.look()
    assert alarms(view)[0] == "now: no new record since 2024-01-01 00:06:40 UTC"
    assert view.gaps.slots == 2


def test_a_host_clock_that_was_set_forward_is_no_silence(run: RunRecord, folder: Path, host: Host) -> None:
    watcher = host.watcher(folder)
    watcher.look()
    host.set_by(3600.0)
    view = watcher.look()
    assert (view.alarms, view.gaps.slots) == ((), 0)
    host.take(run, [40])
    assert (watcher.look().alarms, watcher.look().gaps.slots) == ((), 0)
