"""A folder of files that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from drivers.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@contextmanager
def whole_folder(folder: Path, is_ours: Callable[[Path], bool], is_forced: bool) -> Generator[Path]:
    """Give a folder to write into that takes the place of `folder` at the end, if all went well.

    A `folder` that holds files is replaced only if `is_forced` and all of them are `is_ours`; RecordError
    before anything is written otherwise.
    """
    final = folder.resolve()
    is_replacing = _holds_files(final, is_ours, is_forced)
    partial = final.with_name(f"{final.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        if is_replacing:
            _replace(final, partial)
        else:
            partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _holds_files(folder: Path, is_ours: Callable[[Path], bool], is_forced: bool) -> bool:
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise RecordError(f"{folder}: is a file; name another folder with --to")
    there = sorted(folder.iterdir())
    foreign = [path.name for path in there if not is_ours(path)]
    if foreign:
        raise RecordError(f"{folder}: holds {foreign[0]}, which is no export; name another folder with --to")
    if there and not is_forced:
        raise RecordError(f"{folder}: holds an export; --force replaces it, --to names another folder")
    return bool(there)


def _replace(final: Path, partial: Path) -> None:
    old = final.with_name(f"{final.name}.old-{os.getpid()}")
    final.rename(old)
    try:
        partial.rename(final)
    except OSError:
        old.rename(final)
        raise
    shutil.rmtree(old)
