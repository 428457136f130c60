"""The run record: `runs/<run-id>/` with a frozen plan and `log.sqlite`, the one truth of what was measured.

Every row is committed before the next is taken (WAL, synchronous=FULL); all else is derived from it.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from drivers.clock import utc_now_s
from drivers.errors import RecordError
from drivers.facts.telemetry import TelemetryRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE event (
  id INTEGER PRIMARY KEY, lab_time_s REAL NOT NULL, utc_s REAL NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE TABLE point (
  id INTEGER PRIMARY KEY, added_db REAL NOT NULL, setting_db REAL NOT NULL, readback_db REAL NOT NULL,
  wavelength_nm REAL NOT NULL, settled_s REAL NOT NULL
) STRICT;
CREATE TABLE telemetry (
  id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, point INTEGER REFERENCES point (id),
  sequence INTEGER NOT NULL, window_start_s REAL NOT NULL, window_s REAL NOT NULL,
  skr_bps REAL NOT NULL, key_rate_bps REAL NOT NULL, qber REAL NOT NULL, visibility REAL NOT NULL,
  detection_count REAL NOT NULL, readings TEXT NOT NULL, utc_s REAL NOT NULL
) STRICT;
CREATE TABLE gap (
  id INTEGER PRIMARY KEY, point INTEGER REFERENCES point (id), slot INTEGER,
  first_sequence INTEGER, last_sequence INTEGER,
  reason TEXT NOT NULL, utc_s REAL NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a sweep: what was asked, set and read back."""

    number: int
    added_db: float
    setting_db: float
    readback_db: float
    wavelength_nm: float
    settled_s: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A telemetry record in its place of the run; `point` is None outside a sweep."""

    slot: int
    point: int | None
    record: TelemetryRecord


@dataclass(frozen=True, slots=True)
class Gap:
    """A slot without a record (`slot`), or sequence numbers that are lost, with the reason.

    `point` is the sweep point's number, None outside a sweep.
    """

    slot: int | None
    first_sequence: int | None
    last_sequence: int | None
    reason: str
    point: int | None = None


class RunRecord:
    """One open run record. `create` for a new run, `open` to read one."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self._database = database

    @classmethod
    def create(cls, folder: Path, meta: Mapping[str, Any]) -> Self:
        """Make a new run folder with `meta` (JSON values) in it; RecordError if there is one, or no room."""
        try:
            folder.mkdir(parents=True)
            database = _connect(folder / "log.sqlite", f"{SCHEMA}PRAGMA user_version={SCHEMA_VERSION};")
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"run record {folder}: {error}") from None
        run = cls(folder, database)
        for key, value in meta.items():
            run.set_meta(key, value)
        return run

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the record of `folder`; RecordError if there is none that this program reads."""
        path = folder / "log.sqlite"
        if not path.exists():
            raise RecordError(f"{path}: there is no record")
        try:
            database = _connect(path)
            (version,) = database.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise RecordError(f"{path}: {error}") from None
        if version != SCHEMA_VERSION:
            database.close()
            raise RecordError(f"{path}: record version {version}, this program reads {SCHEMA_VERSION}")
        return cls(folder, database)

    def close(self) -> None:
        """Close the record."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing, one commit each

    def set_meta(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Store a fact about the run under `key`, as JSON."""
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def add_event(self, lab_time_s: float, kind: str, text: str) -> None:
        """Write one line into the run's journal."""
        self._write(
            "INSERT INTO event (lab_time_s, utc_s, kind, text) VALUES (?, ?, ?, ?)",
            # A device's own words may hold halves of characters, which no database takes.
            (lab_time_s, utc_now_s(), kind, text.encode(errors="replace").decode()),
        )

    def add_point(
        self, added_db: float, setting_db: float, readback_db: float, wavelength_nm: float, settled_s: float
    ) -> Point:
        """Write a new sweep point and return it with its number."""
        row = (added_db, setting_db, readback_db, wavelength_nm, settled_s)
        cursor = self._write(
            "INSERT INTO point (added_db, setting_db, readback_db, wavelength_nm, settled_s)"
            " VALUES (?, ?, ?, ?, ?)",
            row,
        )
        assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
        return Point(cursor.lastrowid, *row)

    def add_record(self, slot: int, point: int | None, record: TelemetryRecord) -> None:
        """Write one telemetry record in its slot."""
        self._write(
            "INSERT INTO telemetry (slot, point, sequence, window_start_s, window_s, skr_bps, key_rate_bps,"
            " qber, visibility, detection_count, readings, utc_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                slot,
                point,
                record.sequence,
                record.window_start_s,
                record.window_s,
                record.skr_bps,
                record.key_rate_bps,
                record.qber,
                record.visibility,
                record.detection_count,
                json.dumps(dict(record.readings)),
                utc_now_s(),
            ),
        )

    def add_gap(self, gap: Gap) -> None:
        """Write a slot that has no record, or numbers that are lost."""
        self._write(
            "INSERT INTO gap (point, slot, first_sequence, last_sequence, reason, utc_s)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (gap.point, gap.slot, gap.first_sequence, gap.last_sequence, gap.reason, utc_now_s()),
        )

    def _write(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        """Write and commit one row; RecordError if it is not safely on the disk."""
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise RecordError(f"run record {self.folder}: {error}") from None

    # --- reading

    def meta(self) -> dict[str, Any]:
        """Return every fact about the run."""
        rows = self._database.execute("SELECT key, value FROM meta").fetchall()
        return {key: json.loads(value) for key, value in rows}

    def events(self) -> list[tuple[float, str, str]]:
        """Return the journal as (lab time in s, kind, text), oldest first."""
        return self._database.execute("SELECT lab_time_s, kind, text FROM event ORDER BY id").fetchall()

    def points(self) -> list[Point]:
        """Return the sweep points in the order in which they were visited."""
        rows = self._database.execute(
            "SELECT id, added_db, setting_db, readback_db, wavelength_nm, settled_s FROM point ORDER BY id"
        )
        return [Point(*row) for row in rows]

    def slots(self, point: int | None = None) -> list[Slot]:
        """Return the telemetry (of one sweep point, if given) in the order in which it was taken."""
        where, arguments = ("", ()) if point is None else (" WHERE point = ?", (point,))
        rows = self._database.execute(
            "SELECT slot, point, sequence, window_start_s, window_s, skr_bps, key_rate_bps, qber, visibility,"  # noqa: S608 - a constant
            f" detection_count, readings FROM telemetry{where} ORDER BY id",
            arguments,
        )
        return [_slot_of(row) for row in rows]

    def gaps(self) -> list[Gap]:
        """Return every gap, oldest first."""
        rows = self._database.execute(
            "SELECT slot, first_sequence, last_sequence, reason, point FROM gap ORDER BY id"
        )
        return [Gap(*row) for row in rows]


def _slot_of(row: tuple[Any, ...]) -> Slot:
    slot, point, *values, readings = row
    return Slot(slot, point, TelemetryRecord(*values, readings=json.loads(readings)))


def _connect(path: Path, preparation: str = "") -> sqlite3.Connection:
    """Open a database with every row durable at its commit; closed again if it cannot be used."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.executescript(preparation)
    except sqlite3.Error:
        database.close()
        raise
    return database
