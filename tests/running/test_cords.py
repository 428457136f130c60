"""Where the cords of a run are: known by what the operator was asked and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.clock import WallClock
from drivers.errors import OperatorAbort
from drivers.facts.lab import Patch, PatchEnd, PatchPort
from drivers.roles import OperatorAnswer, OperatorTask
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.cords import cords_in_words
from sweeps.running.journalled_operator import JournalledOperator
from tests.running.broken_runs import bench, smoke

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.inventory import Station as StationFacts

AWAY = PatchPort(gear="voa", port="input", to="source")
REMOVED = {"reference.kind": "attenuator_removed"}


class Person:
    """Does what is asked, but for one thing."""

    def __init__(self, refuses: object = None) -> None:
        self._refuses = refuses

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        if task.patch == self._refuses:
            raise OperatorAbort("no")
        return OperatorAnswer("done", "a person")


def told(folder: Path, station: StationFacts, *patches: Patch | PatchEnd | PatchPort) -> str | None:
    """Have a person, who refuses the last act, make all of `patches`; return where the cords are then."""
    with RunRecord.create(folder / "run", {}) as run:
        operator = JournalledOperator(Person(refuses=patches[-1]), WallClock(), run, Silent())
        for patch in patches[:-1]:
            operator.carry_out(OperatorTask("do", "why", patch))
        with pytest.raises(OperatorAbort):
            operator.carry_out(OperatorTask("do", "why", patches[-1]))
        return cords_in_words(run.meta(), station)


@pytest.mark.parametrize(
    ("patches", "words"),
    [
        ([Patch(gear="voa", in_line=True)], None),
        ([PatchEnd(site="gdc_a", to="qkd"), Patch(gear="voa", in_line=False)], None),
        (
            [PatchEnd(site="gdc_b", to="nothing"), PatchEnd(site="gdc_a", to="otdr")],
            "the fibre's end at gdc_b is connected to nothing, the fibre's end at gdc_a is on its way",
        ),
        (
            [PatchPort(gear="voa", port="output", to="nothing"), AWAY, Patch(gear="voa", in_line=True)],
            "the output of voa is connected to nothing, the input of voa is connected to the light source",
        ),
        (
            [
                AWAY,
                PatchPort(gear="voa", port="input", to="link"),
                PatchPort(gear="voa", port="output", to="link"),
            ],
            "the output of voa is on its way",
        ),
    ],
)
def test_what_is_away_is_told(
    tmp_path: Path, patches: list[Patch | PatchEnd | PatchPort], words: str | None
) -> None:
    whole = None if words is None else f"by what the operator did, {words}: the link is dark"
    assert told(tmp_path, smoke(bench(tmp_path)).station, *patches) == whole


def test_one_that_is_taken_out_darkens_no_link(tmp_path: Path) -> None:
    station = smoke(bench(tmp_path, REMOVED)).station
    words = "by what the operator did, the input of voa is connected to the light source"
    assert told(tmp_path, station, AWAY, Patch(gear="voa", in_line=True)) == words


def test_a_run_that_asked_nobody_moved_none(tmp_path: Path) -> None:
    assert cords_in_words({}, smoke(bench(tmp_path)).station) is None
