"""What an operator is asked for before and after a calibration, and what is refused before that."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.attenuator_ports import AttenuatorPorts, calibration_source, insist_bearable
from drivers.attenuators.viavi_mvoa import MVOA_SPEC
from drivers.errors import ConnectionLost, LimitError, OperatorAbort, StationError
from drivers.facts.gear import CalibrationSource, MapMvoaGear
from drivers.facts.lab import PatchPort
from drivers.roles import OperatorAnswer
from drivers.station import Station
from tests.attenuators.rigs import PAPERS_SET
from tests.drivers.test_station import PlainAttenuator, QuickClock
from tests.plant.plants import shipped_station, station_content

if TYPE_CHECKING:
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import AttenuatorSpec, OperatorTask

SOURCE: dict[str, Any] = {"power_dbm": 0.0, "wavelength_nm": 1550, "uncertainty_db": 0.1, "source": "test"}
TO_SOURCE = [("output", "nothing"), ("input", "source")]
BACK = [("input", "link"), ("output", "link")]


@dataclass
class Person:
    """An operator who says no at the task of a number."""

    aborts_at: int | None = None
    tasks: list[OperatorTask] = field(default_factory=list["OperatorTask"])

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        self.tasks.append(task)
        if self.aborts_at == len(self.tasks):
            raise OperatorAbort("no")
        return OperatorAnswer("done", "a person")

    def cords(self) -> list[tuple[str, str]]:
        patches = [task.patch for task in self.tasks]
        return [(patch.port, patch.to) for patch in patches if isinstance(patch, PatchPort)]


def station(reference: str = "referenced_out", **changes: Any) -> StationFacts:  # noqa: ANN401 - gear's values
    gear = station_content()["gear"]
    gear["voa"] = {**gear["voa"], "calibration_source": SOURCE, **changes}
    return shipped_station(gear=gear, reference={"kind": reference})


def ports(person: Person | None, facts: StationFacts | None = None) -> AttenuatorPorts:
    return AttenuatorPorts("here", facts or station(), person)


def test_the_output_is_capped_before_the_source_comes_and_comes_back_after_it_has_gone() -> None:
    person = Person()
    here = ports(person)
    assert not here.is_off_link
    here.put_on_source(MVOA_SPEC)
    assert here.is_off_link
    assert person.cords() == TO_SOURCE
    here.put_back()
    assert not here.is_off_link
    assert person.cords() == TO_SOURCE + BACK
    assert person.tasks[0].do == (
        "At STT GDC-B, disconnect the output of the attenuator voa from the link and cap it."
    )
    assert "would destroy a QKD receiver" in person.tasks[0].why
    assert "0 dBm at 1550 nm: test" in person.tasks[1].do


def test_one_that_is_out_of_the_fibre_gets_the_source_and_loses_it_and_nothing_else() -> None:
    person = Person()
    here = ports(person, station("attenuator_removed"))
    here.put_on_source(MVOA_SPEC)
    here.put_back()
    assert person.cords() == [("input", "source"), ("input", "nothing")]


@pytest.mark.parametrize("task", [1, 2, 3, 4])
def test_who_breaks_off_may_have_got_half_way(task: int) -> None:
    here = ports(Person(aborts_at=task))

    def there_and_back() -> None:
        here.put_on_source(MVOA_SPEC)
        here.put_back()

    with pytest.raises(OperatorAbort):
        there_and_back()
    assert here.is_off_link


def test_without_an_operator_nothing_is_done() -> None:
    here = ports(None)
    with pytest.raises(StationError, match="needs an operator, and there is none: At STT GDC-B, disconnect"):
        here.put_on_source(MVOA_SPEC)
    assert not here.is_off_link


@given(power_dbm=st.floats(-60, 60), uncertainty_db=st.floats(0, 5))
def test_a_source_above_the_damage_limit_is_refused_before_anybody_is_asked(
    power_dbm: float, uncertainty_db: float
) -> None:
    given = SOURCE | {"power_dbm": power_dbm, "uncertainty_db": uncertainty_db}
    person = Person()
    here = ports(person, station(calibration_source=given))
    if power_dbm + uncertainty_db <= 23.0:
        here.put_on_source(MVOA_SPEC)
        assert person.cords() == TO_SOURCE
        return
    with pytest.raises(LimitError, match="must not be connected: its damage limit is 23 dBm"):
        here.put_on_source(MVOA_SPEC)
    assert person.tasks == []


def test_a_device_whose_damage_limit_nobody_knows_gets_no_source() -> None:
    source = CalibrationSource.model_validate(SOURCE)
    with pytest.raises(LimitError, match="damage limit is not known"):
        insist_bearable("voa", source, replace(MVOA_SPEC, max_input_dbm=None))


def test_a_source_of_a_foreign_wavelength_is_refused() -> None:
    source = CalibrationSource.model_validate(SOURCE | {"wavelength_nm": 1250})
    with pytest.raises(LimitError, match="the source has 1250 nm; the device does 1260 to 1650 nm"):
        insist_bearable("voa", source, MVOA_SPEC)


def test_what_the_inventory_does_not_have_is_told_in_words() -> None:
    with pytest.raises(StationError, match=r"gear\.voa\.calibration_source: missing"):
        calibration_source(station(calibration_source=None))
    with pytest.raises(StationError, match="needs an attenuator with a power meter"):
        calibration_source(station(calibration_source=None, has_power_meter=False))
    gear = station_content()["gear"] | {"voa": PAPERS_SET}
    fixed = shipped_station(
        gear=gear, reference={"kind": "attenuator_removed"}, safe_state={"attenuator": "as_left"}
    )
    with pytest.raises(StationError, match="fixed_attenuators at gdc_b has none"):
        calibration_source(fixed)


def test_a_source_without_a_meter_is_a_mistake_in_the_inventory() -> None:
    gear = station_content()["gear"]["voa"] | {"has_power_meter": False, "calibration_source": SOURCE}
    with pytest.raises(ValidationError, match="of no use without has_power_meter"):
        MapMvoaGear.model_validate(gear)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("power_dbm", math.nan),
        ("power_dbm", 100.0),
        ("wavelength_nm", 850),
        ("uncertainty_db", -0.1),
        ("source", ""),
        ("powr", 1.0),
    ],
)
def test_mistakes_in_a_source_are_found(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        CalibrationSource.model_validate(SOURCE | {key: value})


# --- the station


@dataclass
class Metered(PlainAttenuator):
    """An attenuator with a power meter that always sees the same."""

    spec: AttenuatorSpec = MVOA_SPEC

    def set_averaging_s(self, averaging_s: float) -> None:
        del averaging_s

    def power_dbm(self) -> float:
        return -1.5


def open_station(voa: PlainAttenuator, person: Person | None, facts: StationFacts | None = None) -> Station:
    return Station("here", facts or station(), {"voa": voa}, QuickClock(), None, person)


def test_a_station_has_a_power_meter_if_its_attenuator_has_one() -> None:
    assert open_station(Metered(), None).power_meter().power_dbm() == -1.5
    with pytest.raises(StationError, match="station here: voa has no power meter"):
        open_station(PlainAttenuator(), None).power_meter()


def test_a_station_refuses_a_source_that_its_attenuator_does_not_bear() -> None:
    assert open_station(Metered(), None).calibration_source().power_dbm == 0.0
    strong = station(calibration_source=SOURCE | {"power_dbm": 22.95})
    person = Person()
    here = open_station(Metered(), person, strong)
    for refused in (here.calibration_source, here.put_attenuator_on_source):
        with pytest.raises(LimitError, match=r"up to 23\.05 dBm must not be connected"):
            refused()
    assert person.tasks == []


def test_no_otdr_may_shine_while_the_attenuator_is_on_its_source() -> None:
    here = open_station(Metered(), Person())
    here.connect_fibre_end("gdc_b", "nothing")
    here.connect_fibre_end("gdc_a", "otdr")
    assert here.otdr_may_shine("gdc_a") is None
    here.put_attenuator_on_source()
    assert here.otdr_may_shine("gdc_a") == (
        "the attenuator is on its calibration source, or half-way there; have it put back first"
    )
    here.put_attenuator_back()
    assert here.otdr_may_shine("gdc_a") is None


@dataclass
class Watching(Person):
    """An operator who looks at the attenuator's shutter at every task."""

    voa: Metered = field(default_factory=Metered)
    seen_open: list[bool] = field(default_factory=list[bool])

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        self.seen_open.append(self.voa.is_open)
        return super().carry_out(task)


