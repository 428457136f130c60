"""A pair of appliances making records together: one window each period, on an absolute schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from drivers.facts.telemetry import RECORD_WINDOW_S

if TYPE_CHECKING:
    from emulators.cow4.sample import LinkSample, RecordSource
    from emulators.lab.clock import LabClock
    from emulators.plant.link import Link

End = Literal["alice", "bob"]

# How many records an appliance holds (assumed); older ones are lost to whoever has not read them.
BACKLOG_RECORDS = 20_000


class Ledger(Protocol):
    """The ledger of finished key blocks (`emulators.cow4.ledger.KeyLedger`)."""

    def advance(self, end_s: float, sample: LinkSample) -> object:
        """Go on to lab time `end_s` with the key making that `sample` shows."""
        ...

    def restart(self, now_s: float) -> None:
        """Begin anew at lab time `now_s`, after key making was stopped."""
        ...

    def key_rate_bps(self) -> float:
        """Return the rate of finished key in bit/s."""
        ...


@dataclass(frozen=True, slots=True)
class PairRecord:
    """One window as it really was, before either end reports it."""

    sequence: int
    window_start_s: float
    window_s: float
    sample: LinkSample
    key_rate_bps: float


class QkdPair:
    """Makes the records that both ends report. Begins at once, key making on, its first window now.

    Window number k (0 or more) is [t0 + k * record_period_s, + window_s); it becomes a record when it
    ends, if key was made for the whole of it. Records are numbered from 1 without holes.
    """

    def __init__(
        self,
        source: RecordSource,
        link: Link,
        ledger: Ledger,
        clock: LabClock,
        record_period_s: float,
        window_s: float = RECORD_WINDOW_S,
    ) -> None:
        if window_s > record_period_s:
            raise ValueError(f"windows of {window_s} s cannot begin every {record_period_s} s")
        self.link = link
        self._source = source
        self._ledger = ledger
        self._clock = clock
        self._period_s = record_period_s
        self._window_s = window_s
        self._t0_s = clock.now_s()
        self._window = 0
        self._stopped: set[End] = set()
        self._making_since_s = self._t0_s
        self._records: dict[int, PairRecord] = {}
        self._newest = 0
        self.first_record: PairRecord | None = None
        """The first record ever made."""
        self._schedule_window_end()

    @property
    def is_making_key(self) -> bool:
        """Whether both ends are started."""
        return not self._stopped

    @property
    def newest(self) -> int:
        """Number of the newest record; 0 when there is none."""
        return self._newest

    def is_started(self, end: End) -> bool:
        """Return whether `end` is started."""
        return end not in self._stopped

    def start(self, end: End) -> None:
        """Start one end; key is made while both are started."""
        was_making = self.is_making_key
        self._stopped.discard(end)
        if self.is_making_key and not was_making:
            self._making_since_s = self._clock.now_s()
            self._ledger.restart(self._making_since_s)

    def stop(self, end: End) -> None:
        """Stop one end, and with it the key making of both."""
        self._stopped.add(end)

    def records(self, after: int, limit: int) -> list[PairRecord]:
        """Return at most `limit` records with numbers above `after`, oldest first, of those still held."""
        first = max(after + 1, self._newest - len(self._records) + 1)
        return [self._records[number] for number in range(first, min(first + limit, self._newest + 1))]

    def _schedule_window_end(self) -> None:
        self._clock.at(self._window_start_s() + self._window_s, self._end_window)

    def _window_start_s(self) -> float:
        # From t0 each time: a sum of periods would drift.
        return self._t0_s + self._window * self._period_s

    def _end_window(self) -> None:
        start_s = self._window_start_s()
        if self.is_making_key and self._making_since_s <= start_s:
            self._make_record(start_s)
        self._window += 1
        self._schedule_window_end()

    def _make_record(self, start_s: float) -> None:
        end_s = start_s + self._window_s
        sample = self._source.sample(self._window, start_s, self.link.segments(start_s, end_s))
        self._ledger.advance(end_s, sample)
        self._newest += 1
        record = PairRecord(self._newest, start_s, self._window_s, sample, self._ledger.key_rate_bps())
        self._records[self._newest] = record
        self.first_record = self.first_record or record
        self._records.pop(self._newest - BACKLOG_RECORDS, None)
