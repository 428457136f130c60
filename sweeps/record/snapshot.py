"""A run record as of one moment, read row by row while its writer goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.errors import RecordError
from sweeps.record.database import open_to_read
from sweeps.record.run_record import LOG_NAME, RunRecord

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a record held when it was opened; what is written later is not seen."""

    run: RunRecord
    _database: sqlite3.Connection

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a SELECT one after the other; RecordError where the file cannot be read."""
        try:
            # Not `yield from`: that would close the cursor of who stops early, perhaps after its database.
            for row in self._database.execute(statement):  # noqa: UP028
                yield row
        except sqlite3.Error as error:
            raise RecordError(f"{self.run.folder / LOG_NAME}: {error}") from None


@contextmanager
def snapshot_of(folder: Path) -> Generator[Snapshot]:
    """Open the record of `folder` as it is now; RecordError if there is none that this program reads."""
    path = folder / LOG_NAME
    RunRecord.open(folder, is_read_only=True).close()  # which says what is wrong with it
    try:
        database = open_to_read(path)
    except sqlite3.Error as error:
        raise RecordError(f"{path}: {error}") from None
    with closing(database):
        snapshot = Snapshot(RunRecord(folder, database), database)
        # A transaction reads what was there at its first SELECT, until it ends.
        database.execute("BEGIN")
        list(snapshot.rows("SELECT count(*) FROM meta"))
        yield snapshot
