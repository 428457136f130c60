"""How what a record holds is written for people at a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from drivers.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sweeps.record.run_record import RunRecord

UNKNOWN = "-"
_RANGES_TOLD = 8


def utc(seconds: float | None) -> str:
    """Write s since the Unix epoch as UTC, or as they are where there is no such date."""
    if seconds is None:
        return UNKNOWN
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{seconds!r} s"


def plain(value: object) -> str:
    """Write any value in one line; what a device said cannot steer the terminal."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(str(value))


def commit(commits: Iterable[str], is_dirty: bool | None) -> str:
    """Write commits short, with a + where the code differed from them, and a ? where that is not known."""
    short = ", ".join(each[:8] for each in commits)
    if is_dirty is None:
        return f"{short}?" if short else UNKNOWN
    return f"{short or UNKNOWN}{'+' if is_dirty else ''}"


def end_in_words(run: RunRecord, planned: int) -> str:
    """Write what a run has of its `planned` records when its schedule is over."""
    gaps = sum(gap.slot is not None for gap in run.gaps())
    return f"schedule over: {run.count_records()} of {planned} records, {gaps} gap{'' if gaps == 1 else 's'}"


def ranges(numbers: Iterable[int]) -> str:
    """Write whole numbers as ranges: `0-2, 7`."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    told = [str(first) if first == last else f"{first}-{last}" for first, last in found[:_RANGES_TOLD]]
    more = len(found) - _RANGES_TOLD
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Give every leaf of nested facts with its path: `alice.serial`, `XGR-0001`."""
    if isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            yield from flat(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        yield path, ", ".join(plain(part) for part in cast("list[Any]", value)) or UNKNOWN
    else:
        yield path, plain(value)
