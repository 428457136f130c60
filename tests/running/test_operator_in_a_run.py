"""What an operator is asked and answers in a run stands in its journal, also when they refuse."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from drivers.errors import OperatorAbort
from drivers.lab_control.operator import LabOperator
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.run import run_procedure
from tests.running.broken_runs import bench, edit_plan, smoke, texts

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.roles import OperatorAnswer, OperatorTask
    from sweeps.choice import Choice

REMOVED = {"reference": {"kind": "attenuator_removed"}}
SWEEP = {"added_db": [0, 5, 0], "records_per_point": 2, "settle_s": 1}


class Watched(Silent):
    """Notes when the terminal is left to somebody else."""

    def __init__(self) -> None:
        self.pauses = 0

    @contextmanager
    def paused(self) -> Generator[None]:
        self.pauses += 1
        yield


def choice_of(tmp_path: Path) -> Choice:
    inventory = bench(tmp_path / "bench", REMOVED)
    edit_plan(inventory, "attenuation", SWEEP)
    return smoke(inventory)


def test_the_journal_has_every_task_with_its_answer(tmp_path: Path) -> None:
    progress = Watched()
    run_procedure(choice_of(tmp_path), PROCEDURES["attenuation"], tmp_path / "run", progress)
    asked = texts(tmp_path / "run", "operator asked")
    assert [task.split(" ", 1)[0] for task in asked] == ["Take", "Put", "Take"]
    assert asked[0].endswith("(0 dB added means here that the attenuator is removed.)")
    assert texts(tmp_path / "run", "operator") == ["done (by emulated lab)"] * 3
    assert progress.pauses == 3
    assert [text for text in texts(tmp_path / "run", "lab: patched") if "taken out" in text]
    with RunRecord.open(tmp_path / "run") as run:
        assert [(point.added_db, point.setting_db) for point in run.points()] == [(0, 0), (5, 3.5), (0, 0)]


def test_an_operator_who_aborts_ends_the_run_and_the_journal_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = LabOperator.carry_out

    def refuse_to_put_it_in(operator: LabOperator, task: OperatorTask) -> OperatorAnswer:
        if task.do.startswith("Put"):
            raise OperatorAbort("the operator said abort")
        return carry_out(operator, task)

    monkeypatch.setattr(LabOperator, "carry_out", refuse_to_put_it_in)
    with pytest.raises(OperatorAbort):
        run_procedure(choice_of(tmp_path), PROCEDURES["attenuation"], tmp_path / "run", Silent())
    assert texts(tmp_path / "run", "operator")[-1] == "not done: OperatorAbort: the operator said abort"
    assert texts(tmp_path / "run", "safe state") == ["reference"]
    with RunRecord.open(tmp_path / "run") as run:
        assert len(run.slots()) == 2
        assert run.meta()["ended"] == "OperatorAbort: the operator said abort"
