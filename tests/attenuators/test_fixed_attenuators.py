"""A set of fixed attenuators: which are put together, who is asked, what is remembered, what is known."""

from __future__ import annotations

import pytest

from drivers.attenuators.combinations import pieces_for, uncertainty_db, values_db
from drivers.attenuators.fixed_attenuators import FixedAttenuators
from drivers.errors import LimitError, NotHomed, OperatorAbort, StationError
from drivers.facts.gear import FixedAttenuator, MeasuredLoss
from drivers.facts.lab import Patch
from emulators.attenuators.fixed_attenuators import true_losses_db
from emulators.lab.streams import Streams
from emulators.plant.link import Link
from tests.attenuators.rigs import PAPERS_SET, PanelOperator, fixed_gear, panel_for

PAPERS = fixed_gear().pieces
MEASURED = MeasuredLoss(loss_db=5.13, uncertainty_db=0.02, source="power meter, last week")


def pieces_of(*nominal_db: float, tolerance_db: float = 0.2) -> dict[str, FixedAttenuator]:
    return {
        f"p{number}": FixedAttenuator(nominal_db=db, tolerance_db=tolerance_db)
        for number, db in enumerate(nominal_db)
    }


class Bench:
    """The set, the panel it is patched at, and the operator who is asked."""

    def __init__(self) -> None:
        gear = fixed_gear()
        self.link = Link(lambda: 0.0, 1550.0)
        self.operator = PanelOperator(panel_for(gear, self.link))
        self.voa = FixedAttenuators("voa", "STT GDC-B", gear, self.operator)

    def asked_for(self, attenuation_db: float) -> list[str]:
        """Set and return what the operator was asked for meanwhile, as piece and + or -."""
        self.operator.tasks.clear()
        self.voa.set_attenuation_db(attenuation_db)
        return self.asked()

    def asked(self) -> list[str]:
        patches = [task.patch for task in self.operator.tasks]
        return [
            f"{'+' if patch.in_line else '-'}{patch.gear}" for patch in patches if isinstance(patch, Patch)
        ]


@pytest.fixture
def bench() -> Bench:
    return Bench()


# --- which ones


def test_the_papers_set_makes_the_papers_points_and_says_what_else_it_makes() -> None:
    assert values_db(PAPERS) == (0, 3, 5, 7, 8, 10, 12, 15)


@pytest.mark.parametrize(
    ("wanted_db", "names", "known_within_db"),
    [
        (0, (), 0.0),
        (3, ("a3",), 0.2),
        (5, ("a5",), 0.2),
        (7, ("a7",), 0.2),
        (8, ("a3", "a5"), 0.4),
        (10, ("a3", "a7"), 0.4),
        (12, ("a5", "a7"), 0.4),
        (15, ("a3", "a5", "a7"), 0.6),
    ],
)
def test_uncertainties_of_table_3(wanted_db: float, names: tuple[str, ...], known_within_db: float) -> None:
    assert pieces_for(PAPERS, wanted_db, "voa") == names
    assert uncertainty_db(PAPERS, names) == known_within_db


def test_the_fewest_are_taken_and_of_equals_the_first_listed() -> None:
    assert pieces_for(pieces_of(3, 5, 8), 8, "voa") == ("p2",)
    assert pieces_for(pieces_of(3, 3, 5, 1), 6, "voa") == ("p0", "p1")
    assert pieces_for(pieces_of(1, 2, 2), 3, "voa") == ("p0", "p1")


def test_decimals_that_no_binary_number_has_add_up() -> None:
    assert pieces_for(pieces_of(0.1, 0.2), 0.3, "voa") == ("p0", "p1")


@pytest.mark.parametrize("wanted_db", [4, 16, -3, float("nan")])
def test_what_cannot_be_made_is_refused_with_what_can_and_nobody_is_asked(
    bench: Bench, wanted_db: float
) -> None:
    with pytest.raises(LimitError, match=r"^voa: .* possible: 0, 3, 5, 7, 8, 10, 12, 15 dB$"):
        bench.voa.set_attenuation_db(wanted_db)
    assert bench.operator.tasks == []


# --- who is asked


def test_before_anybody_has_said_anything_nothing_is_known(bench: Bench) -> None:
    for reading in (bench.voa.attenuation_db, bench.voa.uncertainty_db):
        with pytest.raises(NotHomed, match="nobody has said whether a3, a5, a7 is in line"):
            reading()
    assert bench.operator.tasks == []


