"""Read little-endian fields within the bounds of one block."""

from __future__ import annotations

import struct

from drivers.facts.sor.errors import SorError
from drivers.facts.sor.text import Text


class ByteReader:
    """Reads fields of `block` one after another from `data[position:end]` and never beyond."""

    def __init__(self, data: bytes, position: int, end: int, block: str) -> None:
        self._data = data
        self._end = end
        self.block = block
        self.position = position

    @property
    def left(self) -> int:
        """Bytes of the block that were not read yet."""
        return self._end - self.position

    def error(self, problem: str) -> SorError:
        """Return an error that names this block and the byte reached."""
        return SorError(self.block, problem, self.position)

    def take(self, field: str, size: int) -> bytes:
        """Return the next `size` bytes; SorError if the block has fewer."""
        if size > self.left:
            raise self.error(f"{field} needs {size} bytes, the block has {self.left} left")
        start = self.position
        self.position += size
        return self._data[start : self.position]

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.take("rest", self.left)

    def u16(self, field: str) -> int:
        """Return an unsigned 16 bit number."""
        return int.from_bytes(self.take(field, 2), "little")

    def u32(self, field: str) -> int:
        """Return an unsigned 32 bit number."""
        return int.from_bytes(self.take(field, 4), "little")

    def i16(self, field: str) -> int:
        """Return a signed 16 bit number."""
        return int.from_bytes(self.take(field, 2), "little", signed=True)

    def i32(self, field: str) -> int:
        """Return a signed 32 bit number."""
        return int.from_bytes(self.take(field, 4), "little", signed=True)

    def numbers(self, field: str, layout: str) -> tuple[int, ...]:
        """Return the numbers of a `struct` layout (little endian, integers only)."""
        return struct.unpack("<" + layout, self.take(field, struct.calcsize("<" + layout)))

    def code(self, field: str, size: int) -> str:
        """Return a text of fixed length, each byte one character."""
        return self.take(field, size).decode("latin-1")

    def text(self, field: str) -> Text:
        """Return a text up to its closing zero, which is read as well."""
        closing = self._data.find(b"\0", self.position, self._end)
        if closing < 0:
            raise self.error(f"{field} has no closing zero before the end of the block")
        raw = self.take(field, closing - self.position)
        self.position += 1
        return Text(raw)

    def count(self, field: str, smallest: int) -> int:
        """Return a 16 bit count of items of at least `smallest` bytes each; SorError if they cannot fit."""
        count = self.u16(field)
        if count * smallest > self.left:
            raise self.error(f"{field} says {count}, {self.left} bytes cannot hold as many")
        return count
