"""The guard of a run: a small process that brings the gear to safety when the runner was killed.

It waits at the end of a pipe. Word on it says that all is safe; its end without word says that the runner
is gone, by `kill -9` or otherwise, or could not reach the safe state, and the guard reaches it over
connections of its own.
"""

from __future__ import annotations

import importlib
import select
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from sweeps.choice import Choice
    from sweeps.record.run_record import RunRecord

PROJECT_FOLDER = Path(__file__).parents[2]
_SAFE = b"safe\n"
# Drivers take most of a second to import: too long for a short run, and for one that has just been killed.
_IMPORT_AFTER_S = 2.0


@dataclass
class Guard:
    """What the guard is to do when the block ends that it was started for."""

    is_needed: bool = False
    """Whether gear was opened and not yet brought into its safe state."""


@contextmanager
def guarded(folder: Path) -> Generator[Guard]:
    """Have a guard for the run of `folder` while the block runs, and see it off: to work if it is needed.

    The block must leave the run's lease, which the guard then needs.
    """
    guard = Guard()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "sweeps.running.guard", str(folder.resolve())],
        cwd=PROJECT_FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # What is sent to the runner's group must not reach it.
        start_new_session=True,
    )
    try:
        yield guard
    finally:
        with suppress(OSError):
            process.communicate(b"" if guard.is_needed else _SAFE)


def watch(folder: Path) -> None:
    """Wait for the runner's word or its end, and make the gear safe if it ended without."""
    pipe = sys.stdin.buffer
    if not select.select([pipe], [], [], _IMPORT_AFTER_S)[0]:
        # To have it at hand; and the code on the disk may be another one in ten days.
        importlib.import_module("sweeps.running.bench")
    if pipe.readline() != _SAFE:
        make_safe(folder)


def make_safe(folder: Path) -> None:
    """Bring the gear of a run whose process is gone into its safe state; what was done is in the record."""
    from drivers.errors import BenchError  # noqa: PLC0415 - see _IMPORT_AFTER_S
    from sweeps.record.run_record import RunRecord  # noqa: PLC0415
    from sweeps.running.lease import run_lease  # noqa: PLC0415

    # Who has the run now, a new runner, looks at the gear himself.
    with suppress(BenchError), run_lease(folder, "guard"), RunRecord.open(folder) as run:
        _make_safe(folder, run)


def _make_safe(folder: Path, run: RunRecord) -> None:
    from sweeps.procedures.registry import PROCEDURES  # noqa: PLC0415 - see _IMPORT_AFTER_S
    from sweeps.running.bench import leased_gear, open_bench_again  # noqa: PLC0415
    from sweeps.running.meta import choice_of_run  # noqa: PLC0415

    choice = choice_of_run(folder, run)
    roles = PROCEDURES[run.meta()["procedure"]].roles
    try:
        with (
            leased_gear(choice, folder, "guard", roles),
            open_bench_again(choice, folder, roles) as station,
        ):
            if station is None:
                return
            unsafe = station.unsafe()
            if unsafe:
                station.make_safe()
            now_s = station.clock.now_s()
    except Exception as error:  # noqa: BLE001 - nobody else is left who could tell
        told = f"by the guard, after the runner was gone: {type(error).__name__}: {error}"
        run.add_event(_newest_time_s(choice, run), "safe state NOT reached", told)
    else:
        found = f"found: {'; '.join(unsafe)}" if unsafe else "the gear was found in it"
        run.add_event(now_s, "safe state", f"by the guard, after the runner was gone; {found}")


def _newest_time_s(choice: Choice, run: RunRecord) -> float:
    """Return a lab time for an event when there is no clock to ask."""
    from drivers.clock import utc_now_s  # noqa: PLC0415 - see _IMPORT_AFTER_S

    begun_s = utc_now_s() if choice.target == "lab" else choice.plan.virtual_t0.timestamp()
    return run.newest_lab_time_s() or begun_s


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(Path(sys.argv[1]))
