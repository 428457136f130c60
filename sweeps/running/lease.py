"""Leases: host-wide locks, so that one run has the gear to itself and one process has a run.

A lock dies with its process, so no lease outlives its owner. Who has it stands in a file beside the lock,
for the one who is refused.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from drivers.clock import utc_now_s
from drivers.errors import RecordError, StationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from drivers.facts.inventory import AnyConnection

OwnerRole = Literal["runner", "guard"]

RUN_LOCK = "run.lock"
# A new owner needs a moment to leave its name: until then the file names one that is gone.
_NAMING_S = 0.5
# A guard that is at work is done within this; whoever comes next waits for it.
_GUARD_S = 60.0
_HOST_FOLDERS = (Path("/run/lock"), Path(tempfile.gettempdir()))


@contextmanager
def run_lease(folder: Path, role: OwnerRole) -> Generator[None]:
    """Have the run of `folder` to oneself while the block runs.

    StationError naming who has it, RecordError if there is no such folder.
    """
    if not folder.is_dir():  # which the lock would make
        raise RecordError(f"run {folder}: there is no such folder")
    with _lease(folder / RUN_LOCK, f"the run {folder.name}", folder, role):
        yield


@contextmanager
def gear_lease(
    connections: Iterable[AnyConnection], folder: Path, role: OwnerRole, leases: Path | None = None
) -> Generator[None]:
    """Have real gear to oneself on this host while the block runs; StationError naming who has it.

    `folder` is the run for which it is wanted, `leases` where the locks are kept (a folder of the host's).
    """
    place = _host_folder() if leases is None else leases
    with ExitStack() as stack:
        # In one order for all, so that two runs never hold what the other waits for.
        for address in sorted({connection.address for connection in connections}):
            name = re.sub(r"[^A-Za-z0-9.-]+", "_", address).strip("_")
            stack.enter_context(_lease(place / f"{name}.lock", f"the device at {address}", folder, role))
        yield


@contextmanager
def _lease(path: Path, what: str, folder: Path, role: OwnerRole) -> Generator[None]:
    owner_file = path.with_suffix(".owner.json")
    lock = FileLock(path, mode=0o666)
    try:
        _acquire(lock, owner_file)
    except Timeout:
        raise StationError(f"{what} is in use: {_owner_words(owner_file)}") from None
    except OSError as error:
        raise StationError(f"{what} cannot be leased: {path}: {error.strerror}") from None
    try:
        with suppress(OSError):  # worth nothing but words
            owner_file.unlink(missing_ok=True)
            owner_file.write_text(json.dumps(_owner(folder, role)))
        yield
    finally:
        with suppress(OSError):
            owner_file.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, owner_file: Path) -> None:
    try:
        lock.acquire(timeout=_NAMING_S)
    except Timeout:
        if _read_owner(owner_file).get("role") != "guard":
            raise
        lock.acquire(timeout=_GUARD_S)


def _owner(folder: Path, role: OwnerRole) -> dict[str, object]:
    return {
        "role": role,
        "owner": getpass.getuser(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.fromtimestamp(utc_now_s(), UTC).isoformat(timespec="seconds"),
        "run": str(folder),
    }


def _read_owner(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _owner_words(path: Path) -> str:
    owner = _read_owner(path)
    if not owner:
        return "by somebody who left no name"
    who = f"by {owner.get('owner')} on {owner.get('host')}, process {owner.get('pid')}"
    return f"{who}, since {owner.get('since')}, for the run {owner.get('run')}"


def _host_folder() -> Path:
    """Return the folder for locks that every user of this host shares."""
    for base in _HOST_FOLDERS:
        if base.is_dir() and os.access(base, os.W_OK):
            folder = base / "qkd-hil"
            with suppress(OSError):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o1777)
            return folder
    raise StationError(
        f"no folder for leases that all users share; tried {', '.join(map(str, _HOST_FOLDERS))}"
    )
