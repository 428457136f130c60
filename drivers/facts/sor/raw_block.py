"""A block whose inside is not known here: kept byte for byte."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A maker's own block, or a standard one that is only listed (size 0) or in a layout not known here."""

    name: str
    """As the map gives it, each byte one character."""
    body: bytes
    """The whole block; in version 2 makers begin it with its name and a zero."""
    revision: int = 200

    def content(self) -> bytes:
        """Return the body without the name that it may begin with."""
        return self.body.removeprefix(self.name.encode("latin-1") + b"\0")
