"""Appliances faster or slower than the plan, clocks that drift or are set, a wire that is down at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.errors import StationError, TransportTimeout
from sweeps.procedures.appliance_clock import ApplianceClock
from sweeps.procedures.record_pace import RecordPace
from sweeps.progress import Silent
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import APPLIANCE_CLOCK, LEFT_OUT, Gap
from tests.hil.synthetic_runs import in_one_commit
from tests.sweeps.scripted_appliance import T0_S, ScriptedAppliance, SteppedClock, record_at, schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from drivers.roles import ApplianceStatus

DOWN = TransportTimeout("bob", "GET telemetry", "silence")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunRecord]:
    with RunRecord.create(tmp_path / "run", {"procedure": "stability"}) as created:
        yield created


def filled(run: RunRecord) -> list[int]:
    return [slot.slot for slot in run.slots()]


def texts(run: RunRecord, kind: str) -> list[str]:
    return [event.text for event in run.events() if event.kind == kind]


def take(run: RunRecord, appliance: ScriptedAppliance, clock: SteppedClock, count: int) -> None:
    schedule_of(clock, appliance, run, count).take_all(Silent(), "")


@pytest.mark.parametrize("late_s", [0.0, 0.5])
def test_of_a_faster_appliance_a_slot_keeps_the_first_record_that_starts_in_it(
    run: RunRecord, late_s: float
) -> None:
    clock = SteppedClock()
    schedule = schedule_of(clock, ScriptedAppliance(clock, 1.0), run, 20, start_s=T0_S + late_s)
    schedule.take_all(Silent(), "")
    first_s = T0_S + (1.0 if late_s else 0.0)
    assert filled(run) == list(range(20))
    assert [slot.record.window_start_s for slot in run.slots()] == [first_s + 10.0 * k for k in range(20)]
    assert run.gaps() == []
    first, count = texts(run, LEFT_OUT)
    assert first.endswith("the appliance makes one each 1 s, the plan takes one each 10 s")
    assert "starts in slot 0, which has its record" in first
    assert int(count.split()[0]) > 150


def test_an_appliance_that_is_a_little_faster_leaves_no_slot_empty(run: RunRecord) -> None:
    clock = SteppedClock()
    take(run, ScriptedAppliance(clock, 7.0), clock, 30)
    assert filled(run) == list(range(30))


def test_a_slower_appliance_is_told_before_much_is_measured(run: RunRecord) -> None:
    clock = SteppedClock()
    with pytest.raises(StationError, match=r"makes a record each 30 s, the plan says 10 s"):
        take(run, ScriptedAppliance(clock, 30.0), clock, 1000)
    assert clock.t_s - T0_S < 150.0


def test_a_slower_appliance_is_told_in_a_sweep_whose_points_see_one_record_each() -> None:
    pace = RecordPace(1.0)
    for sequence in (10, 17, 29):
        pace.note(record_at(sequence, T0_S + 10.0 * sequence))
    with pytest.raises(StationError, match="each 10 s, the plan says 1 s"):
        pace.note(record_at(40, T0_S + 400.0))


def test_an_appliance_that_paused_is_not_a_slow_one() -> None:
    pace = RecordPace(10.0)
    for sequence, start_s in enumerate((0.0, 310.0, 620.0, 630.0, 1900.0)):
        pace.note(record_at(sequence, T0_S + start_s))
    assert pace.period_s() == 10.0


def test_a_clock_that_is_set_back_doubles_no_slot_and_leaves_none_empty(run: RunRecord) -> None:
    clock = SteppedClock()
    take(run, ScriptedAppliance(clock, 10.0, step_at=10, step_s=-30.0), clock, 20)
    assert filled(run) == list(range(20))
    assert run.gaps() == []
    assert len(texts(run, LEFT_OUT)) == 2
    assert texts(run, LEFT_OUT)[1].startswith("3 records in all")
    assert texts(run, APPLIANCE_CLOCK) == ["the appliance's clock was set by -30 s; slots go by it"]


def test_a_clock_that_is_set_forward_costs_what_it_leapt_over(run: RunRecord) -> None:
    clock = SteppedClock()
    take(run, ScriptedAppliance(clock, 10.0, step_at=10, step_s=30.0), clock, 20)
    assert [gap.slot for gap in run.gaps()] == [10, 11, 12]
    assert sorted([*filled(run), 10, 11, 12]) == list(range(20))


def test_a_clock_that_drifts_is_compared_again_and_costs_nothing(run: RunRecord) -> None:
    clock = SteppedClock()
    with in_one_commit(run):
        take(run, ScriptedAppliance(clock, 10.0, gain=-1e-2), clock, 600)
    assert filled(run) == list(range(600))
    assert run.gaps() == []


def test_a_clock_that_drifts_is_looked_at_each_hour_so_that_records_are_read_in_time(run: RunRecord) -> None:
    lags: list[int] = []

    class Watching(Silent):
        def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
            lags.append(len(lags) + steps - run.count_records())

    clock = SteppedClock()
    schedule = schedule_of(clock, ScriptedAppliance(clock, 10.0, gain=-1e-2), run, 370)
    with in_one_commit(run):
        schedule.take_all(Watching(), "")
    assert max(lags[:360]) > 1
    assert lags[-1] <= 1


def test_an_appliance_that_does_not_tell_its_clock_keeps_the_one_it_had(run: RunRecord) -> None:
    class Mute(ScriptedAppliance):
        def status(self) -> ApplianceStatus:
            raise DOWN

    clock = SteppedClock()
    appliance_clock = ApplianceClock(clock, Mute(clock, 10.0), run, 7.0)  # pyright: ignore[reportArgumentType] - no more is used
    appliance_clock.compare()
    assert appliance_clock.now_s() == T0_S + 7.0
    assert run.events() == []


def failing(readings: Iterable[int]) -> dict[int, TransportTimeout]:
    return dict.fromkeys(readings, DOWN)


def test_a_wire_that_is_down_at_the_end_costs_nothing_that_the_appliance_still_holds(run: RunRecord) -> None:
    clock = SteppedClock()
    take(run, ScriptedAppliance(clock, 10.0, failing(range(8, 50))), clock, 10)
    assert filled(run) == list(range(10))
    assert run.gaps() == []


def test_a_wire_that_stays_down_is_given_up_and_the_gaps_say_why(run: RunRecord) -> None:
    clock = SteppedClock()
    take(run, ScriptedAppliance(clock, 10.0, failing(range(7, 9999))), clock, 10)
    assert filled(run) == list(range(7))
    assert run.gaps() == [Gap(slot, None, None, str(DOWN)) for slot in (7, 8, 9)]
    assert 600.0 < clock.t_s - (T0_S + 100.0) < 700.0
