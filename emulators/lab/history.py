"""What clients did to the lab, kept on disk so that a lab that died can be started where it was.

All else that happens in a lab follows from plan, seed and time. So a new process that does the same acts at
the same lab times is the same lab: same settings, same movements, same key blocks in work. Questions change
nothing and are not kept, nor are a device's error queue and how often a planned fault was looked at without
striking.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_NAME = "lab-history.jsonl"


class Act(BaseModel):
    """One thing that a client did to one part of the lab."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    t_s: float
    to: str
    """Name of the gear, or of a part of the lab itself."""
    do: str


class History:
    """Appends every act to `path` before it is done; `actors` do them again."""

    def __init__(self, path: Path, now_s: Callable[[], float]) -> None:
        self._path = path
        self._now_s = now_s
        self._actors: dict[str, Callable[[str], object]] = {}
        self._is_replaying = False
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what was written survives the death of this process.
        self._file = path.open("ab", buffering=0)
        self._unwritten = b""

    def add_actor(self, name: str, do: Callable[[str], object]) -> None:
        """Let `do` carry out the acts that are kept for `name`."""
        self._actors[name] = do

    def note(self, to: str, do: str) -> None:
        """Keep that `do` is about to be done to `to` now; nothing while acts are being done again."""
        if not self._is_replaying:
            act = Act(t_s=self._now_s(), to=to, do=do)
            self._unwritten += act.model_dump_json().encode() + b"\n"
            # A full disk must not take the lab down: what does not fit waits for the next act.
            with suppress(OSError):
                self._unwritten = self._unwritten[self._file.write(self._unwritten) or 0 :]

    def recover(self) -> list[Act]:
        """Return all acts in the order in which they were done, and drop a last one that broke off."""
        acts: list[Act] = []
        whole_bytes = 0
        for line in self._path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                acts.append(Act.model_validate_json(line))
            except ValidationError:
                break
            whole_bytes += len(line)
        self._file.truncate(whole_bytes)
        return acts

    def do_again(self, act: Act) -> None:
        """Carry out `act`; its time must have come."""
        self._is_replaying = True
        try:
            self._actors[act.to](act.do)
        finally:
            self._is_replaying = False

    def forget(self) -> None:
        """Begin anew: what was done belongs to an older lab."""
        self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
