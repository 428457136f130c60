"""A run that takes no telemetry, watched: how far it is, when it is through, and no empty panels."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from sweeps.record.measured_rows import add_reading
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import PowerReading
from sweeps.record.state import RunState
from sweeps.watching.terminal import line_of, show_once
from sweeps.watching.watcher import RunWatcher
from sweeps.watching.web import ViewSource
from tests.record.written_traces import add_trace
from tests.watching.made_up import T0_S, facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def begin_measuring(folder: Path, procedure: str = "fibre", **changes: object) -> RunRecord:
    """Begin a run that takes four of something and has no schedule."""
    run = RunRecord.create(folder, facts(procedure, records_planned=4, **changes))
    run.add_session({})
    run.add_event(T0_S, "start", f"{procedure} on paper-link")
    return run


def shown(watcher: RunWatcher) -> str:
    out = io.StringIO()
    show_once(watcher.look(), Console(file=out, width=80, highlight=False))
    return out.getvalue()


def add_power(run: RunRecord, step: int) -> None:
    add_reading(run, PowerReading(step // 2, step % 2, 3.0, 3.0, -13.0, 1550.0, T0_S + step))


@pytest.mark.parametrize(
    ("procedure", "add", "word"),
    [("fibre", add_trace, "acquisitions"), ("calibration", add_power, "readings")],
)
def test_what_is_taken_is_counted_and_named(
    tmp_path: Path, procedure: str, add: Callable[[RunRecord, int], None], word: str
) -> None:
    with begin_measuring(tmp_path / "run", procedure) as run:
        watcher = RunWatcher(tmp_path / "run")
        assert watcher.look().state is RunState.RUNNING
        for step in range(4):
            assert f"{step} of 4 {word}" in shown(watcher)
            add(run, step)
        assert f"4 of 4 {word}" in shown(watcher)
        assert (watcher.look().taken, watcher.look().alarms) == (4, ())
        # Who comes late sees the same.
        assert shown(RunWatcher(tmp_path / "run")) == shown(watcher)


def test_no_panel_of_telemetry_is_shown_where_there_is_none(tmp_path: Path) -> None:
    with begin_measuring(tmp_path / "run") as run:
        add_trace(run, 0)
        text = shown(RunWatcher(tmp_path / "run"))
    assert "QBER" not in text
    assert "SKR" not in text
    assert "fibre on GDC-A to GDC-B" in text
    assert "start: fibre on paper-link" in text


def test_the_end_is_told_from_the_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with begin_measuring(tmp_path / "run") as run:
        began_s = run.read_rows("SELECT started_utc_s FROM session")[0][0]
        for step in range(2):
            monkeypatch.setattr(
                "sweeps.record.measured_rows.utc_now_s", lambda now=began_s + 30.0 * (step + 1): now
            )
            add_trace(run, step)
        view = RunWatcher(tmp_path / "run").look()
    assert view.pace is not None
    assert view.pace.ends_utc_s == pytest.approx(began_s + 120.0)
    assert "2 of 4 acquisitions, 0.0333 acquisitions/s, done in 0:01:00" in line_of(view, began_s + 60.0)


def test_before_the_bench_is_open_it_waits_to_start(tmp_path: Path) -> None:
    with begin_measuring(tmp_path / "run", clock=None):
        assert RunWatcher(tmp_path / "run").look().state is RunState.WAITING


def test_a_run_that_broke_off_says_so_beside_its_count(tmp_path: Path) -> None:
    with begin_measuring(tmp_path / "run") as run:
        add_trace(run, 0)
        run.set_meta("ended", "AcquisitionBroken: otdr_a: it ended after 5 s of 10 s")
        text = shown(RunWatcher(tmp_path / "run"))
    assert "broken off" in text
    assert "1 of 4 acquisitions" in text


def test_the_page_is_told_what_is_counted(tmp_path: Path) -> None:
    with begin_measuring(tmp_path / "run") as run:
        add_trace(run, 0)
        view = json.loads(ViewSource(RunWatcher(tmp_path / "run")).newest()[1])["view"]
    assert (view["facts"]["counted"], view["taken"], view["planned"]) == ("acquisitions", 1, 4)
