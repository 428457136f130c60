"""The process of an emulated lab: started for a run, found again, ended; what it serves is in `lab.json`."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from pydantic import ValidationError

from drivers.clock import WallClock, utc_now_s
from drivers.errors import LabError
from drivers.facts.lab import ControlRequest, LabAddresses
from drivers.lab_control.control import LabControl
from sweeps.record.provenance import PROJECT_FOLDER
from sweeps.record.run_record import ARTEFACTS_NAME
from sweeps.record.runner import Runner, is_alive

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sweeps.choice import Choice

INVENTORY_NAME = "inventory.yaml"
_LAB_NAME = "lab.json"
_START_WALL_S = 60.0
# Going on after ten days means to make ten days of records anew first.
_CATCH_UP_WALL_S = 600.0
_END_WALL_S = 10.0
_IDLE_EXIT_S = 600


@contextmanager
def emulated_lab(choice: Choice, folder: Path, go_on_at_s: float | None = None) -> Generator[LabAddresses]:
    """Run a lab for the chosen station while the block runs; its files go into `folder`.

    They are lab.json, lab-history.jsonl, artefacts/lab.log and the PKI; it reads the folder's inventory. With
    `go_on_at_s` the folder's own lab is used: the living one, or if it died a new one that goes on from
    there (lab time in s since the Unix epoch). LabError with the lab's own words if it does not start.
    """
    living = living_lab(folder)
    if living is not None and go_on_at_s is None:
        _end(living, None)
        living = None
    process = None if living is not None else _start(choice, folder, go_on_at_s)
    addresses = living
    try:
        if addresses is None:
            assert process is not None  # noqa: S101 - there is one or the other
            addresses = _read_addresses(process, folder, go_on_at_s)
        yield addresses
    finally:
        _end(addresses, process)


def living_lab(folder: Path) -> LabAddresses | None:
    """Return the addresses of the lab that was started for `folder`, if it lives."""
    with suppress(LabError):
        addresses = read_lab_file(folder / _LAB_NAME)
        control = LabControl(addresses.control, addresses.lab_id)
        try:
            control.ask(ControlRequest(do="now"))
        finally:
            control.close()
        return addresses
    return None


def read_lab_file(path: Path) -> LabAddresses:
    """Read a `lab.json`; LabError if it cannot be read or makes no sense."""
    try:
        return LabAddresses.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise LabError(f"{path}: {error}") from None


def _start(choice: Choice, folder: Path, go_on_at_s: float | None) -> subprocess.Popen[str]:
    place = folder.resolve()
    command = [sys.executable, "-m", "emulators", "serve", str(place / INVENTORY_NAME)]
    command += ["--station", choice.station_name, "--plan", choice.plan_name, "--seed", str(choice.seed)]
    command += ["--clock", "virtual", "--folder", str(place), "--idle-exit-s", str(_IDLE_EXIT_S)]
    if go_on_at_s is not None:
        command += ["--go-on-at-s", repr(go_on_at_s)]
    with _open_log(folder / ARTEFACTS_NAME / "lab.log") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=PROJECT_FOLDER,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches every process of a terminal's group; the lab must outlive the way to safety.
            start_new_session=True,
        )


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


def _end(addresses: LabAddresses | None, process: subprocess.Popen[str] | None) -> None:
    """Ask the lab to end, and end it if it does not."""
    if addresses is not None:
        with suppress(LabError):
            control = LabControl(addresses.control, addresses.lab_id)
            control.ask(ControlRequest(do="shutdown"))
            control.close()
    if process is not None:
        _see_ended(process, is_asked=addresses is not None)
    elif addresses is not None:
        _wait_until_gone(addresses.pid)


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


def _wait_until_gone(pid: int) -> None:
    """Wait for the end of a lab that another process started."""
    clock = WallClock()
    end_s = clock.now_s() + _END_WALL_S
    lab = Runner(pid, socket.gethostname(), utc_now_s())
    while clock.now_s() < end_s and is_alive(lab) is not False:
        clock.sleep(0.02)
