"""Which runs there are and how each stands: finished, broken off, running, unreadable."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from drivers.clock import utc_now_s
from drivers.errors import RecordError
from sweeps.record import catalogue
from sweeps.record.catalogue import find_run, list_runs, summary_of
from sweeps.record.run_record import LOG_NAME, RunRecord
from sweeps.record.state import RunState
from tests.hil.synthetic_runs import PROVENANCE, T0_S
from tests.record.written_runs import COMMIT, meta, record, spoil, stability, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.record.facts import RunFacts

NO_SUCH_PID = 2**22 + 5


def runner(**changes: object) -> dict[str, Any]:
    here = {"pid": os.getpid(), "host": socket.gethostname(), "started_utc_s": utc_now_s()}
    return here | changes


def test_a_run_is_summed_up_from_what_it_says_of_itself(tmp_path: Path) -> None:
    summary = summary_of(sweep(tmp_path / "one"))
    assert summary.name == "one"
    assert summary.folder == tmp_path / "one"
    assert (summary.procedure, summary.station, summary.plan_name) == ("attenuation", "paper-link", "smoke")
    assert (summary.plan_sha256, summary.inventory_sha256) == ("d" * 64, "a" * 64)
    assert (summary.target, summary.seed, summary.follows) == ("emulator", 1, None)
    assert (summary.records_taken, summary.records_planned) == (6, 12)
    assert summary.gaps == 3  # the one that was filled after all is none
    assert (summary.started_utc_s, summary.finished_utc_s) == (T0_S + 1000.0, T0_S + 1060.0)
    assert summary.commits == (COMMIT, "f" * 40)
    assert summary.is_dirty is True


@pytest.mark.parametrize("unknown", [{"git_commit": None}, {"git_dirty": None}])
def test_a_session_whose_code_is_not_known_makes_no_clean_run(
    tmp_path: Path, unknown: dict[str, None]
) -> None:
    folder = stability(tmp_path / "one")
    assert summary_of(folder).is_dirty is False
    with RunRecord.open(folder) as run:
        run.add_session(PROVENANCE | unknown)
    summary = summary_of(folder)
    assert (summary.commits, summary.is_dirty) == ((COMMIT,), None)
    with RunRecord.open(folder) as run:
        run.add_session(PROVENANCE | {"git_dirty": True})
    assert summary_of(folder).is_dirty is True


def test_a_stability_run_plans_its_own_number_and_may_follow_another(tmp_path: Path) -> None:
    summary = summary_of(stability(tmp_path / "one", meta(follows="before")))
    assert (summary.records_taken, summary.records_planned) == (3, 60)
    assert (summary.follows, summary.is_dirty) == ("before", False)


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        pytest.param({}, RunState.FINISHED, None, id="finished"),
        pytest.param({"runner": runner()}, RunState.FINISHED, None, id="finished-by-a-process-that-lives-on"),
        pytest.param(
            {"finished_utc_s": None, "ended": "BenchError: no light", "runner": runner()},
            RunState.BROKEN_OFF,
            "BenchError: no light",
            id="broken-off-by-a-process-that-lives-on",
        ),
        pytest.param({"finished_utc_s": None, "runner": runner()}, RunState.RUNNING, None, id="running"),
        pytest.param(
            {"finished_utc_s": None, "runner": runner(pid=NO_SUCH_PID)}, RunState.GONE, None, id="killed"
        ),
        pytest.param({"finished_utc_s": None}, RunState.GONE, None, id="killed-before-it-said-who-it-was"),
        pytest.param(
            {"finished_utc_s": None, "runner": runner(host="elsewhere")}, RunState.ELSEWHERE, None, id="away"
        ),
    ],
)
def test_the_state_follows_from_the_facts(
    tmp_path: Path, changes: dict[str, Any], state: RunState, reason: str | None
) -> None:
    summary = summary_of(stability(tmp_path / "one", meta(**changes)))
    assert (summary.state, summary.reason) == (state, reason)


def test_a_run_that_finishes_during_the_look_is_not_called_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = meta(finished_utc_s=None, runner=runner(pid=NO_SUCH_PID))
    with RunRecord.create(tmp_path / "one", about) as run:

        def finish_meanwhile(facts: RunFacts) -> RunState:
            run.set_meta("finished_utc_s", T0_S)
            return state_of(facts)

        state_of = catalogue.state_of
        monkeypatch.setattr(catalogue, "state_of", finish_meanwhile)
        summary = summary_of(tmp_path / "one")
    assert (summary.state, summary.finished_utc_s) == (RunState.FINISHED, T0_S)


def test_a_run_that_is_being_written_is_read_beside_its_writer(tmp_path: Path) -> None:
    with RunRecord.create(tmp_path / "one", meta(finished_utc_s=None, runner=runner())) as run:
        for slot in range(3):
            run.add_record(slot, None, record(slot))
            assert summary_of(tmp_path / "one").records_taken == slot + 1


def test_runs_are_listed_newest_first_and_other_folders_left_out(tmp_path: Path) -> None:
    for name, started_utc_s in (("b", 20.0), ("a", 30.0), ("c", 10.0)):
        stability(tmp_path / name, meta(started_utc_s=started_utc_s))
    (tmp_path / "lab").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    assert [summary.name for summary in list_runs(tmp_path)] == ["a", "b", "c"]
    assert list_runs(tmp_path / "nowhere") == []


def test_a_record_without_facts_is_listed_with_what_there_is(tmp_path: Path) -> None:
    with RunRecord.create(tmp_path / "bare", {}):
        pass
    (summary,) = list_runs(tmp_path)
    assert (summary.state, summary.records_taken, summary.records_planned) == (RunState.GONE, 0, None)
    assert (summary.commits, summary.is_dirty) == ((), None)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        pytest.param("PRAGMA user_version = 1", "record version 1, this program reads 3", id="older"),
        pytest.param("PRAGMA user_version = 99", "record version 99", id="newer"),
        pytest.param("DROP TABLE telemetry", "no such table: telemetry", id="no-telemetry"),
        pytest.param("UPDATE meta SET value = '{' WHERE key = 'seed'", "no JSON", id="torn-facts"),
        pytest.param(
            "UPDATE meta SET value = '[7]' WHERE key = 'seed'", "seed: ", id="facts-of-another-kind"
        ),
        pytest.param(
            "UPDATE meta SET value = 'Infinity' WHERE key = 'started_utc_s'", "started_utc_s: ", id="never"
        ),
        pytest.param("UPDATE session SET provenance = '[]'", "session", id="sessions-of-another-kind"),
    ],
)
def test_a_record_that_cannot_be_read_is_listed_with_the_reason(
    tmp_path: Path, statement: str, reason: str
) -> None:
    stability(tmp_path / "good", meta(started_utc_s=1.0))
    spoil(stability(tmp_path / "bad"), statement)
    bad, good = list_runs(tmp_path)
    assert (good.name, good.state) == ("good", RunState.FINISHED)
    assert (bad.name, bad.state, bad.records_taken) == ("bad", RunState.UNREADABLE, None)
    assert bad.reason is not None
    assert reason in bad.reason
    assert "\n" not in bad.reason


def test_a_file_that_is_no_database_is_listed_with_the_reason(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("junk", b"SQLite format 4\x00" * 500)):
        (tmp_path / name).mkdir()
        (tmp_path / name / LOG_NAME).write_bytes(content)
    (tmp_path / "odd" / LOG_NAME).mkdir(parents=True)
    reasons = {summary.name: summary.reason or "" for summary in list_runs(tmp_path)}
    assert "record version 0" in reasons["empty"]
    assert "not a database" in reasons["junk"]
    assert str(tmp_path / "odd" / LOG_NAME) in reasons["odd"]


def test_a_run_is_found_by_folder_by_name_and_by_how_its_name_begins(tmp_path: Path) -> None:
    for name in ("2024-a", "2024-a-2", "2025-b"):
        stability(tmp_path / name)
    assert find_run(str(tmp_path / "2025-b"), tmp_path / "nowhere") == tmp_path / "2025-b"
    assert find_run("2024-a", tmp_path) == tmp_path / "2024-a"
    assert find_run("2025", tmp_path) == tmp_path / "2025-b"
    with pytest.raises(RecordError, match=r"several .* begin so: 2024-a-2, 2024-a$"):
        find_run("2024", tmp_path)
    with pytest.raises(RecordError, match=r"there are: 2025-b, 2024-a-2, 2024-a$"):
        find_run("1999", tmp_path)
    with pytest.raises(RecordError, match="there are no runs there"):
        find_run("1999", tmp_path / "nowhere")


def test_of_many_runs_only_the_newest_are_named(tmp_path: Path) -> None:
    for number in range(13):
        stability(tmp_path / f"run-{number:02}", records=0)
    with pytest.raises(RecordError, match=r"run-12, .*run-03, and 3 older$"):
        find_run("x", tmp_path)
