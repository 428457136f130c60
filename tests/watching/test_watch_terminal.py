"""The run in a terminal: what stands there at 80 columns, plain lines without one, and how it ends."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from drivers.clock import WallClock
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Gap
from sweeps.record.state import RunState
from sweeps.watching import terminal
from sweeps.watching.terminal import follow, line_of, show_once
from sweeps.watching.watcher import RunWatcher
from tests.acceptance.benches import PROJECT
from tests.hil.synthetic_runs import in_one_commit
from tests.watching.made_up import T0_S, add_records, begin, facts, visit
from tests.watching.test_watch_runs import DEAD_PID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def shown(folder: Path, width: int = 80) -> str:
    out = io.StringIO()
    show_once(RunWatcher(folder).look(), Console(file=out, width=width, highlight=False))
    return out.getvalue()


def watch(folder: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sweeps", "watch", str(folder), *arguments]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_all_of_a_run_at_80_columns(folder: Path) -> None:
    with begin(folder, slots=86_400) as run, in_one_commit(run):
        add_records(run, range(70_000))
        run.add_gap(Gap(70_000, None, None, "bob: no answer " * 20))
        run.add_event(T0_S + 5, "telemetry not read", "bob: no answer " * 20)
        for number in range(20):
            run.add_event(T0_S + number, "lab: fault", f"line {number} " * 20)
    text = shown(folder)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert len(text.splitlines()) <= 40
    for said in (
        "stability on GDC-A to GDC-B", "VIRTUAL TIME", "running", "70,000 of 86,400 records, 1 missing", "━",
        "SKR (bps)", "QBER (%)", "Dcc visibility (%)", "Detections (1/s)", "slot 70000", "line 19", "▁",
        "ALARM telemetry not read, 1 time", "newest", "mean",
    ):  # fmt: skip
        assert said in text
    assert "line 1 " not in text, "the tail of the journal, not all of it"


@pytest.mark.parametrize("width", [40, 60, 200])
def test_other_widths_do_not_break_lines_apart(folder: Path, width: int) -> None:
    with begin(folder) as run:
        add_records(run, range(5))
    assert max(len(line) for line in shown(folder, width).splitlines()) <= width


def test_a_sweep_shows_its_points(folder: Path) -> None:
    with RunRecord.create(folder, facts("attenuation")) as run:
        visit(run, 0, 0.0, range(10))
        visit(run, 1, 5.0, range(11, 15))
    lines = [line.split() for line in shown(folder).splitlines()]
    assert ["0", "0.012", "done", "10", "of", "10", "2,390", "1.77"] in lines
    assert ["5", "5.012", "here", "4", "of", "10", "756"] in [line[:7] for line in lines]
    assert ["12", "-", "to", "come", "0", "of", "10", "-", "-"] in lines


def test_a_terminal_without_unicode_gets_plain_characters(folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(20))
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show_once(RunWatcher(folder).look(), Console(file=out, width=80, highlight=False))
    out.flush()
    assert isinstance(out.buffer, io.BytesIO)
    assert b"SKR (bps)" in out.buffer.getvalue()


def test_what_a_device_says_cannot_steer_the_terminal(folder: Path) -> None:
    with begin(folder) as run:
        run.add_event(T0_S, "telemetry not read", "\x1b[2Jbob [red]said[/red] \x07")
        run.set_meta("ended", "DeviceError: \x1b]0;owned\x07")
    text = shown(folder)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]said[/red]" in text


def test_one_line_has_all_that_matters(folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(5))
        add_records(run, [7])
    line = line_of(RunWatcher(folder).look(), T0_S)
    assert line.startswith("2024-01-01 00:00:00 UTC run: running, 6 of 60 records, 2 missing")
    assert "SKR (bps) 2,480, QBER (%) 2.17, Dcc visibility (%) 99.23, Detections (1/s) 18,245" in line
    assert "\n" not in line


def test_once_shows_the_run_and_ends(folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(5))
        done = watch(folder, "--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 of 60 records" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_run_is_found_by_the_beginning_of_its_name(folder: Path) -> None:
    begin(folder).close()
    assert watch("ru", "--once", "--runs", str(folder.parent)).returncode == 0


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [("finished_utc_s", T0_S, 0), ("ended", "LabError: the emulated lab is gone", 1)],
)
def test_it_ends_with_the_run_and_says_how_it_went(folder: Path, key: str, value: object, code: int) -> None:
    with begin(folder) as run:
        add_records(run, range(60))
        run.set_meta(key, value)
    done = watch(folder)
    assert done.returncode == code
    assert "60 of 60 records" in done.stdout


def test_no_record_is_told_without_a_traceback(tmp_path: Path) -> None:
    done = watch(tmp_path / "nonesuch")
    assert done.returncode == 2
    assert "RecordError" in done.stderr
    assert "Traceback" not in done.stderr


class Steps:
    """Does the next of some steps at each wait, instead of waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], None]) -> None:
        self.left = list(steps)
        self.waits = 0

        def sleep(_clock: WallClock, _duration_s: float) -> None:
            self.waits += 1
            if self.left:
                self.left.pop(0)()

        monkeypatch.setattr(WallClock, "sleep", sleep)


def test_lines_are_few_and_alarms_are_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with begin(folder) as run:
        steps = Steps(
            monkeypatch,
            lambda: add_records(run, range(10)),
            lambda: add_records(run, [10], skr_bps=0.0),
            *[lambda: None] * 20,
            lambda: add_records(run, range(11, 60)),
            lambda: run.set_meta("finished_utc_s", T0_S),
        )
        view = follow(RunWatcher(folder), Console(file=out, width=80, highlight=False))
    assert view.state is RunState.FINISHED
    assert steps.left == []
    lines = out.getvalue().splitlines()
    assert [line for line in lines if line.startswith("ALARM")] == [
        "ALARM the key rate is 0 in the newest record; 1 such record so far"
    ]
    assert len(lines) == 5
    assert "finished, 60 of 60 records" in lines[-1]


def test_a_runner_that_is_gone_is_watched_a_while_longer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    with begin(folder, runner={**facts()["runner"], "pid": DEAD_PID}) as run:
        nothing = [lambda: None] * 5
        steps = Steps(monkeypatch, *nothing, lambda: run.add_event(T0_S, "safe state", "by the guard"))
        view = follow(RunWatcher(folder), Console(file=out, width=80, highlight=False))
    assert view.state is RunState.GONE
    assert steps.waits == terminal._LOOKS_AFTER_GONE - 1
    assert "brought to its safe state: by the guard" in out.getvalue()


def test_a_live_picture_follows_a_run_to_its_end(folder: Path) -> None:
    leader, follower = pty.openpty()
    with begin(folder) as run:
        add_records(run, range(5))
        command = [sys.executable, "-m", "sweeps", "watch", str(folder)]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "50"}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=follower)
        os.close(follower)
        seen = b""
        while b"5 of 60 records" not in seen:
            seen += os.read(leader, 65536)
        add_records(run, range(5, 60))
        run.set_meta("finished_utc_s", T0_S)
        while True:
            try:
                seen += os.read(leader, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
        os.close(leader)
        assert process.wait(timeout=20) == 0
    assert b"60 of 60 records" in seen
    assert b"\x1b[?25h" in seen, "the cursor is given back"


def test_ctrl_c_leaves_the_run_alone(folder: Path) -> None:
    with begin(folder) as run:
        command = [sys.executable, "-m", "sweeps", "watch", str(folder)]
        process = subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert "0 of 60 records" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 130
        assert errors == "stopped watching; the run is left alone\n"
        add_records(run, [0])
        assert run.count_records() == 1
