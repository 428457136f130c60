"""The run record keeps what it was given; the slot schedule loses nothing and says why a slot is empty."""

from __future__ import annotations

import io
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from drivers.errors import DeviceError, GearError, RecordError, TransportTimeout
from drivers.facts.telemetry import RecordGap
from drivers.roles import TelemetryBatch
from sweeps.procedures.host_clocks import HostClocks
from sweeps.procedures.slots import Absence
from sweeps.progress import Heartbeat, Silent
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import SCHEMA_VERSION, Gap
from tests.sweeps.scripted_appliance import T0_S, ScriptedAppliance, SteppedClock, record_at, schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunRecord]:
    with RunRecord.create(tmp_path / "run", {"procedure": "stability"}) as created:
        yield created


def take(run: RunRecord, count: int, failures: Mapping[int, GearError] | None = None) -> None:
    clock = SteppedClock()
    appliance = ScriptedAppliance(clock, 10.0, failures or {})
    schedule_of(clock, appliance, run, count).take_all(Silent(), "")


def test_a_record_comes_back_as_it_went_in(run: RunRecord, tmp_path: Path) -> None:
    point = run.add_point(0, 3.0, 3.0, 2.999, 1550.0, T0_S, 0.05)
    run.add_record(4, point.number, record_at(17, T0_S))
    run.add_gap(Gap(5, None, None, "silence"))
    run.add_event(T0_S, "start", "x")
    run.close()
    with RunRecord.open(tmp_path / "run") as read:
        assert read.meta() == {"procedure": "stability"}
        assert read.points() == [point]
        (slot,) = read.slots(point.number)
        assert (slot.slot, slot.record) == (4, record_at(17, T0_S))
        assert read.slots(99) == []
        assert read.gaps() == [Gap(5, None, None, "silence")]
        assert [(event.lab_time_s, event.kind, event.text) for event in read.events()] == [
            (T0_S, "start", "x")
        ]


def test_a_row_is_on_disk_before_the_next_is_taken(run: RunRecord) -> None:
    run.add_record(0, None, record_at(1, T0_S))
    other = sqlite3.connect(run.folder / "log.sqlite")
    assert other.execute("SELECT count(*) FROM telemetry").fetchone() == (1,)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_run_folder_is_never_used_twice(run: RunRecord) -> None:
    with pytest.raises(RecordError, match="File exists"):
        RunRecord.create(run.folder, {})


def test_a_record_of_another_version_is_refused(run: RunRecord) -> None:
    other = sqlite3.connect(run.folder / "log.sqlite")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(RecordError, match="record version 99"):
        RunRecord.open(run.folder)
    other = sqlite3.connect(run.folder / "log.sqlite")
    other.execute("PRAGMA user_version = 2")  # whose `point` may have no uncertainty_db
    other.close()
    older = (
        f"record version 2, this program reads {SCHEMA_VERSION}; an older program wrote it: read it with that"
    )
    with pytest.raises(RecordError, match=older):
        RunRecord.open(run.folder)
    with pytest.raises(RecordError, match="there is no record"):
        RunRecord.open(run.folder / "nowhere")


def test_a_file_that_is_no_record_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(b"SQLite format 4\x00" * 500)
    with pytest.raises(RecordError, match="not a database"):
        RunRecord.open(tmp_path)


def test_a_full_disk_is_told_in_words_and_loses_nothing_that_was_taken(run: RunRecord) -> None:
    run._database.execute("PRAGMA max_page_count = 20")
    taken: list[int] = []
    with pytest.raises(RecordError, match="full"):
        fill(run, taken)
    run.close()
    with RunRecord.open(run.folder) as read:
        assert [slot.slot for slot in read.slots()] == taken
    assert len(taken) > 10


def fill(run: RunRecord, taken: list[int]) -> None:
    for slot in range(10_000):
        run.add_record(slot, None, record_at(slot, T0_S))
        taken.append(slot)


def test_every_slot_gets_its_record(run: RunRecord) -> None:
    take(run, 20)
    assert [slot.slot for slot in run.slots()] == list(range(20))
    assert [slot.record.window_start_s for slot in run.slots()] == [T0_S + k * 10.0 for k in range(20)]
    assert run.gaps() == []


def test_what_the_appliance_still_holds_is_not_lost_by_a_wire_that_was_down(run: RunRecord) -> None:
    down = {n: TransportTimeout("bob", "GET telemetry", "silence") for n in (3, 4, 5)}
    take(run, 10, down)
    assert sorted(slot.slot for slot in run.slots()) == list(range(10))
    assert run.gaps() == []
    assert [event.kind for event in run.events()] == ["telemetry not read"] * 3


def test_a_slot_that_stays_empty_says_why_and_is_never_a_zero(run: RunRecord) -> None:
    refusals = {n: DeviceError("bob", "GET telemetry", 500, "broken") for n in range(4, 1000)}
    take(run, 5, refusals)
    assert [slot.slot for slot in run.slots()] == [0, 1, 2, 3]
    (gap,) = run.gaps()
    assert gap.slot == 4
    assert "500: broken" in gap.reason


