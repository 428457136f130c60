"""A process of a host, such as that which works on a run, and whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from drivers.clock import utc_now_s

_PROC = Path("/proc")
_SLACK_S = 60.0
_ENDED_STATES = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class HostProcess:
    """A process, as a run's meta names under "runner" the one that works on it."""

    pid: int
    host: str
    started_utc_s: float
    """When it began with what it does, s since the Unix epoch: a runner took its run up then."""
    started_ticks: int | None = None
    """When it was started itself, in clock ticks since the boot of its host; None where nothing tells."""


def this_process() -> HostProcess:
    """Return the process that asks."""
    return process_of(os.getpid())


def process_of(pid: int) -> HostProcess:
    """Return the living process `pid` of this host so that it can be told from a later one of that number."""
    stat = _proc_stat(pid)
    return HostProcess(pid, socket.gethostname(), utc_now_s(), None if stat is None else stat[1])


def is_alive(process: HostProcess) -> bool | None:
    """Tell whether the process still runs; None if that cannot be told from this host.

    A process that has ended but is not yet collected by its parent does not run, and one that was given
    the same number later is another.
    """
    if process.host != socket.gethostname() or os.name != "posix":
        return None
    try:
        os.kill(process.pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's, and so there
        pass
    stat = _proc_stat(process.pid)
    if stat is None:  # no /proc, or one that hides other people's processes
        return True
    state, ticks = stat
    return state not in _ENDED_STATES and _is_same(process, ticks)


def _is_same(process: HostProcess, ticks: int) -> bool:
    if process.started_ticks is not None:
        return ticks == process.started_ticks
    boot_utc_s = _boot_utc_s()
    if boot_utc_s is None:
        return True
    # A host clock that was set meanwhile moves this by as much.
    return boot_utc_s + ticks / os.sysconf("SC_CLK_TCK") <= process.started_utc_s + _SLACK_S


def _proc_stat(pid: int) -> tuple[str, int] | None:
    """Return state and start (ticks since boot) of a process, proc_pid_stat(5) fields 3 and 22."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # Field 2 is the program's name in brackets, and may hold brackets and spaces of its own.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _boot_utc_s() -> float | None:
    """Return when the host was booted, s since the Unix epoch: line `btime` of proc_stat(5)."""
    try:
        lines = (_PROC / "stat").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), None)