def test_no_cord_is_moved_with_the_shutter_open() -> None:
    voa = Metered(is_open=True)
    person = Watching(voa=voa)
    here = open_station(voa, person)
    here.put_attenuator_on_source()
    voa.set_shutter_open(is_open=True)
    here.put_attenuator_back()
    assert person.seen_open == [False] * 4
    assert voa.is_open
    assert not any("Beware" in task.why for task in person.tasks)


class StuckOpen(Metered):
    """One whose shutter stays open."""

    def set_shutter_open(self, is_open: bool) -> None:
        del is_open
        self.is_open = True


class OutOfReach(Metered):
    """One that does not answer when its shutter is to be set."""

    def set_shutter_open(self, is_open: bool) -> None:
        del is_open
        raise ConnectionLost("voa", "OUTP:BBL", "lost")


@pytest.mark.parametrize(
    ("voa", "warning"),
    [
        (StuckOpen(), "Beware, the attenuator's shutter stays open."),
        (OutOfReach(), "Beware, the attenuator could not be told to block the light: voa: "),
    ],
)
def test_who_moves_cords_of_one_whose_shutter_is_not_seen_blocked_is_warned(
    voa: Metered, warning: str
) -> None:
    person = Person()
    here = open_station(voa, person)
    here.put_attenuator_on_source()
    here.put_attenuator_back()
    assert person.cords() == TO_SOURCE + BACK
    assert all(warning in task.why for task in person.tasks)


def test_a_shutter_is_left_alone_where_nobody_can_move_a_cord() -> None:
    voa = Metered(is_open=True)
    with pytest.raises(StationError, match="needs an operator"):
        open_station(voa, None).put_attenuator_on_source()
    assert voa.is_open


def test_with_the_ports_off_the_link_the_safe_state_blocks_the_light() -> None:
    """Somebody might connect the output while the source is still at the input."""
    voa = Metered(is_open=True)
    here = open_station(voa, Person())
    here.put_attenuator_on_source()
    voa.set_shutter_open(is_open=True)
    assert "the attenuator lets light through while its ports are off the link" in here.unsafe()
    here.make_safe()
    assert not voa.is_open
    assert here.unsafe() == []
    assert here.safe_state_in_words() == "reference, the light blocked"
    here.put_attenuator_back()
    here.make_safe()
    assert voa.is_open
    assert here.safe_state_in_words() == "reference"


def test_another_process_is_told_that_the_ports_are_off_the_link() -> None:
    voa = Metered(is_open=True)
    here = open_station(voa, None)
    here.take_attenuator_for_off_link()
    here.make_safe()
    assert not voa.is_open
    assert here.otdr_may_shine("gdc_a") is not None