def test_an_appliance_that_gives_nothing_leaves_gaps(run: RunRecord) -> None:
    take(run, 3, {n: TransportTimeout("bob", "GET telemetry", "silence") for n in range(1, 1000)})
    assert run.slots() == []
    assert [gap.slot for gap in run.gaps()] == [0, 1, 2]


class Interrupting(Silent):
    def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
        raise KeyboardInterrupt


def test_an_interrupt_marks_only_slots_that_were_due(run: RunRecord) -> None:
    clock = SteppedClock()
    appliance = ScriptedAppliance(clock, 10.0, {1: TransportTimeout("bob", "GET", "silence")})
    schedule = schedule_of(clock, appliance, run, 100)
    with pytest.raises(KeyboardInterrupt):
        schedule.take_all(Interrupting(), "")
    assert [gap.slot for gap in run.gaps()] == [0]


class Dying(Silent):
    """Ends the process that takes records, so to speak, after `count` of them."""

    def __init__(self, count: int) -> None:
        self.left = count

    def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
        self.left -= steps
        if self.left == 0:
            raise KeyboardInterrupt


def broken_off_after(run: RunRecord, clock: SteppedClock, taken: int, count: int) -> Absence:
    """Take `taken` of `count` slots, and come back 35 s later."""
    with pytest.raises(KeyboardInterrupt):
        schedule_of(clock, ScriptedAppliance(clock, 10.0, {}), run, count).take_all(Dying(taken), "")
    from_s = clock.t_s
    clock.t_s += 35.0
    return Absence(from_s, clock.t_s, "the run was broken off", link_kept=True)


def test_a_run_that_is_taken_up_has_every_record_that_the_appliance_still_holds(run: RunRecord) -> None:
    clock = SteppedClock()
    absence = broken_off_after(run, clock, 4, 20)
    appliance = ScriptedAppliance(clock, 10.0, {})
    schedule_of(clock, appliance, run, 20, absence=absence).take_all(Silent(), "")
    assert [slot.slot for slot in run.slots()] == list(range(20))
    assert [slot.record.sequence for slot in run.slots()] == list(range(1, 21))
    assert run.gaps() == []


def test_what_was_made_while_the_link_was_not_kept_is_a_gap_with_its_reason(run: RunRecord) -> None:
    clock = SteppedClock()
    kept = broken_off_after(run, clock, 4, 20)
    absence = Absence(kept.from_s, kept.until_s, "the link was dark", link_kept=False)
    schedule_of(clock, ScriptedAppliance(clock, 10.0, {}), run, 20, absence=absence).take_all(Silent(), "")
    missed = [gap.slot for gap in run.gaps()]
    assert missed == [5, 6, 7]
    assert {gap.reason for gap in run.gaps()} == {"the link was dark"}
    assert sorted({slot for slot in missed if slot is not None} | run.filled_slots(None)) == list(range(20))


def test_an_appliance_without_a_back_log_leaves_gaps_that_say_so(run: RunRecord) -> None:
    clock = SteppedClock()
    absence = broken_off_after(run, clock, 4, 10)
    appliance = ScriptedAppliance(clock, 10.0, {})
    appliance.continue_telemetry = lambda newest: appliance.skip_telemetry()  # noqa: ARG005 - it holds nothing
    schedule_of(clock, appliance, run, 10, absence=absence).take_all(Silent(), "")
    assert [gap.slot for gap in run.gaps()] == [5, 6, 7]
    assert {gap.reason for gap in run.gaps()} == {"the run was broken off"}
    assert [slot.slot for slot in run.slots()] == [0, 1, 2, 3, 4, 8, 9]


def test_a_host_that_slept_through_many_slots_loses_none(run: RunRecord) -> None:
    clock = SteppedClock()

    class Sleepy(Silent):
        def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
            if run.count_records() == 5:
                clock.t_s += 100.0

    schedule_of(clock, ScriptedAppliance(clock, 10.0, {}), run, 30).take_all(Sleepy(), "")
    assert [slot.slot for slot in run.slots()] == list(range(30))
    assert run.gaps() == []


