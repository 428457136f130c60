"""The file `log.sqlite`: made whole, opened to be written, opened to be read by whoever may only look."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from drivers.errors import RecordError
from sweeps.record.schema import SCHEMA, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BUSY_S = 5.0
"""How long an opened database waits for somebody else's lock."""

# What SQLite says where it cannot write beside the file what a reader of a write-ahead log has to.
_MAY_NOT_WRITE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_PRIMARY_CODE = 0xFF


def make_database(path: Path, meta: Mapping[str, Any]) -> None:
    """Leave a whole database with `meta` (JSON values) at `path`, or none; sqlite3.Error if it cannot be."""
    partial = path.with_name(path.name + ".partial")
    with closing(sqlite3.connect(partial, isolation_level=None)) as database:
        database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION};")
        rows = [(key, json.dumps(value)) for key, value in meta.items()]
        database.executemany("INSERT INTO meta VALUES (?, ?)", rows)
        database.execute("COMMIT")
    partial.rename(path)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a database with every row durable at its commit; sqlite3.Error if it cannot be used."""
    database = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
    except sqlite3.Error:
        database.close()
        raise
    return database


def open_to_read(path: Path, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open a database that may be written to meanwhile, or lie in a folder where nobody may write.

    RecordError where rows stand in a write-ahead log that cannot be read here; sqlite3.Error for a database
    that cannot be read at all.
    """
    try:
        return _opened(path, "mode=ro", busy_s)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE not in _MAY_NOT_WRITE:
            raise
    if has_rows_in_wal(path):
        wal = f"{path.name}-wal"
        raise RecordError(f"{path}: its {wal} cannot be read here; copy the folder to where you may write")
    return open_untouched(path, busy_s)


def open_untouched(path: Path, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open a database without a file left beside it: for one that nobody writes, and without its log's rows.

    sqlite3.Error if it cannot be read.
    """
    return _opened(path, "mode=ro&immutable=1", busy_s)


def has_rows_in_wal(path: Path) -> bool:
    """Return whether the write-ahead log beside `path` holds anything that the file itself may not."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def check_version(path: Path, version: int) -> None:
    """Raise RecordError for a record of another version than this program reads."""
    if version == SCHEMA_VERSION:
        return
    told = f"{path}: record version {version}, this program reads {SCHEMA_VERSION}"
    if 0 < version < SCHEMA_VERSION:
        told += "; an older program wrote it: read it with that one (git_commit in its facts)"
    raise RecordError(told)


def _opened(path: Path, options: str, busy_s: float) -> sqlite3.Connection:
    place = f"{path.resolve().as_uri()}?{options}"
    database = sqlite3.connect(place, uri=True, isolation_level=None, timeout=busy_s)
    try:
        # SQLite looks at the file only when it is asked something.
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
