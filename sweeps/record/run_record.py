"""The run record: `runs/<run-id>/` with a frozen plan and `log.sqlite`, the one truth of what was measured.

Every row is committed before the next is taken (WAL, synchronous=FULL); all else is derived from it. A run
that was broken off is opened again and goes on in the same rows.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from drivers.clock import utc_now_s
from drivers.errors import RecordError
from drivers.facts.telemetry import TelemetryRecord
from sweeps.record.database import check_version, make_database, open_to_read, open_to_write
from sweeps.record.schema import Event, Gap, Point, Schedule, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOG_NAME = "log.sqlite"
ARTEFACTS_NAME = "artefacts"
_TELEMETRY = (
    "slot, point, sequence, window_start_s, window_s, skr_bps, key_rate_bps, qber, visibility,"
    " detection_count, readings"
)


class RunRecord:
    """One open run record. `create` for a new run, `open` to go on with one or to read it."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self._database = database

    @classmethod
    def create(
        cls, folder: Path, meta: Mapping[str, Any], files: Mapping[str, bytes] = MappingProxyType({})
    ) -> Self:
        """Make a new run folder with `files` and `meta` (JSON values) in it.

        Whoever breaks off here leaves a folder without a record, never half of one. RecordError if there is
        such a folder, or no room.
        """
        path = folder / LOG_NAME
        try:
            folder.mkdir(parents=True)
            (folder / ARTEFACTS_NAME).mkdir()
            for name, content in files.items():
                (folder / name).write_bytes(content)
            make_database(path, meta)
            database = open_to_write(path)
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"run record {folder}: {error}") from None
        return cls(folder, database)

    @classmethod
    def open(cls, folder: Path, *, is_read_only: bool = False) -> Self:
        """Open the record of `folder`; RecordError if there is none that this program reads."""
        path = folder / LOG_NAME
        if not path.exists():
            raise RecordError(f"{path}: there is no record")
        database: sqlite3.Connection | None = None
        try:
            database = open_to_read(path) if is_read_only else open_to_write(path)
            (version,) = database.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            if database is not None:
                database.close()
            raise RecordError(f"{path}: {error}") from None
        try:
            check_version(path, version)
        except RecordError:
            database.close()
            raise
        return cls(folder, database)

    @property
    def artefacts(self) -> Path:
        """The folder for all that the run leaves beside its rows."""
        return self.folder / ARTEFACTS_NAME

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

    def forget_meta(self, key: str) -> None:
        """Remove the fact called `key`, if it is there."""
        self._write("DELETE FROM meta WHERE key = ?", (key,))

    def add_session(self, provenance: Mapping[str, Any]) -> None:
        """Note that a process takes the run up, the first or a later one, and where that comes from."""
        self._write(
            "INSERT INTO session (started_utc_s, provenance) VALUES (?, ?)",
            (utc_now_s(), json.dumps(dict(provenance))),
        )

    def add_event(self, lab_time_s: float, kind: str, text: str) -> None:
        """Write one line into the run's journal."""
        self._write(
            "INSERT INTO event (lab_time_s, utc_s, kind, text) VALUES (?, ?, ?, ?)",
            # A device's own words may hold halves of characters, which no database takes.
            (lab_time_s, utc_now_s(), kind, text.encode(errors="replace").decode()),
        )

    def add_point(
        self,
        step: int,
        added_db: float,
        setting_db: float,
        readback_db: float,
        wavelength_nm: float,
        settled_s: float,
        uncertainty_db: float,
    ) -> Point:
        """Write a visit to step `step` of a sweep and return it with its number."""
        row = (step, added_db, setting_db, readback_db, wavelength_nm, settled_s, uncertainty_db)
        cursor = self._write(
            "INSERT INTO point (step, added_db, setting_db, readback_db, wavelength_nm, settled_s,"
            " uncertainty_db) VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        assert cursor.lastrowid is not None  # noqa: S101 - an INSERT has one
        return Point(cursor.lastrowid, *row)

    def add_schedule(self, schedule: Schedule) -> None:
        """Write when the slots of a point (of the whole run outside a sweep) begin."""
        self._write(
            "INSERT INTO schedule (point, start_s, period_s, first_slot, end_slot) VALUES (?, ?, ?, ?, ?)",
            (
                schedule.point,
                schedule.start_s,
                schedule.period_s,
                schedule.first_slot,
                schedule.end_slot,
            ),
        )

    def add_record(self, slot: int, point: int | None, record: TelemetryRecord) -> None:
        """Write one telemetry record in its slot; RecordError if the slot has one."""
        self._write(
            f"INSERT INTO telemetry ({_TELEMETRY}, utc_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - a constant
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
        """Write a slot that has no record, or numbers that are lost; each once, however often it is told."""
        self._write(
            "INSERT OR IGNORE INTO gap (point, slot, first_sequence, last_sequence, reason, utc_s)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (gap.point, gap.slot, gap.first_sequence, gap.last_sequence, gap.reason, utc_now_s()),
        )

    def _write(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        """Write and commit one row; RecordError if it is not safely on the disk."""
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise RecordError(f"run record {self.folder}: {error}") from None

    def write_together(self, rows: Sequence[tuple[str, tuple[object, ...]]]) -> None:
        """Write all of `rows` (statement and values each) in one commit, or none; RecordError as above."""
        try:
            # Within: an interrupt right behind BEGIN would leave all later rows in a commit that never comes.
            self._write("BEGIN", ())
            for statement, values in rows:
                self._write(statement, values)
            self._write("COMMIT", ())
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise

    # --- reading

    def meta(self) -> dict[str, Any]:
        """Return every fact about the run."""
        rows = self.read_rows("SELECT key, value FROM meta")
        return {key: json.loads(value) for key, value in rows}

    def sessions(self) -> list[dict[str, Any]]:
        """Return the provenance of every process that worked on the run, oldest first."""
        return [json.loads(text) for (text,) in self.read_rows("SELECT provenance FROM session ORDER BY id")]

    def events(self) -> list[Event]:
        """Return the journal, oldest first."""
        return [
            Event(*row)
            for row in self.read_rows("SELECT lab_time_s, utc_s, kind, text FROM event ORDER BY id")
        ]

    def points(self) -> list[Point]:
        """Return the visits to sweep points in the order in which they were made."""
        rows = self.read_rows(
            "SELECT id, step, added_db, setting_db, readback_db, wavelength_nm, settled_s, uncertainty_db"
            " FROM point ORDER BY id"
        )
        return [Point(*row) for row in rows]

    def schedules(self) -> list[Schedule]:
        """Return the schedules, oldest first."""
        rows = self.read_rows(
            "SELECT point, start_s, period_s, first_slot, end_slot FROM schedule ORDER BY id"
        )
        return [Schedule(*row) for row in rows]

    def slots(self, point: int | None = None) -> list[Slot]:
        """Return the telemetry (of one sweep point, if given) in the order in which it was taken."""
        where, arguments = ("", ()) if point is None else (" WHERE point = ?", (point,))
        rows = self.read_rows(f"SELECT {_TELEMETRY} FROM telemetry{where} ORDER BY id", arguments)  # noqa: S608 - a constant
        return [_slot_of(row) for row in rows]

    def newest_slot(self) -> Slot | None:
        """Return the telemetry that was taken last; None before the first."""
        rows = self.read_rows(f"SELECT {_TELEMETRY} FROM telemetry ORDER BY id DESC LIMIT 1")  # noqa: S608 - a constant
        return _slot_of(rows[0]) if rows else None

    def first_slot_of(self, point: int | None) -> Slot | None:
        """Return the telemetry that a schedule took first; None before that."""
        rows = self.read_rows(
            f"SELECT {_TELEMETRY} FROM telemetry WHERE point IS ? ORDER BY id LIMIT 1",  # noqa: S608 - a constant
            (point,),
        )
        return _slot_of(rows[0]) if rows else None

    def filled_slots(self, point: int | None) -> set[int]:
        """Return the slots of a sweep point (None: outside a sweep) that have a record."""
        rows = self.read_rows("SELECT DISTINCT slot FROM telemetry WHERE point IS ?", (point,))
        return {slot for (slot,) in rows}

    def count_records(self) -> int:
        """Return how many records were taken: of telemetry, of the fibre, of power."""
        ((count,),) = self.read_rows(
            "SELECT (SELECT count(*) FROM telemetry) + (SELECT count(*) FROM acquisition)"
            " + (SELECT count(*) FROM power_reading)"
        )
        return count

    def gaps(self) -> list[Gap]:
        """Return every gap, oldest first; a slot that was filled later is none."""
        rows = self.read_rows(
            "SELECT slot, first_sequence, last_sequence, reason, point FROM gap ORDER BY id"
        )
        if not rows:
            return []
        filled = set(self.read_rows("SELECT DISTINCT point, slot FROM telemetry"))
        return [gap for gap in (Gap(*row) for row in rows) if (gap.point, gap.slot) not in filled]

    def newest_lab_time_s(self) -> float | None:
        """Return the latest lab time (s since the Unix epoch) that any row proves; None without one."""
        ((newest_s,),) = self.read_rows(
            "SELECT max(t) FROM (SELECT max(lab_time_s) AS t FROM event UNION ALL"
            " SELECT max(settled_s) FROM point UNION ALL"
            " SELECT max(window_start_s + window_s) FROM telemetry UNION ALL"
            " SELECT max(taken_s) FROM acquisition UNION ALL"
            " SELECT max(taken_s) FROM power_reading)"
        )
        return newest_s

    def read_rows(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return what a SELECT finds; RecordError if it cannot be read."""
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise RecordError(f"run record {self.folder}: {error}") from None


def _slot_of(row: tuple[Any, ...]) -> Slot:
    slot, point, *values, readings = row
    return Slot(slot, point, TelemetryRecord(*values, readings=json.loads(readings)))