def test_the_journal_tells_what_happened_to_the_hosts_clocks(
    run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: list[str] = []
    said = iter([["this host slept for 90 s"]])

    def told(_clocks: HostClocks) -> list[str]:
        return next(said, nothing)

    monkeypatch.setattr(HostClocks, "what_happened", told)
    take(run, 3)
    assert [(event.kind, event.text) for event in run.events()] == [
        ("host clock", "this host slept for 90 s")
    ]


def test_a_gap_that_is_filled_later_is_none(run: RunRecord) -> None:
    run.add_gap(Gap(3, None, None, "silence"))
    run.add_gap(Gap(3, None, None, "silence again"))
    assert [gap.reason for gap in run.gaps()] == ["silence"]
    run.add_record(3, None, record_at(4, T0_S))
    assert run.gaps() == []


def test_a_slot_takes_one_record_whoever_writes(run: RunRecord) -> None:
    point = run.add_point(0, 3.0, 3.0, 2.999, 1550.0, T0_S, 0.05)
    for number in (None, point.number):
        run.add_record(3, number, record_at(4, T0_S))
        with pytest.raises(RecordError, match="UNIQUE"):
            run.add_record(3, number, record_at(5, T0_S + 1.0))
    assert [slot.record.sequence for slot in run.slots()] == [4, 4]


def test_numbers_that_are_lost_are_lost_once_though_a_kill_makes_them_be_told_twice(run: RunRecord) -> None:
    point = run.add_point(0, 3.0, 3.0, 2.999, 1550.0, T0_S, 0.05)
    lost = [Gap(None, 5, 9, "no longer held"), Gap(None, 5, 9, "no longer held", point.number)]
    for gap in [*lost, *lost, Gap(None, 10, 12, "no longer held")]:
        run.add_gap(gap)
    assert run.gaps() == [*lost, Gap(None, 10, 12, "no longer held")]


def test_an_earlier_session_does_not_count_for_the_speed() -> None:
    said = io.StringIO()
    heartbeat = Heartbeat("stability", 100, said)
    heartbeat.skip(90)
    heartbeat.advance(1, "x")
    line = json.loads(said.getvalue())
    assert (line["done"], line["of"]) == (91, 100)
    assert line["eta_s"] < 1.0


def test_lost_sequence_numbers_are_written_down(run: RunRecord) -> None:
    clock = SteppedClock()

    class Forgetful(ScriptedAppliance):
        def read_telemetry(self) -> TelemetryBatch:
            return TelemetryBatch([record_at(9, T0_S)], [RecordGap(1, 8, "no longer held")])

    schedule_of(clock, Forgetful(clock, 10.0, {}), run, 1).take_all(Silent(), "")
    assert run.gaps() == [Gap(None, 1, 8, "no longer held")]


def test_records_of_before_the_start_are_not_taken(run: RunRecord) -> None:
    clock = SteppedClock()
    appliance = ScriptedAppliance(clock, 10.0, {})
    # settled 5 s after a window began: that window spans the settling and must not count
    schedule_of(clock, appliance, run, 3, start_s=T0_S + 5.0).take_all(Silent(), "")
    assert [slot.record.window_start_s - T0_S for slot in run.slots()] == [10.0, 20.0, 30.0]


class Shifted(ScriptedAppliance):
    """Hands its records out `late_s` late, by a clock that is `offset_s` ahead, with windows that jitter."""

    def __init__(
        self, clock: SteppedClock, late_s: float = 0.0, offset_s: float = 0.0, jitter_s: float = 0.0
    ) -> None:
        super().__init__(clock, 10.0, {})
        self._late_s, self._offset_s, self._jitter_s = late_s, offset_s, jitter_s

    def read_telemetry(self) -> TelemetryBatch:
        newest = int((self._clock.t_s - self._late_s - T0_S - 1.0) // 10.0)
        new = range(self._read_up_to, newest + 1)
        self._read_up_to = max(newest + 1, self._read_up_to)
        starts = [T0_S + k * 10.0 + self._offset_s + self._jitter_s * (-1) ** k for k in new]
        return TelemetryBatch([record_at(k + 1, start_s) for k, start_s in zip(new, starts, strict=True)], [])


@pytest.mark.parametrize(
    ("appliance", "offset_s"),
    [
        pytest.param({"late_s": 9.5}, 0.0, id="late"),
        pytest.param({"offset_s": -3.0}, -3.0, id="clock-behind"),
        pytest.param({"offset_s": 3600.0}, 3600.0, id="clock-in-another-time-zone"),
        pytest.param({"jitter_s": 0.02}, 0.0, id="jitter-at-the-border-of-slots"),
    ],
)
def test_no_record_of_an_odd_appliance_is_thrown_away(
    run: RunRecord, appliance: dict[str, float], offset_s: float
) -> None:
    clock = SteppedClock()
    schedule = schedule_of(
        clock, Shifted(clock, **appliance), run, 20, start_s=T0_S - 0.005, offset_s=offset_s
    )
    schedule.take_all(Silent(), "")
    assert sorted(slot.slot for slot in run.slots()) == list(range(20))
    assert run.gaps() == []


def test_heartbeats_tell_how_far_a_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    heartbeat = Heartbeat("stability", 3, sys.stderr)
    for done in range(3):
        heartbeat.advance(1, f"step {done}")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["done"] for line in lines] == [1, 3]
    assert lines[-1]["of"] == 3
    assert lines[-1]["run"] == "stability"


def test_a_run_goes_on_when_nobody_reads_its_heartbeats_any_more() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    heartbeat = Heartbeat("stability", 2, Closed())
    heartbeat.advance(1, "x")
    heartbeat.advance(1, "x")
