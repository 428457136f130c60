"""`python -m tests.running.dying`: a runner that is killed at a moment of its run, without a last word."""

from __future__ import annotations

import argparse
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from drivers.clock import WallClock
from drivers.lab_control.clock import VirtualLabClock
from sweeps.choice import choose
from sweeps.procedures import stability
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.run_record import LOG_NAME
from sweeps.running.run import resume_procedure, run_procedure

if TYPE_CHECKING:
    from sweeps.procedures.registry import Procedure

AT_START = -1
"""Before the first schedule."""
PREPARED = 0
"""With the link at its reference, before the first record."""
NOBODY = "TCPIP::127.0.0.1::9::SOCKET"
OTDR_POLL_S = 0.5


def pids_of(*words: str) -> list[int]:
    """Return the processes of this host that have all of `words` in their command line."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if line and all(word in line for word in words):
            found.append(int(process.name))
    return found


def guards_of(folder: Path) -> list[int]:
    """Return the guards of the run of `folder` that live."""
    return pids_of("sweeps.running.guard", str(folder.resolve()))


def kill(pids: list[int]) -> None:
    """Kill processes and see that they are gone."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    clock = WallClock()
    while any(Path(f"/proc/{pid}/cmdline").exists() and _lives(pid) for pid in pids):
        clock.sleep(0.005)


def _lives(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def lose(folder: Path, names: list[str]) -> None:
    """Have nobody answer at the addresses of these instruments of the lab of `folder`."""
    path = folder / "lab.json"
    addresses = json.loads(path.read_text())
    for name in names:
        addresses["connections"][name]["resource"] = NOBODY
    path.write_text(json.dumps(addresses))


class Death(Silent):
    """Kills the victims once so many records are taken, itself last."""

    def __init__(self, folder: Path, records: int, victims: list[str], out_of_reach: list[str]) -> None:
        self._folder = folder
        self._left = records
        self._victims = victims
        self._out_of_reach = out_of_reach

    def advance(self, steps: int, text: str) -> None:  # noqa: ARG002 - the Protocol's signature
        self._left -= steps
        if self._left == 0:
            self.strike()

    def skip(self, steps: int) -> None:  # noqa: ARG002 - the Protocol's signature
        if self._left == PREPARED:
            self.strike()

    def strike(self) -> NoReturn:
        if self._out_of_reach:
            lose(self._folder, self._out_of_reach)
        if "guard" in self._victims:
            kill(guards_of(self._folder))
        if "lab" in self._victims:
            kill([json.loads((self._folder / "lab.json").read_text())["pid"]])
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def mortal(procedure: Procedure, death: Death, records: int) -> Procedure:
    if records != AT_START:
        return procedure

    def die_at_once(*_arguments: object) -> None:
        death.strike()

    return replace(procedure, run=die_at_once)


def die_at_a_poll(death: Death, polls: int) -> None:
    """Have the bench die while it waits, for so many times, for an OTDR that measures."""
    sleep, left = VirtualLabClock.sleep, [polls]

    def counted(self: VirtualLabClock, duration_s: float) -> None:
        left[0] -= duration_s == OTDR_POLL_S
        if left[0] == 0:
            death.strike()
        sleep(self, duration_s)

    VirtualLabClock.sleep = counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("procedure")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--victim", action="append", default=[])
    parser.add_argument("--out-of-reach", action="append", default=[])
    parser.add_argument("--polls", type=int)
    parser.add_argument("--target", default="emulator")
    parser.add_argument("--settle-s", type=float, default=stability.SETTLE_S)
    options = parser.parse_args()
    stability.SETTLE_S = options.settle_s
    choice = choose(options.inventory, None, "smoke", options.target, 1)
    death = Death(options.folder, options.records, options.victim, options.out_of_reach)
    if options.polls is not None:
        die_at_a_poll(death, options.polls)
    procedure = mortal(PROCEDURES[options.procedure], death, options.records)
    is_there = (options.folder / LOG_NAME).exists()
    work = resume_procedure if is_there else run_procedure
    work(choice, procedure, options.folder, death)


if __name__ == "__main__":
    main()
