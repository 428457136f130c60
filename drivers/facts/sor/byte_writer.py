"""Write little-endian fields of one block; what does not fit its field is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.sor.errors import SorError

if TYPE_CHECKING:
    from drivers.facts.sor.text import Text


class ByteWriter:
    """Collects the bytes of `block`."""

    def __init__(self, block: str) -> None:
        self.block = block
        self.data = bytearray()

    def error(self, problem: str) -> SorError:
        """Return an error that names this block."""
        return SorError(self.block, problem)

    def raw(self, data: bytes) -> None:
        """Add `data` as it is."""
        self.data += data

    def u16(self, field: str, value: int | None) -> None:
        """Add an unsigned 16 bit number."""
        self._number(field, value, 2, signed=False)

    def u32(self, field: str, value: int | None) -> None:
        """Add an unsigned 32 bit number."""
        self._number(field, value, 4, signed=False)

    def i16(self, field: str, value: int | None) -> None:
        """Add a signed 16 bit number."""
        self._number(field, value, 2, signed=True)

    def i32(self, field: str, value: int | None) -> None:
        """Add a signed 32 bit number."""
        self._number(field, value, 4, signed=True)

    def code(self, field: str, value: str | None, size: int) -> None:
        """Add a text of exactly `size` characters, one byte each."""
        if value is None:
            raise self._missing(field)
        try:
            raw = value.encode("latin-1")
        except UnicodeEncodeError:
            raise self.error(f"{field} {value!r} has a character beyond Latin-1") from None
        if len(raw) != size:
            raise self.error(f"{field} {value!r} must have {size} characters")
        self.data += raw

    def text(self, field: str, value: Text) -> None:
        """Add a text and its closing zero."""
        if b"\0" in value.raw:
            raise self.error(f"{field} holds a zero byte, which would end the text early")
        self.data += value.raw + b"\0"

    def _number(self, field: str, value: int | None, size: int, *, signed: bool) -> None:
        if value is None:
            raise self._missing(field)
        try:
            self.data += value.to_bytes(size, "little", signed=signed)
        except OverflowError:
            kind = "signed" if signed else "unsigned"
            raise self.error(f"{field} {value} does not fit {8 * size} bits {kind}") from None

    def _missing(self, field: str) -> SorError:
        return self.error(f"{field} is None; as_version_2 fills in what version 1 does not hold")
