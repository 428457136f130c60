"""The lab's journal: what was planned, what struck and what was done by hand, in lab time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.lab import JournalEntry

if TYPE_CHECKING:
    from collections.abc import Callable


class Journal:
    """What happened in a lab, oldest first."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.entries: list[JournalEntry] = []

    def note(self, kind: str, text: str) -> None:
        """Write one line at the present lab time."""
        self.entries.append(JournalEntry(t_s=self._now_s(), kind=kind, text=text))
