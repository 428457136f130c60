"""Texts of a `.sor` file: the format names no character set, so the bytes are what is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A text as its bytes, without the closing zero; `str()` shows it."""

    raw: bytes = b""

    @classmethod
    def of(cls, text: str) -> Text:
        """Return `text` in UTF-8."""
        return cls(text.encode())

    def __str__(self) -> str:
        # Latin-1 takes any byte, and is what makers wrote before UTF-8.
        try:
            return self.raw.decode()
        except UnicodeDecodeError:
            return self.raw.decode("latin-1")


NO_TEXT = Text()
