"""A station with the paper's set of fixed attenuators: its inventory, its safe state, and the sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drivers.attenuators.fixed_attenuators import FixedAttenuators
from drivers.clock import WallClock
from drivers.contact.bench import check_devices
from drivers.errors import LimitError, StationError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.inventory import Inventory
from drivers.station import Station
from drivers.wires.byte_log import NO_LOG
from emulators.plant.link import Link
from emulators.wires.places import PlaceError, read_places
from hil_tests.limits import load_limits
from hil_tests.report.summary import render_summary
from hil_tests.run_data import read_run
from hil_tests.verdict import judge
from sweeps.choice import choose
from sweeps.procedures.attenuation import steps
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.running.run import new_run_folder, run_procedure
from tests.acceptance.benches import STATION, measure_and_judge, write_inventory
from tests.attenuators.rigs import PAPERS_SET, PanelOperator, panel_for

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.inventory import Station as StationFacts

CHANGES: dict[str, Any] = {
    "gear.voa": PAPERS_SET,
    "reference.kind": "attenuator_removed",
    "safe_state.attenuator": "as_left",
}


def facts_of(folder: Path, **changes: Any) -> StationFacts:  # noqa: ANN401 - any part of the station
    inventory = read_checked(write_inventory(folder, CHANGES | changes), Inventory)
    assert inventory.mistakes == []
    assert inventory.value is not None
    return inventory.value.stations[STATION]


class Bench:
    """A station of nothing but the set."""

    def __init__(self, folder: Path) -> None:
        self.facts = facts_of(folder)
        gear: Any = self.facts.gear["voa"]
        self.link = Link(lambda: 0.0, 1550.0)
        self.operator = PanelOperator(panel_for(gear, self.link))
        voa = FixedAttenuators("voa", "here", gear, self.operator)
        self.station = Station("here", self.facts, {"voa": voa}, WallClock(), None, self.operator)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# --- the inventory


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"safe_state.attenuator": "reference"}, "safe_state.attenuator: expected as_left"),
        ({"reference.kind": "referenced_out"}, "reference.kind: fixed attenuators need attenuator_removed"),
        ({"gear.voa": {**PAPERS_SET, "lab": {"port": "/dev/ttyUSB0"}}}, "gear.voa.lab"),
        ({"gear.voa": {**PAPERS_SET, "pieces": {}}}, "gear.voa.pieces"),
        (
            {"gear.voa": {**PAPERS_SET, "pieces": {"bob": {"nominal_db": 3, "tolerance_db": 0.2}}}},
            "one name for a device and a fixed attenuator: bob",
        ),
        (
            {"gear.voa": {**PAPERS_SET, "pieces": {"a": {"nominal_db": 0, "tolerance_db": 0.2}}}},
            "gear.voa.pieces.a.nominal_db: got 0",
        ),
    ],
)
def test_mistakes_in_its_inventory_are_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    path = write_inventory(tmp_path, CHANGES | changes)
    assert told in "\n".join(read_checked(path, Inventory).mistakes)


def test_what_a_wire_can_set_is_never_left_as_it_is(tmp_path: Path) -> None:
    path = write_inventory(tmp_path, {"safe_state.attenuator": "as_left"})
    mistakes = "\n".join(read_checked(path, Inventory).mistakes)
    assert "safe_state.attenuator: expected a state a wire can set" in mistakes


def test_the_lab_needs_no_address_of_it_and_the_first_contact_asks_it_nothing(tmp_path: Path) -> None:
    choice = choose(write_inventory(tmp_path, CHANGES), None, "smoke", "lab", 1)
    assert set(choice.lab_connections()) == {"alice", "bob"}
    voa = {"voa": choice.station.gear["voa"]}
    assert list(check_devices(voa, {}, WallClock(), NO_LOG)) == []


def test_an_emulated_lab_cannot_listen_for_it(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="voa has no wire"):
        read_places(["voa=127.0.0.1:0"], facts_of(tmp_path).gear)


def test_a_dry_run_tells_which_are_asked_for(tmp_path: Path) -> None:
    path = write_inventory(tmp_path, CHANGES)
    choice = choose(path, None, "paper", "lab", 1)
    told = "\n".join(steps(choice.plan, choice.station))
    assert "set 0 dB added (an operator has no attenuator in line)" in told
    assert "set 3 dB added (an operator has a3 in line)" in told
    assert "set 12 dB added (an operator has a5 and a7 in line)" in told


# --- the station


def test_the_safe_state_is_what_is_in_line_and_nobody_is_asked_for_it(bench: Bench) -> None:
    assert bench.station.unsafe() == []
    assert bench.station.safe_state_in_words() == "attenuator as left; in line: not known"
    bench.station.make_safe()
    assert bench.operator.tasks == []
    bench.station.set_added_db(12)
    bench.operator.tasks.clear()
    light_db = bench.link.added_db()
    bench.station.make_safe()
    assert bench.station.unsafe() == []
    assert bench.operator.tasks == []
    assert bench.link.added_db() == light_db > 11
    told = bench.station.safe_state_in_words()
    assert told == "attenuator as left; in line: 12 dB, by what the operator said"


def test_it_is_at_its_reference_when_the_operator_has_said_so(bench: Bench) -> None:
    assert bench.station.is_at_reference() is False
    bench.station.set_added_db(0)
    assert bench.station.is_at_reference() is True
    bench.station.set_added_db(3)
    assert bench.station.is_at_reference() is False


def test_what_is_added_carries_its_uncertainty(bench: Bench) -> None:
    loss = bench.station.set_added_db(10)
    assert (loss.added_db, loss.setting_db, loss.readback_db, loss.uncertainty_db) == (10, 10, 10, 0.4)
    assert abs(bench.link.added_db() - 10) <= 0.4


def test_a_point_that_cannot_be_made_is_refused_before_anything_is_done(bench: Bench) -> None:
    with pytest.raises(LimitError, match=r"voa: 4 dB added cannot be made; possible: 0, 3, 5"):
        bench.station.setting_for(4)
    assert bench.operator.tasks == []


def test_limits_beyond_the_whole_set_are_told(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    facts = facts_of(tmp_path / "far", **{"limits.added_db_max": 20})
    gear: Any = facts.gear["voa"]
    station = Station("here", facts, {"voa": FixedAttenuators("voa", "here", gear, None)}, WallClock(), None)
    assert station.limit_problem() == "limits.added_db_max is 20.0 dB; its attenuator reaches 15.0 dB"


# --- the sweep on an emulated lab, by another inventory alone


def test_the_sweep_runs_over_it_and_every_check_passes(tmp_path: Path) -> None:
    choice = choose(write_inventory(tmp_path, CHANGES), None, "smoke", "emulator", 1)
    folder = new_run_folder(tmp_path / "runs", choice, "attenuation")
    run_procedure(choice, PROCEDURES["attenuation"], folder, Silent())
    with RunRecord.open(folder) as run:
        checks = judge(load_limits(choice.limits_path), run)
        assert len(checks) > 10
        assert {check.verdict for check in checks} == {"pass"}
        assert [(point.readback_db, point.uncertainty_db) for point in run.points()] == [
            (0.0, 0.0),
            (5.0, 0.2),
            (10.0, 0.4),
        ]
        events = [(event.kind, event.text) for event in run.events()]
        patched = [text for kind, text in events if kind == "lab: patched"]
        assert patched[-4:] == [
            "a5: in line",
            "a5: taken out, the fibre joined without it",
            "a3: in line",
            "a7: in line",
        ]
        safe = [text for kind, text in events if kind == "safe state"]
        assert safe == ["attenuator as left; in line: 10 dB, by what the operator said"]
        assert read_run(run).uncertainty_db(10) == 0.4
        page = render_summary([run], checks, [])
        assert "for this run ±0 to ±0.4 dB, by what is known of its attenuator" in page


def test_a_set_of_other_values_than_written_fails_the_sweep(tmp_path: Path) -> None:
    wrong = {**PAPERS_SET, "defects": {"scale": 0.8}}
    inventory = write_inventory(tmp_path, CHANGES | {"gear.voa": wrong})
    checks = measure_and_judge(inventory, "attenuation", tmp_path / "runs")
    failed = {check.name for check in checks if check.verdict == "fail"}
    assert "attenuation_count_drop_db" in failed
    assert "attenuation_setting_db" not in failed


def test_an_operator_who_says_done_and_does_nothing_fails_the_sweep(tmp_path: Path) -> None:
    idle = {**PAPERS_SET, "defects": {"stuck": True}}
    inventory = write_inventory(tmp_path, CHANGES | {"gear.voa": idle})
    checks = measure_and_judge(inventory, "attenuation", tmp_path / "runs")
    assert "attenuation_count_drop_db" in {check.name for check in checks if check.verdict == "fail"}


def test_a_plan_with_a_point_that_no_combination_makes_is_refused(tmp_path: Path) -> None:
    only = {**PAPERS_SET, "pieces": {"a15": {"nominal_db": 15, "tolerance_db": 0.2}}}
    inventory = write_inventory(tmp_path, CHANGES | {"gear.voa": only})
    with pytest.raises((LimitError, StationError), match="5 dB added cannot be made; possible: 0, 15 dB"):
        measure_and_judge(inventory, "attenuation", tmp_path / "runs")
