"""What devices and people said, so that it can be shown at a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with everything that could steer a terminal written as its escape sequence."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
