"""Start an emulated lab as a process of its own and end it again; what it serves is in `lab.json`."""

from __future__ import annotations

import select
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from pydantic import ValidationError

from drivers.errors import LabError
from drivers.facts.lab import ControlRequest, LabAddresses
from drivers.lab_control.control import LabControl
from sweeps.record.provenance import PROJECT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sweeps.choice import Choice

_START_WALL_S = 60.0
_END_WALL_S = 10.0
_IDLE_EXIT_S = 600


@contextmanager
def emulated_lab(choice: Choice, folder: Path) -> Generator[LabAddresses]:
    """Run a lab for the chosen station while the block runs; its files go into `folder`.

    They are the inventory as it was read, lab.json, lab.log and the PKI. LabError with the lab's own words
    if it does not start.
    """
    inventory = folder.resolve() / "inventory.yaml"
    _write(inventory, choice.inventory_bytes)
    command = [sys.executable, "-m", "emulators", "serve", str(inventory)]
    command += ["--station", choice.station_name, "--plan", choice.plan_name, "--seed", str(choice.seed)]
    command += ["--clock", "virtual", "--folder", str(folder.resolve()), "--idle-exit-s", str(_IDLE_EXIT_S)]
    with _open_log(folder / "lab.log") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=PROJECT_FOLDER,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches every process of a terminal's group; the lab must outlive the way to safety.
            start_new_session=True,
        )
    try:
        yield _read_addresses(process, folder)
    finally:
        _end(process, folder)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from None


def _open_log(path: Path) -> TextIO:
    try:
        return path.open("w")
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from None


def _read_addresses(process: subprocess.Popen[str], folder: Path) -> LabAddresses:
    """Wait for the lab's one line that says it is ready."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    ready, _, _ = select.select([process.stdout], [], [], _START_WALL_S)
    line = process.stdout.readline() if ready else ""
    if not line:
        words = (folder / "lab.log").read_text().strip() or "it said nothing"
        raise LabError(f"the emulated lab did not start: {words}")
    return read_lab_file(folder / "lab.json")


def read_lab_file(path: Path) -> LabAddresses:
    """Read a `lab.json`; LabError if it cannot be read or makes no sense."""
    try:
        return LabAddresses.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise LabError(f"{path}: {error}") from None


def _end(process: subprocess.Popen[str], folder: Path) -> None:
    """Ask the lab to end, and end it if it does not."""
    try:
        control = LabControl(read_lab_file(folder / "lab.json").control)
        control.ask(ControlRequest(do="shutdown"))
        control.close()
        process.wait(_END_WALL_S)
    except (LabError, subprocess.TimeoutExpired):
        process.terminate()
        try:
            process.wait(_END_WALL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()
