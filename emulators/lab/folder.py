"""A lab's folder belongs to one lab at a time: the host's lock on it dies with its process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path

_LOCK_NAME = "lab.lock"


class FolderTaken(Exception):
    """Another lab lives in the folder; the text says so."""


def take_folder(folder: Path) -> FileLock:
    """Have `folder`, which exists, until the lock is released; FolderTaken while another lab has it."""
    lock = FileLock(folder / _LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderTaken(
            f"{folder}: a lab that runs already has this folder; end it first (its pid is in lab.json)"
            " or give another --folder"
        ) from None
    return lock
