"""What needs a person: gaps, failed readings, an unsafe end, a runner gone, silence, odd telemetry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.record.schema import NOT_READ, NOT_SAFE, SAFE
from sweeps.record.state import RunState
from sweeps.record.words import utc
from sweeps.watching.run_view import Alarm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.record.schema import Event

NO_NUMBER = "a value is no number"
MOST_TEXT = 240
SILENT_PERIODS = 3
SILENT_VIRTUAL_S = 30.0
"""A virtual clock makes days of records in minutes: its period says nothing about how long a person waits."""


@dataclass(slots=True)
class Told:
    """How often the journal told of one kind of trouble, and what it said last."""

    count: int = 0
    last: Event | None = None

    def note(self, event: Event) -> None:
        """Take in one line of the journal."""
        self.count += 1
        self.last = event


@dataclass(slots=True)
class OddTelemetry:
    """Records whose values cannot be right, or say that no key is made where it should be."""

    count: int = 0
    newest: str = ""
    """What is odd about the newest record; empty if nothing is."""
    last: str = ""
    last_s: float = 0.0

    def note(self, window_start_s: float, oddity: str) -> None:
        """Take in one record, with what is odd about it or nothing."""
        self.newest = oddity
        if oddity:
            self.count += 1
            self.last, self.last_s = oddity, window_start_s


def oddity_of(values: Sequence[float], *, is_key_expected: bool) -> str:
    """Return what is not sane about a record's key rate, QBER, visibility and count; empty if all is."""
    skr_bps, qber, visibility, detection_count = values
    checks = (
        (not all(math.isfinite(value) for value in values), NO_NUMBER),
        (skr_bps < 0, f"the key rate is {skr_bps:g} bps"),
        (skr_bps == 0 and is_key_expected, "the key rate is 0"),
        (not 0 <= qber <= 1, f"the QBER is {qber:g}, no fraction"),
        (not 0 <= visibility <= 1, f"the visibility is {visibility:g}, no fraction"),
        (detection_count <= 0, "nothing was detected"),
    )
    return ", ".join(text for is_odd, text in checks if is_odd)


@dataclass(frozen=True, slots=True)
class Trouble:
    """All that alarms are made of."""

    state: RunState
    reason: str
    missing: int
    lost: int
    not_read: Told
    safety: Event | None
    """What the journal told last of the safe state, in this session of the run."""
    odd: OddTelemetry
    newest_record_utc_s: float | None
    silent_since_utc_s: float | None
    """Since when a record is overdue; None if none is."""


def alarms_of(trouble: Trouble) -> tuple[Alarm, ...]:
    """Return the alarms, those that hold now first."""
    found = [
        *_of_the_end(trouble),
        *_of_silence(trouble),
        *_of_odd_telemetry(trouble),
        *_of_failed_readings(trouble),
        *_of_gaps(trouble),
    ]
    return tuple(sorted(found, key=lambda alarm: not alarm.is_now))


def _of_the_end(trouble: Trouble) -> list[Alarm]:
    found: list[Alarm] = []
    safety = trouble.safety
    if safety is not None and safety.kind == NOT_SAFE:
        found.append(Alarm(is_now=True, text=f"{NOT_SAFE}: {_cut(safety.text)}"))
    if trouble.state is RunState.GONE:
        told = "see to it that the gear is in its safe state"
        if safety is not None and safety.kind == SAFE:
            told = f"the gear was brought to its safe state: {_cut(safety.text)}"
        found.append(Alarm(is_now=True, text=f"{trouble.reason}, and it left no word; {told}"))
    if trouble.state is RunState.BROKEN_OFF:
        found.append(Alarm(is_now=True, text=f"the run was broken off: {_cut(trouble.reason)}"))
    return found


def _of_silence(trouble: Trouble) -> list[Alarm]:
    if trouble.silent_since_utc_s is None or trouble.state.is_over():
        return []
    return [Alarm(is_now=True, text=f"no new record since {utc(trouble.silent_since_utc_s)} UTC")]


def _of_odd_telemetry(trouble: Trouble) -> list[Alarm]:
    odd = trouble.odd
    if not odd.count:
        return []
    is_now = bool(odd.newest) and not trouble.state.is_over()
    told = f"{odd.last} in the newest record" if odd.newest else f"{odd.last} at {utc(odd.last_s)} UTC"
    return [Alarm(is_now=is_now, text=f"{told}; {_plural(odd.count, 'such record')} so far")]


def _of_failed_readings(trouble: Trouble) -> list[Alarm]:
    last = trouble.not_read.last
    if last is None:
        return []
    newest_utc_s = trouble.newest_record_utc_s
    is_now = not trouble.state.is_over() and (newest_utc_s is None or last.utc_s > newest_utc_s)
    told = f"{NOT_READ}, {_plural(trouble.not_read.count, 'time')}, last at {utc(last.lab_time_s)} UTC"
    return [Alarm(is_now=is_now, text=f"{told}: {_cut(last.text)}")]


def _of_gaps(trouble: Trouble) -> list[Alarm]:
    found: list[Alarm] = []
    if trouble.missing:
        found.append(Alarm(is_now=False, text=f"{_plural(trouble.missing, 'slot')} without a record"))
    if trouble.lost:
        found.append(Alarm(is_now=False, text=f"{_plural(trouble.lost, 'record')} lost by the appliance"))
    return found


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
