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
_ACTOR = "lab history"  # no gear can have that name


class HistoryError(Exception):
    """A history from which the lab cannot be made again; the text says which file and why."""


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
        # Each lab's first act is that it began, which does nothing.
        self._actors: dict[str, Callable[[str], object]] = {_ACTOR: lambda _began: None}
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
        """Return all acts in the order in which they were done, and drop a last one that broke off.

        HistoryError if another one cannot be read, or if there is none; the file then stays as it is.
        """
        acts: list[Act] = []
        whole_bytes = 0
        lines = self._path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            act = _act_in(line)
            if act is not None:
                acts.append(act)
                whole_bytes += len(line)
            elif number < len(lines):
                raise HistoryError(
                    f"{self._path}: line {number} of {len(lines)} is no act: the file was damaged, and"
                    " without that act the lab would be another one"
                )
        if not acts:
            raise HistoryError(f"{self._path}: holds no act: nothing tells how the earlier lab stood")
        self._file.truncate(whole_bytes)
        return acts

    def do_again(self, act: Act) -> None:
        """Carry out `act`; its time must have come."""
        self._is_replaying = True
        try:
            self._actors[act.to](act.do)
        finally:
            self._is_replaying = False

    def begin(self) -> None:
        """Begin anew: what was done belongs to an older lab."""
        self._file.truncate(0)
        self.note(_ACTOR, "begin")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _act_in(line: bytes) -> Act | None:
    """Return the act that a line holds; None if it broke off or is none."""
    if not line.endswith(b"\n"):
        return None
    try:
        return Act.model_validate_json(line)
    except ValidationError:
        return None
