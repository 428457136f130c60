"""How a run stands: finished, broken off, or still at work."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sweeps.record.host_process import is_alive

if TYPE_CHECKING:
    from sweeps.record.facts import RunFacts


class RunState(StrEnum):
    """How a run stands, in words for people and machines."""

    FINISHED = "finished"
    BROKEN_OFF = "broken off"
    """It ended before its plan was done and said why."""
    RUNNING = "running"
    GONE = "process gone"
    """Broken off without a word: nobody works on it any more."""
    ELSEWHERE = "on another host"
    """Taken up on another host, and whether it still runs there cannot be told from here."""
    UNREADABLE = "unreadable"
    WAITING = "waiting to start"
    """Somebody works on it and takes no records yet: only who reads its rows can tell, `state_of` cannot."""

    def is_over(self) -> bool:
        """Return whether no more records are to be expected unless somebody takes the run up again."""
        return self in {RunState.FINISHED, RunState.BROKEN_OFF, RunState.GONE}


def state_of(facts: RunFacts) -> RunState:
    """Return how a run of these facts stands now.

    A runner may finish between the reading of the facts and this look at its process: who gets `GONE`
    reads the facts once more.
    """
    if facts.finished_utc_s is not None:
        return RunState.FINISHED
    if facts.ended is not None:
        return RunState.BROKEN_OFF
    if facts.runner is None:
        return RunState.GONE
    alive = is_alive(facts.runner)
    if alive is None:
        return RunState.ELSEWHERE
    return RunState.RUNNING if alive else RunState.GONE
