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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from drivers.roles import Role
    from sweeps.choice import Choice
    from sweeps.record.run_record import RunRecord

PROJECT_FOLDER = Path(__file__).parents[2]
_SAFE = b"safe\n"
_BY_THE_GUARD = "by the guard, after the runner was gone"
# Drivers take most of a second to import: too long for a short run, and for one that has just been killed.
_IMPORT_AFTER_S = 2.0


@dataclass
class Guard:
    """What the guard is to do when the block ends that it was started for."""

    is_needed: bool = False
    """Whether gear may not be in its safe state."""


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


def stand_guard(folder: Path) -> None:
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
    from sweeps.record.schema import NOT_SAFE, OTDR_OPEN, SAFE  # noqa: PLC0415 - see _IMPORT_AFTER_S
    from sweeps.running.meta import choice_of_run  # noqa: PLC0415

    choice, meta = choice_of_run(folder, run), run.meta()
    steps: list[Callable[[], tuple[float, str] | None]] = [partial(_reach_safe_state, choice, folder, meta)]
    if OTDR_OPEN in meta:
        steps.insert(0, partial(_darken_otdr, choice, folder, run))
    problems: list[str] = []
    for step in steps:
        try:
            done = step()
        except Exception as error:  # noqa: BLE001 - nobody else is left who could tell
            problems.append(f"{_BY_THE_GUARD}: {type(error).__name__}: {error}")
            continue
        if done is not None:
            now_s, found = done
            run.add_event(now_s, SAFE, f"{_BY_THE_GUARD}; {found}")
    # Last, since it is the last word of this kind that is told to those who watch.
    for problem in problems:
        run.add_event(_newest_time_s(choice, run), NOT_SAFE, problem)


def _darken_otdr(choice: Choice, folder: Path, run: RunRecord) -> tuple[float, str] | None:
    """End the light of the OTDR that was open; return lab time and what was found, None if the lab is gone.

    StationError if it is not reached, or, with nothing set, if it is another one than that of the run.
    """
    from drivers.safe_state import insist  # noqa: PLC0415 - see _IMPORT_AFTER_S
    from sweeps.record.schema import OTDR_OPEN  # noqa: PLC0415
    from sweeps.running.bench import open_otdr_again  # noqa: PLC0415
    from sweeps.running.identities import changed_otdr  # noqa: PLC0415

    meta = run.meta()
    name: str = meta[OTDR_OPEN]
    with open_otdr_again(choice, folder, name) as opened:
        if opened is None:
            return None
        otdr, clock = opened
        _refuse(insist(partial(changed_otdr, meta, name, otdr), clock))
        was_lit = insist(otdr.laser_on, clock)
        insist(otdr.stop, clock)
        run.forget_meta(OTDR_OPEN)
        return clock.now_s(), f"found: {name} sends light" if was_lit else f"{name} was found without light"


def _reach_safe_state(choice: Choice, folder: Path, meta: dict[str, Any]) -> tuple[float, str] | None:
    """Bring the attenuator there; return the lab time and what was found, None if the lab is gone.

    All other gear may be out of reach. StationError, with nothing set, if the attenuator is another one than
    that of the run.
    """
    from drivers.safe_state import insist  # noqa: PLC0415 - see _IMPORT_AFTER_S
    from sweeps.running.bench import leased_gear, open_bench_again  # noqa: PLC0415
    from sweeps.running.cords import cords_away, cords_in_words  # noqa: PLC0415
    from sweeps.running.identities import changed_attenuator  # noqa: PLC0415

    roles: list[Role] = ["attenuator"]
    with (
        leased_gear(choice, folder, "guard", roles),
        open_bench_again(choice, folder, roles) as station,
    ):
        if station is None:
            return None
        _refuse(insist(partial(changed_attenuator, meta, station.attenuator()), station.clock))
        if cords_away(meta, choice.station).ports:
            station.take_attenuator_for_off_link()
        unsafe = station.unsafe()
        if unsafe:
            station.make_safe()
        found = f"found: {'; '.join(unsafe)}" if unsafe else "the gear was found in it"
        cords = cords_in_words(meta, choice.station)
        return station.clock.now_s(), found if cords is None else f"{found}; {cords}"


def _refuse(changes: list[str]) -> None:
    from drivers.errors import StationError  # noqa: PLC0415 - see _IMPORT_AFTER_S

    if changes:
        raise StationError(f"another device answers: {'; '.join(changes)}")


def _newest_time_s(choice: Choice, run: RunRecord) -> float:
    """Return a lab time for an event when there is no clock to ask."""
    from drivers.clock import utc_now_s  # noqa: PLC0415 - see _IMPORT_AFTER_S

    begun_s = utc_now_s() if choice.target == "lab" else choice.plan.virtual_t0.timestamp()
    return run.newest_lab_time_s() or begun_s


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stand_guard(Path(sys.argv[1]))
