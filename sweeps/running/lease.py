"""Leases: host-wide locks, so that one run has the gear to itself and one process has a run.

A lock dies with its process, so no lease outlives its owner. Who has it stands in a file beside the lock,
for the one who is refused.

The host's folder for locks is open to all its users, without the sticky bit: with it, a lock file that one
user left could never be locked by another. So any user of the host can take a lock away from under its owner;
but whoever may do so can reach the gear as well, and leases keep apart those who want to be kept apart. What
such a user must not do is to lead another's writing elsewhere: no symbolic link is followed (filelock opens
the lock with O_NOFOLLOW and never truncates it), and what is read of an owner is short.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import stat
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from drivers.clock import utc_now_s
from drivers.errors import RecordError, StationError
from sweeps.running.device_key import device_key

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from drivers.facts.connections import AnyConnection

OwnerRole = Literal["runner", "guard"]

RUN_LOCK = "run.lock"
# A new owner needs a moment to leave its name: until then the file names one that is gone.
_NAMING_S = 0.5
# A guard that is at work is done within this; whoever comes next waits for it.
_GUARD_S = 120.0
_OWNER_BYTES = 4096
# Not the folder of TMPDIR, which is each user's own.
_HOST_BASES = (Path("/run/lock"), Path("/tmp"))  # noqa: S108 - see above


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
        for key, address in sorted({device_key(each): each.address for each in connections}.items()):
            name = re.sub(r"[^A-Za-z0-9.-]+", "_", key).strip("_")
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
            _write_new(owner_file, json.dumps(_owner(folder, role)))
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
        "owner": _user(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": datetime.fromtimestamp(utc_now_s(), UTC).isoformat(timespec="seconds"),
        "run": str(folder),
    }


def _user() -> str:
    """Return the name of this process's user, or the number of one who has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, nor a link in its place."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with open(descriptor, "w") as file:  # noqa: PTH123 - it is open already
        file.write(text)


def _read_owner(path: Path) -> dict[str, object]:
    try:
        # A pipe in its place would never answer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
            return dict(json.loads(file.read(_OWNER_BYTES)))
    except (OSError, ValueError, TypeError):
        return {}


def _owner_words(path: Path) -> str:
    owner = _read_owner(path)
    if not owner:
        return "by somebody who left no name"
    who = f"by {owner.get('owner')} on {owner.get('host')}, process {owner.get('pid')}"
    return f"{who}, since {owner.get('since')}, for the run {owner.get('run')}"


def _host_folder() -> Path:
    """Return the folder for locks that every user of this host finds, whoever made it.

    Only modes decide, never what the one who asks may do: root may write where others may not.
    """
    folders = [base / "qkd-hil" for base in _HOST_BASES]
    for folder in folders:
        if _mode(folder) == stat.S_IFDIR | 0o777:
            return folder
    for folder in folders:
        if folder.parent.is_dir() and folder.parent.stat().st_mode & stat.S_IWOTH:
            _make_for_all(folder)
            return folder
    raise StationError(f"no folder for leases that all users share; tried {', '.join(map(str, folders))}")


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except OSError:
        return None


def _make_for_all(folder: Path) -> None:
    """Make `folder` open to all, or open one that is there and is ours."""
    try:
        with suppress(FileExistsError):
            folder.mkdir()
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.fchmod(descriptor, 0o777)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StationError(f"folder for leases {folder}: cannot be opened to all: {error.strerror}") from None
