"""The interlock: an OTDR may shine only where the operator said that no appliance is at the far end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import OperatorAbort, StationError
from drivers.facts.inventory import Station as StationFacts
from drivers.facts.lab import PatchEnd
from drivers.fibre_ends import FibreEndsAsTold
from drivers.roles import OperatorAnswer

if TYPE_CHECKING:
    from drivers.facts.lab import FibreEndUse
    from drivers.roles import OperatorTask

INVENTORY = Path(__file__).parents[2] / "inventory.yaml"
A, B = "gdc_a", "gdc_b"
USES: list[FibreEndUse] = ["qkd", "otdr", "nothing"]


@dataclass
class Person:
    """An operator who does as asked, or aborts while told to."""

    aborts: bool = False
    tasks: list[OperatorTask] = field(default_factory=list["OperatorTask"])

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        self.tasks.append(task)
        if self.aborts:
            raise OperatorAbort("no")
        return OperatorAnswer("done", "a person")


def content() -> dict[str, Any]:
    return yaml.safe_load(INVENTORY.read_text())["stations"]["paper-link"]


def facts() -> StationFacts:
    return StationFacts.model_validate(content())


def ends_of(person: Person | None) -> FibreEndsAsTold:
    return FibreEndsAsTold("here", facts(), person)


def test_nothing_is_known_at_first_so_no_otdr_may_shine() -> None:
    person = Person()
    ends = ends_of(person)
    assert ends.why_dark(A) == (
        "what the fibre's end at gdc_a is connected to is not known; connect it to the OTDR"
    )
    ends.connect(B, "nothing")
    ends.connect(A, "otdr")
    person.aborts = True
    with pytest.raises(OperatorAbort):
        ends.connect(B, "otdr")
    assert ends.why_dark(A) == (
        "what the fibre's far end, at gdc_b, is connected to is not known;"
        " have it moved to an OTDR or to nothing first"
    )
    assert ends.why_dark(B) is not None


def test_a_far_end_that_is_known_to_be_free_allows_the_light() -> None:
    ends = ends_of(Person())
    ends.connect(B, "nothing")
    ends.connect(A, "otdr")
    assert ends.why_dark(A) is None
    assert ends.why_dark(B) == (
        "the fibre's end at gdc_b is connected to nothing (capped); connect it to the OTDR"
    )


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        ("otdr", "qkd", "to the QKD appliance while the far end, at gdc_a, is connected to the OTDR; move"),
        ("qkd", "otdr", "to the OTDR while the far end, at gdc_a, is connected to the QKD appliance; move"),
    ],
)
def test_no_otdr_and_appliance_face_each_other(here: FibreEndUse, there: FibreEndUse, words: str) -> None:
    person = Person()
    ends = ends_of(person)
    ends.connect(B, "nothing")
    ends.connect(A, here)
    with pytest.raises(StationError, match=words):
        ends.connect(B, there)
    assert [task.patch for task in person.tasks] == [
        PatchEnd(site=B, to="nothing"),
        PatchEnd(site=A, to=here),
    ]
    ends.connect(A, "nothing")
    ends.connect(B, there)
    assert person.tasks[-1].patch == PatchEnd(site=B, to=there)


@pytest.mark.parametrize("to", ["qkd", "otdr"])
def test_nothing_is_connected_opposite_an_end_of_which_nobody_knows(to: FibreEndUse) -> None:
    person = Person()
    with pytest.raises(StationError, match="while the far end, at gdc_b, is connected nobody knows where"):
        ends_of(person).connect(A, to)
    assert person.tasks == []


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.sampled_from(USES), st.booleans()), max_size=12))
def test_light_is_allowed_just_when_both_ends_are_known_to_be_harmless(
    moves: list[tuple[str, FibreEndUse, bool]],
) -> None:
    """Whatever is moved in whatever order, and wherever the operator breaks off."""
    person = Person()
    ends = ends_of(person)
    known: dict[str, FibreEndUse | None] = {A: None, B: None}
    for site, to, aborts in moves:
        person.aborts = aborts
        asked = len(person.tasks)
        try:
            ends.connect(site, to)
            known[site] = to
        except OperatorAbort:
            known[site] = None
        except StationError:
            assert len(person.tasks) == asked
        for near, far in ((A, B), (B, A)):
            may_shine = known[near] == "otdr" and known[far] in {"otdr", "nothing"}
            assert (ends.why_dark(near) is None) == may_shine


def test_what_is_known_is_not_asked_for_again_and_an_abort_makes_it_unknown() -> None:
    person = Person()
    ends = ends_of(person)
    ends.connect(B, "nothing")
    for _ in range(2):
        ends.connect(A, "otdr")
    assert len(person.tasks) == 2
    person.aborts = True
    with pytest.raises(OperatorAbort):
        ends.connect(A, "nothing")
    person.aborts = False
    ends.connect(A, "otdr")
    assert len(person.tasks) == 4


def test_the_operator_is_told_what_where_and_why() -> None:
    person = Person()
    ends = ends_of(person)
    ends.connect(B, "nothing")
    ends.connect(A, "otdr")
    ends.connect(A, "qkd")
    assert [(task.do, task.why) for task in person.tasks] == [
        (
            "At STT GDC-B, connect the end of the fibre to nothing but the tail fibre of 1000 m.",
            "The light of an OTDR at the far end must not reach a QKD appliance.",
        ),
        (
            (
                "At STT GDC-A, connect the end of the fibre to the OTDR (switched on, and on the network"
                " there), through the launch fibre of 1000 m."
            ),
            "The fibre is to be measured from here.",
        ),
        (
            "At STT GDC-A, connect the end of the fibre to the QKD appliance.",
            "Key is made with both ends of the fibre connected to their appliances.",
        ),
    ]


def test_of_lead_fibres_that_there_are_not_nothing_is_said() -> None:
    station = content()
    station["gear"]["otdr_a"] |= {"launch": None, "tail": None}
    del station["gear"]["otdr_b"]
    person = Person()
    ends = FibreEndsAsTold("here", StationFacts.model_validate(station), person)
    ends.connect(B, "nothing")
    ends.connect(A, "otdr")
    ends.connect(A, "nothing")
    assert [task.do for task in person.tasks] == [
        "At STT GDC-B, connect the end of the fibre to nothing (capped).",
        "At STT GDC-A, connect the end of the fibre to the OTDR (switched on, and on the network there).",
        "At STT GDC-A, connect the end of the fibre to nothing (capped).",
    ]


def test_what_was_said_is_told_in_words() -> None:
    person = Person()
    ends = ends_of(person)
    assert ends.in_words() == "gdc_a: not known; gdc_b: not known"
    ends.connect(B, "nothing")
    ends.connect(A, "otdr")
    assert ends.in_words() == "gdc_a: to the OTDR; gdc_b: to nothing (capped)"
    person.aborts = True
    with pytest.raises(OperatorAbort):
        ends.connect(A, "qkd")
    assert ends.in_words() == "gdc_a: not known; gdc_b: to nothing (capped)"


def test_without_an_operator_nothing_is_moved_and_nothing_becomes_known() -> None:
    ends = ends_of(None)
    with pytest.raises(StationError, match="station here: this needs an operator, and there is none: At STT"):
        ends.connect(A, "nothing")
    assert ends.in_words() == "gdc_a: not known; gdc_b: not known"


def test_a_site_without_an_end_is_named() -> None:
    person = Person()
    ends = ends_of(person)
    with pytest.raises(
        StationError, match="no end of the fibre is at 'hut'; the ends are at gdc_a and gdc_b"
    ):
        ends.connect("hut", "otdr")
    with pytest.raises(StationError, match="'hut'"):
        ends.why_dark("hut")
    assert person.tasks == []


def test_ends_at_one_site_have_no_interlock_and_are_refused() -> None:
    station = content()
    station["gear"] = {
        name: one | {"site": A} for name, one in station["gear"].items() if one["role"] != "otdr"
    }
    ends = FibreEndsAsTold("here", StationFacts.model_validate(station), Person())
    with pytest.raises(StationError, match="both ends of the fibre are at gdc_a; give each its own site"):
        ends.why_dark(A)
