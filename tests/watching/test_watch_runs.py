"""What a watcher sees of runs that go on, have ended, or went wrong; each written by a real run record."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from drivers.errors import RecordError
from sweeps.record.catalogue import summary_of
from sweeps.record.run_record import LOG_NAME, RunRecord
from sweeps.record.schema import SCHEMA_VERSION, Gap
from sweeps.record.state import RunState
from sweeps.watching import record_tail
from sweeps.watching.watcher import RunWatcher
from tests.acceptance.benches import PROJECT
from tests.hil.synthetic_runs import in_one_commit
from tests.watching.made_up import T0_S, add_records, begin, facts, record_at, visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sweeps.watching.run_view import RunView

DEAD_PID = 2**22 + 1
"""Beyond the greatest process number of Linux."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def run(folder: Path) -> Iterator[RunRecord]:
    with begin(folder) as begun:
        yield begun


def alarms(view: RunView) -> list[str]:
    return [("now: " if alarm.is_now else "earlier: ") + alarm.text for alarm in view.alarms]


def test_a_run_that_goes_on(run: RunRecord, folder: Path) -> None:
    add_records(run, range(20))
    view = RunWatcher(folder).look()
    assert view.state is RunState.RUNNING
    assert (view.taken, view.planned) == (20, 60)
    assert (view.facts.procedure, view.facts.station, view.facts.clock) == (
        "stability",
        "paper-link",
        "virtual",
    )
    assert view.newest is not None
    newest = record_at(19)
    assert view.newest.values == (newest.skr_bps, newest.qber, newest.visibility, newest.detection_count)
    assert view.series.t_s == tuple(T0_S + number * 10 for number in range(20))
    (level,) = view.levels
    assert level.quantities[0].mean == pytest.approx(sum(record_at(n).skr_bps for n in range(20)) / 20)
    assert view.journal[0].kind == "start"
    assert view.alarms == ()
    assert view.problem == ""


