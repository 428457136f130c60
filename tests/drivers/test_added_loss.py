"""What 0 dB means: the attenuator's setting and its place in the fibre, by the station's reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.added_loss import loss_rule
from drivers.clock import WallClock
from drivers.errors import DeviceError, LimitError, OperatorAbort, StationError
from drivers.facts.inventory import Station as StationFacts
from drivers.facts.lab import Patch
from drivers.roles import Attenuator, AttenuatorSpec, Identity, OperatorAnswer
from drivers.station import Station

if TYPE_CHECKING:
    from drivers.roles import Operator, OperatorTask

INVENTORY = Path(__file__).parents[2] / "inventory.yaml"
SHIPPED_STATION: dict[str, Any] = yaml.safe_load(INVENTORY.read_text())["stations"]["paper-link"]
SPEC = AttenuatorSpec(0.0, 70.0, 0.001, 0.001, 1.5, 1260.0, 1650.0)
REMOVED = {"kind": "attenuator_removed"}
OUT, IN = Patch(gear="voa", in_line=False), Patch(gear="voa", in_line=True)


@dataclass
class Attenuation:
    """An attenuator that writes what it is told into a list that others write into, too."""

    happened: list[object]
    setting_db: float = 33.0
    refuses: bool = False
    spec: AttenuatorSpec = SPEC

    def identity(self) -> Identity:
        return Identity("maker", "model", "1", "1")

    def attenuation_db(self) -> float:
        return self.setting_db

    def uncertainty_db(self) -> float:
        return 0.05

    def set_attenuation_db(self, attenuation_db: float) -> None:
        if self.refuses:
            raise DeviceError("voa", "ATT", -200, "Execution error")
        self.happened.append(attenuation_db)
        self.setting_db = attenuation_db

    def shutter_open(self) -> bool:
        return True

    def set_shutter_open(self, is_open: bool) -> None:
        self.happened.append(is_open)

    def wavelength_nm(self) -> float:
        return 1550.0

    def set_wavelength_nm(self, wavelength_nm: float) -> None:
        raise AssertionError(wavelength_nm)

    def close(self) -> None:
        self.happened.append("closed")


@dataclass
class Person:
    """An operator who does as asked, or aborts so many times first."""

    happened: list[object]
    aborts: int = 0
    tasks: list[OperatorTask] = field(default_factory=list["OperatorTask"])

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        self.tasks.append(task)
        if self.aborts:
            self.aborts -= 1
            raise OperatorAbort("no")
        self.happened.append(task.patch)
        return OperatorAnswer("done", "a person")


def facts(**changes: Any) -> StationFacts:  # noqa: ANN401 - any part of the inventory's station
    return StationFacts.model_validate(SHIPPED_STATION | changes)


def with_measured(insertion_loss_db: float, **changes: Any) -> StationFacts:  # noqa: ANN401 - as above
    measured = {"loss_db": insertion_loss_db, "source": "power meter, last week"}
    gear = SHIPPED_STATION["gear"]
    return facts(gear=gear | {"voa": gear["voa"] | {"insertion_loss": measured}}, **changes)


class Bench:
    """A station with one attenuator, perhaps an operator, and what happened to both in order."""

    def __init__(self, station: StationFacts, *, aborts: int = 0, has_operator: bool = True) -> None:
        self.happened: list[object] = []
        self.attenuator = Attenuation(self.happened)
        self.person = Person(self.happened, aborts)
        operator: Operator | None = self.person if has_operator else None
        self.station = Station("here", station, {"voa": self.attenuator}, WallClock(), None, operator)


def test_the_plain_model_is_an_attenuator() -> None:
    assert isinstance(Attenuation([]), Attenuator)


def test_referenced_out_sets_what_is_added_and_asks_nobody() -> None:
    bench = Bench(facts(), has_operator=False)
    for added_db in (0.0, 0.7, 5.0):
        loss = bench.station.set_added_db(added_db)
        assert (loss.added_db, loss.setting_db, loss.readback_db) == (added_db, added_db, added_db)
    assert bench.happened == [0.0, 0.7, 5.0]


def test_removed_0_db_has_it_taken_out_and_more_has_it_put_in() -> None:
    bench = Bench(facts(reference=REMOVED))
    losses = [bench.station.set_added_db(added_db) for added_db in (0.0, 5.0, 1.5, 0.0)]
    assert bench.happened == [OUT, 0.0, IN, 3.5, 0.0, OUT, 0.0]
    assert [(loss.added_db, loss.setting_db, loss.readback_db) for loss in losses] == [
        (0.0, 0.0, 0.0),
        (5.0, 3.5, 3.5),
        (1.5, 0.0, 0.0),
        (0.0, 0.0, 0.0),
    ]


def test_the_operator_is_told_what_where_and_why() -> None:
    bench = Bench(facts(reference=REMOVED))
    for added_db in (0.0, 5.0):
        bench.station.set_added_db(added_db)
    out, put_in = bench.person.tasks
    assert out.do == "Take the attenuator voa (STT GDC-B) out of the fibre and join the fibre without it."
    assert out.why == "0 dB added means here that the attenuator is removed."
    assert put_in.do == "Put the attenuator voa (STT GDC-B) in line with the fibre."
    assert put_in.why == "5 dB added are 1.5 dB of insertion loss and its setting."


def test_a_measured_insertion_loss_goes_before_the_makers() -> None:
    bench = Bench(with_measured(1.25, reference=REMOVED))
    assert bench.station.set_added_db(5.0).setting_db == 3.75
    assert bench.station.set_added_db(1.25).setting_db == 0.0
    assert Bench(with_measured(1.25)).station.set_added_db(5.0).setting_db == 5.0


@pytest.mark.parametrize("added_db", [0.001, 1.0, 1.4999])
def test_less_than_the_insertion_loss_is_refused_before_anything_is_sent_or_asked(added_db: float) -> None:
    bench = Bench(facts(reference=REMOVED))
    with pytest.raises(LimitError, match=r"less than its insertion loss; possible: 0 \(taken out\), or 1\.5"):
        bench.station.set_added_db(added_db)
    assert (bench.happened, bench.person.tasks) == ([], [])


@pytest.mark.parametrize("added_db", [-0.1, 15.001, float("inf"), float("nan")])
def test_the_stations_limits_hold_before_anything_is_sent_or_asked(added_db: float) -> None:
    bench = Bench(facts(reference=REMOVED))
    with pytest.raises(LimitError, match="0 to 15"):
        bench.station.set_added_db(added_db)
    assert (bench.happened, bench.person.tasks) == ([], [])


@pytest.mark.parametrize("added_db", [0.0, 5.0])
def test_without_an_operator_it_is_an_error_and_nothing_is_sent(added_db: float) -> None:
    bench = Bench(facts(reference=REMOVED), has_operator=False)
    with pytest.raises(StationError, match="station here: this needs an operator, and there is none: "):
        bench.station.set_added_db(added_db)
    assert bench.happened == []


def test_after_an_abort_the_place_is_unknown_and_asked_for_again() -> None:
    bench = Bench(facts(reference=REMOVED))
    bench.station.set_added_db(5.0)
    bench.person.aborts = 1
    with pytest.raises(OperatorAbort):
        bench.station.set_added_db(0.0)
    bench.station.set_added_db(5.0)
    assert bench.happened == [IN, 3.5, IN, 3.5]
    assert [task.patch for task in bench.person.tasks] == [IN, OUT, IN]


def test_a_device_that_refuses_does_not_undo_what_the_operator_did() -> None:
    bench = Bench(facts(reference=REMOVED))
    bench.attenuator.refuses = True
    with pytest.raises(DeviceError):
        bench.station.set_added_db(5.0)
    bench.attenuator.refuses = False
    bench.station.set_added_db(5.0)
    assert bench.happened == [IN, 3.5]


@pytest.mark.parametrize("has_operator", [True, False])
@pytest.mark.parametrize(
    ("reference", "safe", "setting_db"),
    [
        (REMOVED, "reference", 0.0),
        (REMOVED, "maximum", 13.5),
        ({"kind": "referenced_out"}, "reference", 0.0),
        ({"kind": "referenced_out"}, "maximum", 15.0),
    ],
)
def test_the_way_to_safety_asks_nobody(
    reference: dict[str, str], safe: str, setting_db: float, *, has_operator: bool
) -> None:
    bench = Bench(facts(reference=reference, safe_state={"attenuator": safe}), has_operator=has_operator)
    bench.station.make_safe()
    assert bench.happened == [setting_db, True]
    assert bench.person.tasks == []


@pytest.mark.parametrize(
    ("maximum_db", "changes", "problem"),
    [
        (70.0, {}, None),
        (70.5, {}, "limits.added_db_max is 70.5 dB; its attenuator reaches 70.0 dB"),
        (71.5, {"reference": REMOVED}, None),
        (71.6, {"reference": REMOVED}, "limits.added_db_max is 71.6 dB; its attenuator reaches 71.5 dB"),
        (1.0, {"reference": REMOVED}, None),
        (1.5, {"reference": REMOVED, "safe_state": {"attenuator": "maximum"}}, None),
        (
            1.0,
            {"reference": REMOVED, "safe_state": {"attenuator": "maximum"}},
            "limits.added_db_max is 1.0 dB and the safe state; its attenuator adds 1.5 dB and more",
        ),
        (1.0, {"safe_state": {"attenuator": "maximum"}}, None),
    ],
)
def test_limits_beyond_the_attenuator_are_known_before_it_is_used(
    maximum_db: float, changes: dict[str, Any], problem: str | None
) -> None:
    bench = Bench(facts(limits={"added_db_max": maximum_db}, **changes))
    assert bench.station.limit_problem() == problem
    assert bench.happened == []


@settings(deadline=None)
@given(added_db=st.floats(0, 70))
def test_referenced_out_leaves_every_bit_of_a_setting_as_it_is(added_db: float) -> None:
    assert loss_rule(facts(), "voa", SPEC).setting_db(added_db) == added_db


@settings(deadline=None)
@given(added_db=st.floats(0, 70, exclude_min=True), insertion_loss_db=st.floats(0, 10))
def test_setting_and_insertion_loss_make_the_added_loss_or_it_is_refused(
    added_db: float, insertion_loss_db: float
) -> None:
    rule = loss_rule(with_measured(insertion_loss_db, reference=REMOVED), "voa", SPEC)
    if added_db < insertion_loss_db:
        with pytest.raises(LimitError):
            rule.setting_db(added_db)
    else:
        assert rule.setting_db(added_db) >= 0
        assert rule.setting_db(added_db) + insertion_loss_db == pytest.approx(added_db, abs=1e-12)
