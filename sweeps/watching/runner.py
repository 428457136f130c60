"""What is known of the process that holds a run, in words for a watcher."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.record.runner import is_alive

if TYPE_CHECKING:
    from sweeps.record.runner import Runner


@dataclass(frozen=True, slots=True)
class RunnerLife:
    """`lives` is None where it cannot be known; `words` say who the runner is and what is known of it."""

    lives: bool | None
    words: str


def runner_life(runner: Runner | None) -> RunnerLife:
    """Return what is known of the runner that a run's facts name, if they name one."""
    if runner is None:
        return RunnerLife(None, "the record does not say which process holds the run")
    name = f"process {runner.pid} on {runner.host}"
    lives = is_alive(runner)
    if lives is None:
        where = "from here" if runner.host != socket.gethostname() else "on this system"
        return RunnerLife(None, f"{name}; whether it lives cannot be seen {where}")
    return RunnerLife(lives, name if lives else f"{name} no longer lives")