def test_only_what_is_new_is_read(run: RunRecord, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = RunWatcher(folder)
    add_records(run, range(10))
    assert watcher.look().taken == 10
    read: list[int] = []
    real = record_tail.TelemetryRow

    def counted(*values: object) -> object:
        read.append(1)
        return real(*values)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(record_tail, "TelemetryRow", counted)
    assert watcher.look() == watcher.look()
    assert read == []
    add_records(run, range(10, 13))
    assert watcher.look().taken == 13
    assert len(read) == 3


def test_looks_on_the_way_see_the_same_in_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps filled late, over chunk borders: who watches from the start agrees with who comes last."""
    monkeypatch.setattr(record_tail, "MOST_ROWS", 7)
    with begin(folder, slots=200) as run:
        watcher = RunWatcher(folder)
        for number in range(200):
            if number % 9 == 4:
                run.add_gap(Gap(number, None, None, "no answer"))
            elif number % 5:
                add_records(run, [number])
            if number % 20 == 19:
                add_records(run, [number - 9, number - 14])
            if number % 6 == 0:
                watcher.look()
        last = watcher.look()
        first = RunWatcher(folder).look()
        assert (last.taken, last.gaps, last.series) == (first.taken, first.gaps, first.series)
        assert last.taken == len(run.filled_slots(None))
        missing = set(range(199)) - run.filled_slots(None)
        assert last.gaps.slots == len(missing)


def test_ten_days_cost_no_more_to_show_than_an_hour(folder: Path) -> None:
    with begin(folder, slots=86_400) as run, in_one_commit(run):
        add_records(run, range(0, 86_400, 7))
        for number in range(3, 86_400, 7):
            run.add_gap(Gap(number, None, None, "no answer"))
    view = RunWatcher(folder).look()
    assert 180 < len(view.series.t_s) <= 360
    assert len(view.gaps.shaded) <= 2 * 360
    assert len(view.gaps.newest) <= 20
    assert view.gaps.not_shown > 12_000
    assert view.levels[0].quantities[3].low == min(record_at(n).detection_count for n in range(0, 86_400, 7))


def test_slots_that_were_passed_over_are_seen_before_their_gap_rows(run: RunRecord, folder: Path) -> None:
    watcher = RunWatcher(folder)
    add_records(run, [0, 1, 2, 6])
    view = watcher.look()
    (line,) = view.gaps.newest
    assert (line.from_s, line.what) == (T0_S + 30, "slots 3 to 5 (3)")
    assert "later reading" in line.reason
    assert [(gap.from_s, gap.until_s) for gap in view.gaps.shaded] == [(T0_S + 30, T0_S + 60)]
    add_records(run, [4])
    run.add_gap(Gap(3, None, None, "no answer within 10 s"))
    view = watcher.look()
    assert [(line.what, line.reason) for line in view.gaps.newest][1] == ("slot 3", "no answer within 10 s")
    assert (view.taken, view.gaps.slots) == (5, 2)
    assert alarms(view) == ["earlier: 2 slots without a record"]


def test_a_gap_that_a_resumed_run_fills_is_none(run: RunRecord, folder: Path) -> None:
    add_records(run, range(5))
    run.add_gap(Gap(5, None, None, "broken off"))
    run.add_gap(Gap(6, None, None, "broken off"))
    watcher = RunWatcher(folder)
    assert watcher.look().gaps.slots == 2
    add_records(run, [5, 6, 7])
    view = watcher.look()
    assert (view.taken, view.gaps.slots, view.gaps.newest) == (8, 0, ())


def test_lost_numbers_are_told(run: RunRecord, folder: Path) -> None:
    run.add_gap(Gap(None, 17, 20, "the appliance no longer holds them"))
    view = RunWatcher(folder).look()
    assert [(line.what, line.from_s) for line in view.gaps.newest] == [("records 17 to 20", None)]
    assert alarms(view) == ["earlier: 4 records lost by the appliance"]


def test_a_finished_run(run: RunRecord, folder: Path) -> None:
    add_records(run, range(60))
    run.set_meta("finished_utc_s", T0_S + 600)
    view = RunWatcher(folder).look()
    assert (view.state, view.taken, view.pace) == (RunState.FINISHED, 60, None)
    assert view.state.is_over()
    assert view.alarms == ()


def test_a_run_that_was_broken_off_says_why(run: RunRecord, folder: Path) -> None:
    run.set_meta("ended", "TransportTimeout: bob: 'telemetry': no answer")
    view = RunWatcher(folder).look()
    assert (view.state, view.reason) == (RunState.BROKEN_OFF, "TransportTimeout: bob: 'telemetry': no answer")
    assert alarms(view) == ["now: the run was broken off: TransportTimeout: bob: 'telemetry': no answer"]
    run.set_meta("ended", "KeyboardInterrupt: ")
    assert RunWatcher(folder).look().reason == "interrupted by Ctrl-C or a signal"
    run.forget_meta("ended")
    assert RunWatcher(folder).look().state is RunState.RUNNING


def test_a_runner_that_is_gone(run: RunRecord, folder: Path) -> None:
    add_records(run, range(5))
    run.set_meta("runner", {**facts()["runner"], "pid": DEAD_PID})
    watcher = RunWatcher(folder)
    view = watcher.look()
    assert view.state is RunState.GONE
    (alarm,) = alarms(view)
    assert alarm.startswith(f"now: process {DEAD_PID} on ")
    assert alarm.endswith("see to it that the gear is in its safe state")
    run.add_event(T0_S + 60, "safe state", "by the guard, after the runner was gone; found: VOA open")
    (alarm,) = alarms(watcher.look())
    assert "brought to its safe state: by the guard" in alarm
    run.add_event(T0_S + 70, "safe state NOT reached", "by the guard: voa: no answer")
    assert "now: safe state NOT reached: by the guard: voa: no answer" in alarms(watcher.look())
    run.add_event(T0_S + 90, "resume", "stability on paper-link")
    run.set_meta("runner", facts()["runner"])
    view = watcher.look()
    assert (view.state, view.alarms) == (RunState.RUNNING, ())


def test_last_words_between_two_readings_are_heard(
    run: RunRecord, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.set_meta("runner", {**facts()["runner"], "pid": DEAD_PID})
    real = record_tail.RecordTail.read

    def then_it_finishes(tail: record_tail.RecordTail) -> record_tail.NewRows:
        rows = real(tail)
        run.set_meta("finished_utc_s", T0_S)
        return rows

    monkeypatch.setattr(record_tail.RecordTail, "read", then_it_finishes)
    assert RunWatcher(folder).look().state is RunState.FINISHED


def test_a_runner_on_another_host_or_none_at_all(run: RunRecord, folder: Path) -> None:
    add_records(run, range(5))
    run.set_meta("runner", {"pid": 1, "host": "far-away", "started_utc_s": T0_S})
    view = RunWatcher(folder).look()
    assert view.state is RunState.ELSEWHERE
    assert not view.state.is_over()
    assert view.reason == "process 1 on far-away; whether it lives cannot be seen from here"
    run.forget_meta("runner")
    view = RunWatcher(folder).look()
    assert view.state is RunState.GONE
    assert "does not say" in view.reason


@pytest.mark.parametrize(
    "facts_told",
    [
        {"finished_utc_s": T0_S},
        {"ended": "x"},
        {"runner": {**facts()["runner"], "pid": DEAD_PID}},
        {"runner": {"pid": 1, "host": "far-away", "started_utc_s": T0_S}},
        {"runner": None},
        {},
    ],
)
def test_the_list_of_runs_and_a_watcher_agree(folder: Path, facts_told: dict[str, Any]) -> None:
    begin(folder, **facts_told).close()
    assert RunWatcher(folder).look().state is summary_of(folder).state


def test_failed_readings_are_counted_and_are_over_with_the_next_record(run: RunRecord, folder: Path) -> None:
    watcher = RunWatcher(folder)
    add_records(run, [0])
    run.add_event(T0_S + 10, "telemetry not read", "bob: no answer")
    run.add_event(T0_S + 20, "telemetry not read", "bob: refused")
    expected = "telemetry not read, 2 times, last at 2024-01-01 00:00:20 UTC: bob: refused"
    assert alarms(watcher.look()) == [f"now: {expected}"]
    add_records(run, [1])
    assert alarms(watcher.look()) == [f"earlier: {expected}"]


def test_odd_telemetry_is_an_alarm_while_it_lasts(run: RunRecord, folder: Path) -> None:
    watcher = RunWatcher(folder)
    add_records(run, [0])
    add_records(run, [1], skr_bps=0.0)
    assert alarms(watcher.look()) == ["now: the key rate is 0 in the newest record; 1 such record so far"]
    add_records(run, [2], qber=1.9, visibility=99.0, detection_count=0.0)
    (alarm,) = alarms(watcher.look())
    for said in ("QBER is 1.9", "visibility is 99", "nothing was detected", "2 such records"):
        assert said in alarm
    add_records(run, [3])
    (alarm,) = alarms(watcher.look())
    assert alarm.startswith("earlier: ")
    assert alarm.endswith("at 2024-01-01 00:00:20 UTC; 2 such records so far")


def test_no_number_does_not_spoil_the_means(run: RunRecord, folder: Path) -> None:
    add_records(run, [0, 2])
    add_records(run, [1], skr_bps=float("inf"))
    view = RunWatcher(folder).look()
    assert view.levels[0].quantities[0].high < 1e6
    assert view.taken == 3
    assert "a value is no number" in alarms(view)[0]


def test_a_sweep_shows_which_point_it_is_at(folder: Path) -> None:
    with RunRecord.create(folder, facts("attenuation")) as run:
        watcher = RunWatcher(folder)
        assert watcher.look().state is RunState.WAITING
        visit(run, 0, 0.0, range(10))
        visit(run, 1, 5.0, range(11, 15))
        view = watcher.look()
        states = [(point.added_db, point.state, point.records, point.planned) for point in view.points]
        assert states == [(0.0, "done", 10, 10), (5.0, "here", 4, 10), (12.0, "to come", 0, 10)]
        assert view.points[1].readback_db == 5.012
        assert view.points[2].readback_db is None
        assert (view.taken, view.planned) == (14, 30)
        assert [level.label for level in view.levels] == ["0 dB", "5 dB"]
        run.set_meta("ended", "x")
        assert [point.state for point in watcher.look().points] == ["done", "broken off", "to come"]


def test_a_point_that_is_visited_again_is_one_point(folder: Path) -> None:
    with RunRecord.create(folder, facts("attenuation")) as run:
        first = visit(run, 0, 0.0, range(4))
        run.add_gap(Gap(4, None, None, "not read before the run was broken off", first))
        visit(run, 0, 0.0, range(20, 25), first_slot=5)
        view = RunWatcher(folder).look()
        assert (view.points[0].records, view.points[0].state) == (9, "done")
        assert len(view.levels) == 2
        assert view.points[0].quantities[0].mean == pytest.approx(2390.0)
        assert [line.what for line in view.gaps.newest] == ["0 dB, slot 4"]


def test_no_key_at_high_loss_is_what_a_sweep_is_for(folder: Path) -> None:
    with RunRecord.create(folder, facts("attenuation")) as run:
        visit(run, 2, 12.0, range(5))
        assert RunWatcher(folder).look().alarms == ()
        number = visit(run, 0, 0.0, [])
        run.add_record(0, number, record_at(30, skr_bps=0.0))
        assert "the key rate is 0" in alarms(RunWatcher(folder).look())[0]


def test_an_eta_comes_from_the_rows_time_stamps(run: RunRecord, folder: Path) -> None:
    add_records(run, range(30))
    database = sqlite3.connect(folder / LOG_NAME)
    with database:
        database.execute("UPDATE telemetry SET utc_s = ? + 2 * id", (T0_S,))
    database.close()
    pace = RunWatcher(folder).look().pace
    assert pace is not None
    assert pace.slots_per_s == pytest.approx(0.5)
    assert pace.ends_utc_s == pytest.approx(T0_S + 2 * 60)


# --- records that are not what they should be


def test_a_folder_without_a_record(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no record"):
        RunWatcher(tmp_path).look()


def test_a_record_that_is_only_being_made(folder: Path) -> None:
    folder.mkdir()
    (folder / LOG_NAME).write_bytes(b"")
    watcher = RunWatcher(folder)
    view = watcher.look()
    assert (view.state, view.taken, view.planned) == (RunState.WAITING, 0, None)
    shutil.rmtree(folder)
    with begin(folder) as run:
        add_records(run, range(3))
        assert watcher.look().taken == 3


def test_a_record_of_another_version_is_refused_in_clear_words(folder: Path) -> None:
    begin(folder).close()
    database = sqlite3.connect(folder / LOG_NAME)
    database.execute("PRAGMA user_version=1")
    database.close()
    with pytest.raises(
        RecordError, match=f"record version 1, this program reads {SCHEMA_VERSION}; .* wrote it"
    ):
        RunWatcher(folder).look()


def test_what_is_no_database_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / LOG_NAME).write_bytes(b"no database, whatever its name says" * 100)
    with pytest.raises(RecordError, match="not a database"):
        RunWatcher(folder).look()


def test_a_folder_that_disappears_leaves_the_last_picture(run: RunRecord, folder: Path) -> None:
    add_records(run, range(5))
    watcher = RunWatcher(folder)
    seen = watcher.look()
    run.close()
    shutil.rmtree(folder)
    view = watcher.look()
    assert "there is no record" in view.problem
    assert (view.taken, view.series) == (seen.taken, seen.series)


def test_another_run_in_the_same_place_is_another_run(run: RunRecord, folder: Path) -> None:
    add_records(run, range(5))
    watcher = RunWatcher(folder)
    watcher.look()
    run.close()
    shutil.rmtree(folder)
    with begin(folder, started_utc_s=T0_S + 5) as other:
        add_records(other, range(2))
        assert watcher.look().taken == 2


# --- and the run notices nothing of it


def test_a_watcher_leaves_nothing_behind_and_holds_nothing(folder: Path) -> None:
    """With a reader still open a closing run would leave rows in the write-ahead log, apart from its file."""
    with begin(folder) as run:
        watcher = RunWatcher(folder)
        add_records(run, range(5))
        watcher.look()
    assert sorted(path.name for path in folder.iterdir()) == ["artefacts", LOG_NAME]
    assert watcher.look().taken == 5
    assert sorted(path.name for path in folder.iterdir()) == ["artefacts", LOG_NAME]


def test_a_watched_run_can_empty_its_write_ahead_log(run: RunRecord, folder: Path) -> None:
    watcher = RunWatcher(folder)
    add_records(run, range(40))
    watcher.look()
    busy, _, _ = run._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    assert (folder / f"{LOG_NAME}-wal").stat().st_size == 0
    add_records(run, range(40, 50))
    assert watcher.look().taken == 50


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.watching.made_up import add_records, begin
run = begin(Path(sys.argv[1]))
add_records(run, range(7))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_was_killed_is_read_from_its_write_ahead_log(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=PROJECT, check=False)
    assert done.returncode == -signal.SIGKILL
    view = RunWatcher(folder).look()
    assert (view.state, view.taken) == (RunState.GONE, 7)
    with RunRecord.open(folder) as again:
        assert again.count_records() == 7
