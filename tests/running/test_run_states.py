"""How a run is seen to stand, after every fact that a session writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sweeps.record.facts import read_facts
from sweeps.record.run_record import RunRecord
from sweeps.record.state import RunState, state_of
from sweeps.running.run import ResumeRefused
from tests.running.broken_runs import CtrlC, bench, make, resume
from tests.watching.test_watch_runs import DEAD_PID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[RunState]:
    """Return the states of all runs from now on, one after each fact that is written."""
    states: list[RunState] = []

    def looked_at(write: Callable[..., Any]) -> Callable[..., Any]:
        def write_and_look(run: RunRecord, *arguments: object) -> None:
            states.append(state_of(read_facts(run)))
            write(run, *arguments)
            states.append(state_of(read_facts(run)))

        return write_and_look

    for name in ("set_meta", "forget_meta"):
        monkeypatch.setattr(RunRecord, name, looked_at(getattr(RunRecord, name)))
    return states


def test_nobody_sees_a_process_gone_while_one_works_on_the_run(tmp_path: Path, seen: list[RunState]) -> None:
    inventory, folder = bench(tmp_path, records=6), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        make(inventory, folder, "stability", CtrlC(3))
    assert list(dict.fromkeys(seen)) == [RunState.RUNNING, RunState.BROKEN_OFF]
    with RunRecord.open(folder) as run:
        run.set_meta("runner", {**run.meta()["runner"], "pid": DEAD_PID})
    seen.clear()
    resume(inventory, folder, "stability")
    assert list(dict.fromkeys(seen)) == [RunState.BROKEN_OFF, RunState.RUNNING, RunState.FINISHED]


def test_nor_when_the_run_is_refused(tmp_path: Path, seen: list[RunState]) -> None:
    inventory, folder = bench(tmp_path, records=6), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        make(inventory, folder, "stability", CtrlC(3))
    with RunRecord.open(folder) as run:
        meta = run.meta()
        run.set_meta("runner", {**meta["runner"], "pid": DEAD_PID})
        run.set_meta("attenuator", {**meta["attenuator"], "serial": "another one"})
    seen.clear()
    with pytest.raises(ResumeRefused):
        resume(inventory, folder, "stability")
    assert list(dict.fromkeys(seen)) == [RunState.BROKEN_OFF, RunState.RUNNING]
