"""The run record keeps what it was given; the slot schedule loses nothing and says why a slot is empty."""

from __future__ import annotations

import io
import sqlite3
from typing import TYPE_CHECKING

import pytest

from drivers.errors import DeviceError, GearError, RecordError, TransportTimeout
from drivers.facts.telemetry import RecordGap, TelemetryRecord
from drivers.roles import TelemetryBatch
from sweeps.procedures.slots import SlotSchedule
from sweeps.record.run_record import Gap, RunRecord
from sweeps.running.progress import Heartbeat, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

T0_S = 1_700_000_000.0


def record_at(sequence: int, window_start_s: float) -> TelemetryRecord:
    return TelemetryRecord(
        sequence=sequence,
        window_start_s=window_start_s,
        window_s=1.0,
        skr_bps=2392.5,
        key_rate_bps=0.1 + 0.2,
        qber=0.019,
        visibility=0.9912,
        detection_count=18_199.0,
        readings={"Laser_Temperature": 25.01},
    )


class SteppedClock:
    kind = "virtual"

    def __init__(self) -> None:
        self.t_s = T0_S

    def now_s(self) -> float:
        return self.t_s

    def wait_until(self, t_s: float) -> None:
        self.t_s = max(self.t_s, t_s)

    def sleep(self, duration_s: float) -> None:
        self.t_s += duration_s

    def wall_timeout_s(self, deadline_s: float) -> float:
        return deadline_s


class ScriptedAppliance:
    """Makes a record each `period_s`; reading number n fails with `failures[n]`."""

    def __init__(self, clock: SteppedClock, period_s: float, failures: Mapping[int, GearError]) -> None:
        self._clock = clock
        self._period_s = period_s
        self._failures = failures
        self._read_up_to = 0
        self.readings = 0

    def skip_telemetry(self) -> None:
        self._read_up_to = int((self._clock.t_s - T0_S - 1.0) // self._period_s) + 1

    def read_telemetry(self) -> TelemetryBatch:
        self.readings += 1
        if self.readings in self._failures:
            raise self._failures[self.readings]
        newest = int((self._clock.t_s - T0_S - 1.0) // self._period_s)
        new = range(self._read_up_to, newest + 1)
        self._read_up_to = newest + 1
        return TelemetryBatch([record_at(k + 1, T0_S + k * self._period_s) for k in new], [])


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunRecord]:
    with RunRecord.create(tmp_path / "run", {"procedure": "stability"}) as created:
        yield created


def take(run: RunRecord, count: int, failures: Mapping[int, GearError] | None = None) -> None:
    clock = SteppedClock()
    appliance = ScriptedAppliance(clock, 10.0, failures or {})
    schedule = SlotSchedule(clock, appliance, run, start_s=T0_S, period_s=10.0, count=count)  # pyright: ignore[reportArgumentType] - only reads telemetry
    schedule.take_all(Silent(), "")


def test_a_record_comes_back_as_it_went_in(run: RunRecord, tmp_path: Path) -> None:
    point = run.add_point(3.0, 3.0, 2.999, 1550.0, T0_S)
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
        assert read.events() == [(T0_S, "start", "x")]


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
    assert [kind for _, kind, _ in run.events()] == ["telemetry not read"] * 3


def test_a_slot_that_stays_empty_says_why_and_is_never_a_zero(run: RunRecord) -> None:
    refusals = {n: DeviceError("bob", "GET telemetry", 500, "broken") for n in (4, 5, 6, 7)}
    take(run, 5, refusals)
    assert [slot.slot for slot in run.slots()] == [0, 1, 2, 3]
    (gap,) = run.gaps()
    assert gap.slot == 4
    assert "500: broken" in gap.reason


def test_an_appliance_that_gives_nothing_leaves_gaps(run: RunRecord) -> None:
    take(run, 3, {n: TransportTimeout("bob", "GET telemetry", "silence") for n in range(1, 6)})
    assert run.slots() == []
    assert [gap.slot for gap in run.gaps()] == [0, 1, 2]


class Interrupting(Silent):
    def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
        raise KeyboardInterrupt


def test_an_interrupt_marks_only_slots_that_were_due(run: RunRecord) -> None:
    clock = SteppedClock()
    appliance = ScriptedAppliance(clock, 10.0, {1: TransportTimeout("bob", "GET", "silence")})
    schedule = SlotSchedule(clock, appliance, run, start_s=T0_S, period_s=10.0, count=100)  # pyright: ignore[reportArgumentType] - only reads telemetry
    with pytest.raises(KeyboardInterrupt):
        schedule.take_all(Interrupting(), "")
    assert [gap.slot for gap in run.gaps()] == [0]


def test_lost_sequence_numbers_are_written_down(run: RunRecord) -> None:
    clock = SteppedClock()

    class Forgetful(ScriptedAppliance):
        def read_telemetry(self) -> TelemetryBatch:
            return TelemetryBatch([record_at(9, T0_S)], [RecordGap(1, 8, "no longer held")])

    schedule = SlotSchedule(clock, Forgetful(clock, 10.0, {}), run, start_s=T0_S, period_s=10.0, count=1)  # pyright: ignore[reportArgumentType] - only reads telemetry
    schedule.take_all(Silent(), "")
    assert run.gaps() == [Gap(None, 1, 8, "no longer held")]


def test_records_of_before_the_start_are_not_taken(run: RunRecord) -> None:
    clock = SteppedClock()
    appliance = ScriptedAppliance(clock, 10.0, {})
    # settled 5 s after a window began: that window spans the settling and must not count
    schedule = SlotSchedule(clock, appliance, run, start_s=T0_S + 5.0, period_s=10.0, count=3)  # pyright: ignore[reportArgumentType] - only reads telemetry
    schedule.take_all(Silent(), "")
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
    schedule = SlotSchedule(
        clock,
        Shifted(clock, **appliance),  # pyright: ignore[reportArgumentType] - only reads telemetry
        run,
        start_s=T0_S - 0.005,
        period_s=10.0,
        count=20,
        offset_s=offset_s,
    )
    schedule.take_all(Silent(), "")
    assert sorted(slot.slot for slot in run.slots()) == list(range(20))
    assert run.gaps() == []


def test_heartbeats_tell_how_far_a_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    import json
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
