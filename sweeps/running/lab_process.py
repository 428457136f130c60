"""The process of an emulated lab: started for a run, found again, ended; what it serves is in `lab.json`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal, TextIO

from drivers.clock import WallClock
from drivers.errors import LabError
from drivers.facts.lab import ControlRequest
from drivers.lab_control.control import LabControl
from drivers.lab_control.lab_file import read_lab_file
from sweeps.record.host_process import HostProcess, is_alive, process_of
from sweeps.record.provenance import PROJECT_FOLDER
from sweeps.record.run_record import ARTEFACTS_NAME
from sweeps.running.signals import signals_deferred

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.lab import LabAddresses
    from sweeps.choice import Choice

INVENTORY_NAME = "inventory.yaml"
_LAB_NAME = "lab.json"
_PROCESS_NAME = "lab-process.json"
_START_WALL_S = 60.0
# Going on after ten days means to make ten days of records anew first.
_CATCH_UP_WALL_S = 600.0
_END_WALL_S = 10.0
_IDLE_EXIT_S = 600


@contextmanager
def emulated_lab(choice: Choice, folder: Path, go_on_at_s: float | None = None) -> Generator[LabAddresses]:
    """Run a lab for the chosen station while the block runs; its files go into `folder`.

    They are lab.json, lab-process.json, lab-history.jsonl, artefacts/lab.log and the PKI; it reads the
    folder's inventory. With `go_on_at_s` the folder's own lab is used: the living one, or if it died a new
    one that goes on from there (lab time in s since the Unix epoch). LabError with the lab's own words if it
    does not start.
    """
    addresses = None if go_on_at_s is None else living_lab(folder)
    process: subprocess.Popen[str] | None = None
    try:
        if addresses is None:
            _end_leftover(folder)
            with signals_deferred():  # no lab that nobody knows of
                process = _start(choice, folder, go_on_at_s)
            addresses = _read_addresses(process, folder, go_on_at_s)
        yield addresses
    finally:
        _end(addresses, process)
        if process is None:
            _end_leftover(folder)


def living_lab(folder: Path) -> LabAddresses | None:
    """Return the addresses of the lab that was started for `folder`, if it lives."""
    with suppress(LabError):
        addresses = read_lab_file(folder / _LAB_NAME)
        _ask(addresses, "now")
        return addresses
    return None


def _start(choice: Choice, folder: Path, go_on_at_s: float | None) -> subprocess.Popen[str]:
    place = folder.resolve()
    command = [sys.executable, "-m", "emulators", "serve", str(place / INVENTORY_NAME)]
    command += ["--station", choice.station_name, "--plan", choice.plan_name, "--seed", str(choice.seed)]
    command += ["--clock", "virtual", "--folder", str(place), "--idle-exit-s", str(_IDLE_EXIT_S)]
    if go_on_at_s is not None:
        command += ["--go-on-at-s", repr(go_on_at_s)]
    with _open_log(folder / ARTEFACTS_NAME / "lab.log") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=PROJECT_FOLDER,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches every process of a terminal's group; the lab must outlive the way to safety.
            start_new_session=True,
        )
    with suppress(OSError):  # then nobody but this process can end it
        (folder / _PROCESS_NAME).write_text(json.dumps(asdict(process_of(process.pid))))
    return process


def _open_log(path: Path) -> TextIO:
    try:
        return path.open("a")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from None


def _read_addresses(process: subprocess.Popen[str], folder: Path, go_on_at_s: float | None) -> LabAddresses:
    """Wait for the lab's one line that says it is ready."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    patience_s = _START_WALL_S if go_on_at_s is None else _CATCH_UP_WALL_S
    ready, _, _ = select.select([process.stdout], [], [], patience_s)
    line = process.stdout.readline() if ready else ""
    if not line:
        words = (folder / ARTEFACTS_NAME / "lab.log").read_text().strip() or "it said nothing"
        raise LabError(f"the emulated lab did not start: {words}")
    return read_lab_file(folder / _LAB_NAME)


def _ask(addresses: LabAddresses, do: Literal["now", "shutdown"]) -> None:
    """Ask a lab one thing over a connection of its own."""
    with closing(LabControl(addresses.control, addresses.lab_id)) as control:
        control.ask(ControlRequest(do=do))


def _end(addresses: LabAddresses | None, process: subprocess.Popen[str] | None) -> None:
    """Ask the lab to end, and end it if it does not."""
    if addresses is not None:
        with suppress(LabError):
            _ask(addresses, "shutdown")
    if process is not None:
        _see_ended(process, is_asked=addresses is not None)


def _see_ended(process: subprocess.Popen[str], *, is_asked: bool) -> None:
    try:
        if not is_asked:
            process.terminate()
        process.wait(_END_WALL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()


def _end_leftover(folder: Path) -> None:
    """See that a lab that an earlier process started for `folder` is gone, however far it has come.

    One that still starts, or goes over its history, answers nobody yet, and would share the folder's files.
    """
    try:
        lab = HostProcess(**json.loads((folder / _PROCESS_NAME).read_text()))
    except (OSError, ValueError, TypeError):
        return  # none was started
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not (is_alive(lab) and _is_proven(lab)):
            return
        with suppress(ProcessLookupError):
            os.kill(lab.pid, number)
        _wait_until_gone(lab)


def _is_proven(lab: HostProcess) -> bool:
    """Tell whether its number is that very process's still; where nothing tells, it may be a stranger's."""
    now = process_of(lab.pid)
    return lab.started_ticks is not None and (now.host, now.started_ticks) == (lab.host, lab.started_ticks)


def _wait_until_gone(lab: HostProcess) -> None:
    clock = WallClock()
    end_s = clock.now_s() + _END_WALL_S
    while clock.now_s() < end_s and is_alive(lab) is not False:
        clock.sleep(0.02)