def test_at_first_each_is_asked_for_and_then_only_what_changes_those_to_take_out_first(bench: Bench) -> None:
    assert bench.asked_for(0) == ["-a3", "-a5", "-a7"]
    assert bench.asked_for(0) == []
    assert bench.asked_for(3) == ["+a3"]
    assert bench.asked_for(8) == ["+a5"]
    assert bench.asked_for(10) == ["-a5", "+a7"]
    assert bench.asked_for(5) == ["-a3", "-a7", "+a5"]


def test_the_tasks_name_the_attenuator_its_value_and_its_place(bench: Bench) -> None:
    bench.voa.set_attenuation_db(3)
    said = {task.do: task.why for task in bench.operator.tasks}
    put_in = "Put the fixed attenuator a3 (3 dB, STT GDC-B) in line with the fibre."
    assert said[put_in] == "3 dB are to be added: a3 in line."
    assert "See that the fixed attenuator a5 (5 dB, STT GDC-B) is not in line with the fibre." in said
    bench.voa.set_attenuation_db(0)
    last = bench.operator.tasks[-1]
    assert last.do.startswith("Take the fixed attenuator a3 (3 dB, STT GDC-B) out of the fibre")
    assert last.why == "0 dB are to be added: none of the set in line."


def test_what_the_operator_broke_off_is_not_known_and_only_that_is_asked_for_again(bench: Bench) -> None:
    bench.voa.set_attenuation_db(0)
    bench.operator.refused = "Put the fixed attenuator a5"
    with pytest.raises(OperatorAbort):
        bench.voa.set_attenuation_db(8)
    with pytest.raises(NotHomed, match="whether a5 is in line"):
        bench.voa.attenuation_db()
    bench.operator.refused = None
    assert bench.asked_for(8) == ["+a5"]
    assert bench.voa.attenuation_db() == 8


def test_without_an_operator_nothing_is_set_and_nothing_taken_for_done() -> None:
    voa = FixedAttenuators("voa", "here", fixed_gear(), operator=None)
    with pytest.raises(StationError, match="voa: this needs an operator, and there is none: See that"):
        voa.set_attenuation_db(0)
    with pytest.raises(NotHomed):
        voa.attenuation_db()


def test_it_says_what_the_inventory_says_of_it(bench: Bench) -> None:
    assert bench.voa.identity().model == "fixed attenuators: a3 3 dB, a5 5 dB, a7 7 dB"


# --- what is known


def test_a_measured_one_is_picked_by_what_is_written_on_it_and_counts_as_measured() -> None:
    gear = fixed_gear(
        pieces=PAPERS_SET["pieces"] | {"a5": {**PAPERS_SET["pieces"]["a5"], "measured": MEASURED}}
    )
    link = Link(lambda: 0.0, 1550.0)
    voa = FixedAttenuators("voa", "here", gear, PanelOperator(panel_for(gear, link)))
    voa.set_attenuation_db(8)
    assert (voa.attenuation_db(), voa.uncertainty_db()) == (8.13, 0.22)
    assert abs(link.added_db() - 8.13) <= 0.22
    voa.set_attenuation_db(5)
    assert (voa.attenuation_db(), voa.uncertainty_db()) == (5.13, 0.02)
    assert abs(link.added_db() - 5.13) <= 0.02


def test_true_losses_are_the_seeds_within_tolerance_and_spread_over_it() -> None:
    gear = fixed_gear()
    drawn = [true_losses_db("voa", gear, Streams(seed)) for seed in range(200)]
    assert drawn[7] == true_losses_db("voa", gear, Streams(7))
    off_db = [losses[f"a{db}"] - db for losses in drawn for db in (3, 5, 7)]
    assert all(abs(off) <= 0.2 for off in off_db)
    assert min(off_db) < -0.18
    assert max(off_db) > 0.18
    assert len(set(off_db)) == len(off_db)


def test_one_more_in_the_set_changes_none_of_the_others() -> None:
    more = PAPERS_SET["pieces"] | {"a1": {"nominal_db": 1, "tolerance_db": 0.2}}
    before = true_losses_db("voa", fixed_gear(), Streams(3))
    after = true_losses_db("voa", fixed_gear(pieces=more), Streams(3))
    assert before == {name: after[name] for name in before}


def test_a_tolerance_beyond_the_value_never_makes_light() -> None:
    gear = fixed_gear(pieces={"a": {"nominal_db": 0.1, "tolerance_db": 0.5}})
    losses_db = [true_losses_db("voa", gear, Streams(seed))["a"] for seed in range(50)]
    assert min(losses_db) == 0.0
