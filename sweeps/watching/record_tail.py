"""What is new in a run record since the last look, read so that the run does not notice.

Each look opens the database read-only, reads at most some thousand rows in one short transaction, and
closes it again: an open reader would keep the run from emptying its write-ahead log, also at its very end.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from drivers.errors import RecordError
from sweeps.record.database import check_version, open_to_read, open_untouched
from sweeps.record.facts import RunFacts, facts_of
from sweeps.record.run_record import LOG_NAME
from sweeps.record.schema import Event, Gap, Point, Schedule

if TYPE_CHECKING:
    from pathlib import Path

MOST_ROWS = 4000
_BUSY_S = 1.0
# Nothing else of a run's facts leaves the record.
_META_KEYS = (
    "procedure",
    "plan_name",
    "plan",
    "station",
    "station_title",
    "target",
    "clock",
    "started_utc_s",
    "finished_utc_s",
    "ended",
    "runner",
    "records_planned",
)
_META = f"SELECT key, value FROM meta WHERE key IN ({','.join('?' * len(_META_KEYS))})"  # noqa: S608 - constants
_TABLES = {
    "session": "started_utc_s",
    "point": "id, step, added_db, setting_db, readback_db, wavelength_nm, settled_s, uncertainty_db",
    "schedule": "point, start_s, period_s, first_slot, end_slot",
    "gap": "slot, first_sequence, last_sequence, reason, point",
    "event": "lab_time_s, utc_s, kind, text",
    "acquisition": "utc_s",
    "power_reading": "utc_s",
    "telemetry": "slot, point, window_start_s, utc_s, skr_bps, qber, visibility, detection_count",
}


class TelemetryRow(NamedTuple):
    """A telemetry record as a watcher needs it; the last four as in `TelemetryRecord`."""

    slot: int
    point: int | None
    window_start_s: float
    utc_s: float
    skr_bps: float
    qber: float
    visibility: float
    detection_count: float

    def values(self) -> tuple[float, float, float, float]:
        """Return the quantities of Figure 6."""
        return (self.skr_bps, self.qber, self.visibility, self.detection_count)


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows that were not there at the last look; `is_all` is false when there are still more."""

    facts: RunFacts = field(default_factory=RunFacts)
    sessions_utc_s: tuple[float, ...] = ()
    points: tuple[Point, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    gaps: tuple[Gap, ...] = ()
    events: tuple[Event, ...] = ()
    measured_utc_s: tuple[float, ...] = ()
    """When acquisitions or readings were written; a run has one or the other, or telemetry."""
    telemetry: tuple[TelemetryRow, ...] = ()
    is_all: bool = True


class RecordTail:
    """Reads a run record from where it was left."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_NAME
        self._newest = dict.fromkeys(_TABLES, -1)

    def read(self) -> NewRows:
        """Return what is new, nothing at all for a record that is only being made.

        RecordError if there is no record, if it is of another version, or cannot be read now.
        """
        if not self._path.exists():
            raise RecordError(f"{self._path}: there is no record")
        try:
            with closing(self._open()) as database:
                database.execute("BEGIN")
                (version,) = database.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    return NewRows()
                check_version(self._path, version)
                return self._read_from(database)
        except sqlite3.Error as error:
            raise RecordError(f"{self._path}: {error}") from None

    def _open(self) -> sqlite3.Connection:
        # Without a write-ahead log nobody has the record open; read like that it leaves no files behind.
        is_closed = not self._path.with_name(f"{LOG_NAME}-wal").exists()
        return open_untouched(self._path, _BUSY_S) if is_closed else open_to_read(self._path, _BUSY_S)

    def _read_from(self, database: sqlite3.Connection) -> NewRows:
        rows: dict[str, list[tuple[Any, ...]]] = {}
        is_all = True
        # Telemetry comes last, and only when all gaps are known: a record may fill one.
        for table, columns in _TABLES.items():
            rows[table] = self._new_rows(database, table, columns) if is_all else []
            is_all = is_all and len(rows[table]) < MOST_ROWS
        return NewRows(
            facts=self._facts_in(database),
            sessions_utc_s=tuple(started_s for (started_s,) in rows["session"]),
            points=tuple(Point(*row) for row in rows["point"]),
            schedules=tuple(Schedule(*row) for row in rows["schedule"]),
            gaps=tuple(Gap(*row) for row in rows["gap"]),
            events=tuple(Event(*row) for row in rows["event"]),
            measured_utc_s=tuple(utc_s for (utc_s,) in [*rows["acquisition"], *rows["power_reading"]]),
            telemetry=tuple(TelemetryRow(*row) for row in rows["telemetry"]),
            is_all=is_all,
        )

    def _facts_in(self, database: sqlite3.Connection) -> RunFacts:
        try:
            return facts_of({key: json.loads(value) for key, value in database.execute(_META, _META_KEYS)})
        except ValueError as error:
            raise RecordError(f"{self._path}: facts that make no sense: {error}") from None

    def _new_rows(self, database: sqlite3.Connection, table: str, columns: str) -> list[tuple[Any, ...]]:
        found = database.execute(
            f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {MOST_ROWS}",  # noqa: S608 - constants
            (self._newest[table],),
        ).fetchall()
        if found:
            self._newest[table] = found[-1][0]
        return [row[1:] for row in found]
