"""A progress that counts what it is told."""

from __future__ import annotations

from sweeps.progress import Silent


class ToldProgress(Silent):
    """Counts what was done here and what was done before."""

    def __init__(self) -> None:
        self.advanced = 0
        self.skipped = 0

    def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
        """Count what is done."""
        self.advanced += steps

    def skip(self, steps: int) -> None:
        """Count what was done before."""
        self.skipped += steps
