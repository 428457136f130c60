"""Why a run stands as it does, in words for a watcher."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from sweeps.record.state import RunState

if TYPE_CHECKING:
    from sweeps.record.facts import RunFacts


def reason_of(facts: RunFacts, state: RunState) -> str:
    """Return how a run of these facts ended, or which process holds it and what is known of that."""
    if state is RunState.FINISHED:
        return "all that was planned is done"
    if facts.ended is not None:
        return _how_it_ended(facts.ended)
    runner = facts.runner
    if runner is None:
        return "the record does not say which process holds the run"
    name = f"process {runner.pid} on {runner.host}"
    if state is RunState.GONE:
        return f"{name} no longer lives"
    if state is RunState.ELSEWHERE:
        where = "from here" if runner.host != socket.gethostname() else "on this system"
        return f"{name}; whether it lives cannot be seen {where}"
    return name


def _how_it_ended(told: str) -> str:
    """Return what was noted at the end of a run, in words; an interrupt is noted by its name only."""
    name, _, words = told.partition(":")
    if name == "KeyboardInterrupt" and not words.strip():
        return "interrupted by Ctrl-C or a signal"
    return told
