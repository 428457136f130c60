"""A definite-length block of IEEE 488.2: `#`, a digit, as many digits of length, the bytes, a line end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN_BYTES = 60


class BlockError(ValueError):
    """What came is no such block; the text says what it is."""


def read_block(receive: Callable[[int], bytes], max_bytes: int) -> bytes:
    """Read a block and its line end, and return its bytes; BlockError if it is none or is too long.

    `receive(count)` returns the next bytes, 1 to `count` of them. Not a byte more than the answer is taken.
    """
    start = _exactly(receive, 2)
    if start[:1] != b"#" or not start[1:].isdigit():
        raise BlockError(f"no block came, it begins with {start!r}")
    digits = _exactly(receive, int(start[1:]))
    # `#0` begins a block without a length: where it ends, the wire cannot tell.
    if not digits.isdigit():
        raise BlockError(f"the block does not say how long it is: {start + digits!r}")
    length = int(digits)
    if length > max_bytes:
        raise BlockError(f"the block has {length} bytes, no more than {max_bytes} are taken")
    block = _exactly(receive, length)
    end = _exactly(receive, 1)
    if end == b"\r":
        end = _exactly(receive, 1)
    if end != b"\n":
        shown = block[-_SHOWN_BYTES:] + end
        raise BlockError(f"the block goes on behind the {length} bytes that it says it has: {shown!r}")
    return block


def _exactly(receive: Callable[[int], bytes], count: int) -> bytes:
    taken = bytearray()
    while len(taken) < count:
        taken += receive(count - len(taken))
    return bytes(taken)
