"""The patch panel decides what counts in the link; the lab's operator works on it through the control."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.attenuators.viavi_mvoa import MVOA_SPEC
from drivers.errors import LabError, StationError
from drivers.facts.defects import MvoaDefects
from drivers.facts.inventory import Reference
from drivers.facts.lab import ControlRequest, JournalEntry, Patch
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.roles import OperatorTask
from emulators.attenuators.viavi_mvoa import INSERTION_LOSS_DB, EmulatedMvoa
from emulators.lab.clock import LabClock
from emulators.plant.link import Link
from emulators.plant.patch_panel import PatchPanel, PatchRefused
from tests.lab.lab_thread import LabThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

T0_S = 1000.0


class Plant:
    """A link, a panel and what the panel notes, at a time that the test sets."""

    def __init__(
        self,
        kind: Literal["referenced_out", "attenuator_removed"],
        insertion_loss_db: float = 1.5,
        extra_loss_db: float = 0.0,
    ) -> None:
        self.now_s = T0_S
        self.notes: list[tuple[str, str]] = []
        self.link = Link(lambda: self.now_s, 1550.0, extra_loss_db)
        self.panel = PatchPanel(
            self.link, Reference(kind=kind), lambda kind, text: self.notes.append((kind, text))
        )
        self.panel.mount("voa", insertion_loss_db)

    def patch(self, *, in_line: bool) -> float:
        """Patch the attenuator and return the loss of the link then."""
        self.panel.patch(Patch(gear="voa", in_line=in_line))
        return self.link.added_db()


def test_without_a_share_in_the_reference_a_device_in_line_adds_its_insertion_loss() -> None:
    plant = Plant("attenuator_removed")
    assert plant.link.added_db() == 1.5
    plant.link.set_inline_db("voa", 3.5)
    assert plant.link.added_db() == 5.0
    assert plant.patch(in_line=False) == 0.0
    assert plant.patch(in_line=True) == 5.0


def test_with_its_share_in_the_reference_taking_it_out_leaves_less_than_the_reference() -> None:
    plant = Plant("referenced_out")
    plant.link.set_inline_db("voa", 3.5)
    assert plant.link.added_db() == 3.5
    assert plant.patch(in_line=False) == -1.5
    assert plant.patch(in_line=True) == 3.5


def test_a_device_that_is_out_may_do_what_it_likes() -> None:
    plant = Plant("attenuator_removed")
    assert plant.patch(in_line=False) == 0.0
    for loss_db in (math.inf, 20.0):
        plant.link.set_inline_db("voa", loss_db)
        assert plant.link.added_db() == 0.0
    assert plant.patch(in_line=True) == 21.5


@settings(deadline=None)
@given(
    setting_db=st.floats(0, 70), insertion_loss_db=st.floats(0, 10), extra_loss_db=st.sampled_from([0.0, 0.1])
)
def test_referenced_out_is_to_the_last_bit_what_a_link_without_a_panel_has(
    setting_db: float, insertion_loss_db: float, extra_loss_db: float
) -> None:
    plant = Plant("referenced_out", insertion_loss_db, extra_loss_db)
    bare = Link(lambda: T0_S, 1550.0, extra_loss_db)
    for link in (plant.link, bare):
        link.set_inline_db("voa", setting_db)
    assert plant.link.added_db() == bare.added_db()
    plant.patch(in_line=False)
    assert plant.patch(in_line=True) == bare.added_db()


def test_what_is_set_again_to_what_it_is_splits_no_window() -> None:
    plant = Plant("attenuator_removed")
    plant.link.set_inline_db("voa", 3.5)
    for again_s in (0.2, 0.5):
        plant.now_s = T0_S + again_s
        plant.link.set_inline_db("voa", 3.5)
        plant.patch(in_line=True)
    plant.now_s = T0_S + 1.0
    assert [(part.duration_s, part.added_db) for part in plant.link.segments(T0_S, T0_S + 1.0)] == [
        (1.0, 5.0)
    ]
    plant.patch(in_line=False)
    plant.now_s = T0_S + 1.5
    parts = plant.link.segments(T0_S + 0.5, T0_S + 1.5)
    assert [(part.duration_s, part.added_db) for part in parts] == [(0.5, 5.0), (0.5, 0.0)]


def test_every_patch_is_noted_and_an_unknown_device_is_refused_with_the_known_ones() -> None:
    plant = Plant("attenuator_removed")
    plant.patch(in_line=False)
    with pytest.raises(PatchRefused, match="'bob' is not at the patch panel; there: voa"):
        plant.panel.patch(Patch(gear="bob", in_line=False))
    plant.patch(in_line=True)
    assert plant.notes == [
        ("patched", "voa: taken out, the fibre joined without it"),
        ("patched", "voa: in line"),
    ]
    empty = PatchPanel(plant.link, Reference(kind="referenced_out"), lambda _kind, _text: None)
    with pytest.raises(PatchRefused, match="there: nothing"):
        empty.patch(Patch(gear="voa", in_line=True))


def test_an_emulated_mvoa_is_dark_until_it_is_opened_or_taken_out() -> None:
    plant = Plant("attenuator_removed")
    clock = LabClock("virtual", T0_S)
    device = EmulatedMvoa("voa", plant.link, clock, MvoaDefects())
    assert plant.link.added_db() == math.inf
    assert plant.patch(in_line=False) == 0.0
    device.handle(":OUTP:BBL 1,0")
    assert plant.link.added_db() == 0.0
    assert plant.patch(in_line=True) == 1.5


def test_driver_and_emulator_know_the_same_insertion_loss_of_an_mvoa() -> None:
    assert MVOA_SPEC.insertion_loss_db == INSERTION_LOSS_DB


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


@pytest.fixture
def control(lab: LabThread) -> Iterator[LabControl]:
    connection = LabControl(lab.address)
    yield connection
    connection.close()


def task(gear: str, *, in_line: bool) -> OperatorTask:
    return OperatorTask("Patch it.", "So.", Patch(gear=gear, in_line=in_line))


def test_the_labs_operator_patches_and_the_journal_tells(lab: LabThread, control: LabControl) -> None:
    operator = LabOperator(control)
    answer = operator.carry_out(task("voa", in_line=False))
    assert (answer.text, answer.answered_by) == ("done", "emulated lab")
    assert lab.link.added_db() == 0.0
    operator.carry_out(task("voa", in_line=True))
    assert lab.link.added_db() == 1.5
    told = [entry.text for entry in LabFaults(control).journal()]
    assert told == ["voa: taken out, the fibre joined without it", "voa: in line"]
    assert LabFaults(control).journal()[0] == JournalEntry(t_s=1000.0, kind="patched", text=told[0])


@pytest.mark.parametrize("gear", ["bob", "nobody"])
def test_the_lab_refuses_to_patch_what_is_not_at_the_panel(control: LabControl, gear: str) -> None:
    with pytest.raises(LabError, match=f"refused patch: '{gear}' is not at the patch panel; there: voa"):
        LabOperator(control).carry_out(task(gear, in_line=False))
    assert LabFaults(control).journal() == []


def test_a_task_that_only_a_person_can_do_is_an_error_on_a_lab(control: LabControl) -> None:
    with pytest.raises(StationError, match=r"nobody who could do this, only a patch panel: Clean it\."):
        LabOperator(control).carry_out(OperatorTask("Clean it.", "It is dirty."))


def test_a_patch_request_without_a_patch_is_refused(control: LabControl) -> None:
    with pytest.raises(LabError, match="patch needs a patch"):
        control.ask(ControlRequest(do="patch"))
