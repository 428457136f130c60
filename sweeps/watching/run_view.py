"""What a watcher sees of a run: one frozen picture, the same for the terminal and the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.record.state import RunState


@dataclass(frozen=True, slots=True)
class Quantity:
    """One panel of Figure 6: a value of the telemetry record and how it is shown."""

    key: str
    title: str
    axis: str
    scale: float
    """From the record's unit to the axis's."""
    decimals: int


QUANTITIES = (
    Quantity("skr_bps", "Secret key rate", "SKR (bps)", 1.0, 0),
    Quantity("qber", "QBER", "QBER (%)", 100.0, 2),
    Quantity("visibility", "Dcc visibility", "Dcc visibility (%)", 100.0, 2),
    Quantity("detection_count", "Total detection count", "Detections (1/s)", 1.0, 0),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """A quantity over many records, in the record's unit."""

    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity over time, a value a bucket, in the record's unit."""

    low: tuple[float, ...]
    mean: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """All quantities over lab time in a bounded number of buckets, `columns` in the order of QUANTITIES."""

    width_s: float
    t_s: tuple[float, ...]
    """Mean time of each bucket's records, s since the Unix epoch."""
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A stretch of time at one setting (the whole run outside a sweep) with its records' summaries."""

    label: str
    from_s: float
    until_s: float
    quantities: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """A stretch of lab time with slots in it that have no record."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class GapLine:
    """A stretch of missing slots, or lost record numbers, in words; `from_s` is None where unknown."""

    from_s: float | None
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gaps:
    """Missing slots by number, the newest of them in words."""

    slots: int
    shaded: tuple[Empty, ...]
    newest: tuple[GapLine, ...]
    not_shown: int
    """How many older lines there are."""


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One point of a sweep: what was planned, set and read back, and the records there."""

    added_db: float
    setting_db: float | None
    readback_db: float | None
    state: str
    """`to come`, `here`, `done` or `broken off`."""
    records: int
    planned: int
    quantities: tuple[Summary, ...]
    """Empty before the first record."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The record that was committed last, `values` in the order of QUANTITIES."""

    window_start_s: float
    utc_s: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of the journal, in lab time."""

    lab_time_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs a person; `is_now` is false for what is over but must be known."""

    is_now: bool
    text: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast slots are dealt with, by the host's clock, and when the last one will be."""

    slots_per_s: float
    ends_utc_s: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is planned, where and for whom; empty words for what the record does not say."""

    run: str
    procedure: str
    station: str
    station_title: str
    plan_name: str
    plan_title: str
    target: str
    clock: str
    """`wall`, `virtual`, or empty before the run has a clock."""
    counted: str
    """What is taken, in a word: `records` of telemetry, or what a procedure measures besides."""
    period_s: float
    started_utc_s: float | None
    finished_utc_s: float | None


@dataclass(frozen=True, slots=True)
class RunView:
    """The whole picture at one look."""

    facts: Facts
    state: RunState
    reason: str
    """Why it stands there: how it was broken off, what is known of the runner."""
    planned: int | None
    """Records planned; None where the record does not say."""
    taken: int
    """Slots with a record."""
    pace: Pace | None
    newest: Newest | None
    series: Series
    levels: tuple[Level, ...]
    gaps: Gaps
    points: tuple[SweepPoint, ...]
    journal: tuple[JournalLine, ...]
    alarms: tuple[Alarm, ...]
    problem: str
    """Why the record could not be read at this look, the rest being from one before; empty if it could."""
