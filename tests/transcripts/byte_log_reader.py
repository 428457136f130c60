"""The byte log read back: what was said to one device and what it answered, in order."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.wires.byte_log import _MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE = re.compile(r"(?P<utc_s>\d+\.\d+) (?P<device>\S+) (?P<direction>[<>!]) (?P<literal>b['\"].*)")


class TranscriptError(Exception):
    """A log of which no test can be made; the text says which line, and why."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message to the device, and all that it said before the next: nothing, where it has no answer."""

    sent: bytes
    answer: bytes


def read_transcript(path: Path, device: str) -> list[Exchange]:
    """Read what went over the wire of `device`.

    TranscriptError for a line that is no byte log's, a message that the log cut off, an exchange that failed,
    an answer to nothing, or a log without the device.
    """
    exchanges: list[Exchange] = []
    for where, direction, message in _messages(path, device):
        if direction == "!":
            raise TranscriptError(f"{where}: an exchange failed ({message.decode()}); end the log before it")
        if len(message) == _MAX_MESSAGE_BYTES:  # where it cuts, unless it was told to keep all
            raise TranscriptError(f"{where}: the log has kept only the beginning of this message")
        if direction == ">":
            exchanges.append(Exchange(message, b""))
        elif exchanges:
            last = exchanges[-1]
            exchanges[-1] = Exchange(last.sent, last.answer + message)
        else:
            raise TranscriptError(f"{where}: an answer before the first question; begin the log earlier")
    if not exchanges:
        raise TranscriptError(f"{path}: nothing was said to {device!r}")
    return exchanges


def _messages(path: Path, device: str) -> Iterator[tuple[str, str, bytes]]:
    """Give place, direction and bytes of each message of `device`."""
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
        where = f"{path.name}, line {number}"
        found = _LINE.fullmatch(line)
        if found is None:
            raise TranscriptError(f"{where}: this is no line of a byte log: {line[:80]!r}")
        if found["device"] == device:
            yield where, found["direction"], _bytes_of(found["literal"], where)


def _bytes_of(literal: str, where: str) -> bytes:
    try:
        value: object = ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        value = None
    if not isinstance(value, bytes):
        raise TranscriptError(f"{where}: the message cannot be read: {literal[:80]}")
    return value
