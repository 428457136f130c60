"""A run record as files for other programs: one table each, and the run's facts as JSON."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

from drivers.errors import RecordError
from sweeps.record.measured_export import (
    MEASURED_TABLES,
    OTDR_EVENT_COLUMNS,
    OTDR_EVENTS_NAME,
    SOR_SUFFIX,
    copy_traces,
    otdr_event_rows,
)
from sweeps.record.run_record import ARTEFACTS_NAME
from sweeps.record.schema import SCHEMA_VERSION
from sweeps.record.snapshot import snapshot_of
from sweeps.record.table_files import parquet_writer, write_csv
from sweeps.record.whole_folder import whole_folder

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from sweeps.record.snapshot import Snapshot
    from sweeps.record.table_files import Columns, ColumnType, Rows

Format = Literal["csv", "parquet"]

_META_NAME = "meta.json"
_TELEMETRY_NAME = "telemetry"
_TELEMETRY: Columns = {
    "slot": "integer",
    "point": "integer",
    "added_db": "number",
    "sequence": "integer",
    "window_start_s": "number",
    "window_s": "number",
    "skr_bps": "number",
    "key_rate_bps": "number",
    "qber": "number",
    "visibility": "number",
    "detection_count_per_s": "number",
    "written_utc_s": "number",
}
_SELECT_TELEMETRY = """
SELECT slot, point, added_db, sequence, window_start_s, window_s, skr_bps, key_rate_bps, qber, visibility,
  detection_count, utc_s, readings
FROM telemetry LEFT JOIN point ON point.id = telemetry.point ORDER BY telemetry.id"""
_TABLES: dict[str, tuple[Columns, str]] = {
    "points": (
        {
            "point": "integer",
            "step": "integer",
            "added_db": "number",
            "setting_db": "number",
            "readback_db": "number",
            "wavelength_nm": "number",
            "settled_s": "number",
            "uncertainty_db": "number",
        },
        """
SELECT id, step, added_db, setting_db, readback_db, wavelength_nm, settled_s, uncertainty_db FROM point
ORDER BY id""",
    ),
    "gaps": (
        {
            "point": "integer",
            "slot": "integer",
            "first_sequence": "integer",
            "last_sequence": "integer",
            "reason": "text",
            "written_utc_s": "number",
        },
        # A slot that was filled after all is no gap; numbers that are lost have no slot.
        """
SELECT point, slot, first_sequence, last_sequence, reason, utc_s FROM gap
WHERE slot IS NULL OR (ifnull(point, 0), slot) NOT IN (SELECT ifnull(point, 0), slot FROM telemetry)
ORDER BY id""",
    ),
    "journal": (
        {"lab_time_s": "number", "written_utc_s": "number", "kind": "text", "text": "text"},
        "SELECT lab_time_s, utc_s, kind, text FROM event ORDER BY id",
    ),
    **MEASURED_TABLES,
}


def default_folder(run_folder: Path) -> Path:
    """Return where the export of a run goes if nobody says otherwise."""
    return run_folder / ARTEFACTS_NAME / "export"


def export_run(
    run_folder: Path, to: Path, file_format: Format = "csv", *, is_forced: bool = False
) -> list[Path]:
    """Write all tables, meta and the `.sor` files of the run into the folder `to`; return the files.

    All are of one moment, also while the run goes on, and `to` gets all of them or stays as it was. An export
    that is there already is replaced only if `is_forced`, and other files never. RecordError if the record
    cannot be read or the files not be written.
    """
    write = write_csv if file_format == "csv" else parquet_writer()
    with snapshot_of(run_folder) as snapshot, _told(to), whole_folder(to, _is_ours, is_forced) as partial:
        for name, (columns, rows) in _tables(snapshot).items():
            write(partial / f"{name}.{file_format}", columns, rows)
        _write_meta(partial / _META_NAME, snapshot)
        copy_traces(snapshot, partial)
        names = sorted(path.name for path in partial.iterdir())
    return [to / name for name in names]


def _tables(snapshot: Snapshot) -> dict[str, tuple[Columns, Rows]]:
    others = {name: (columns, snapshot.rows(select)) for name, (columns, select) in _TABLES.items()}
    events = {OTDR_EVENTS_NAME: (OTDR_EVENT_COLUMNS, otdr_event_rows(snapshot))}
    return {_TELEMETRY_NAME: _telemetry(snapshot), **others, **events}


def _telemetry(snapshot: Snapshot) -> tuple[Columns, Rows]:
    """Return the telemetry with a column for each reading that any record has."""
    readings = snapshot.rows("SELECT readings FROM telemetry")
    names = sorted({name for (text,) in readings for name in json.loads(text)})
    columns: dict[str, ColumnType] = {f"reading_{name}": "number" for name in names}
    return {**_TELEMETRY, **columns}, _telemetry_rows(snapshot, names)


def _telemetry_rows(snapshot: Snapshot, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for *values, text in snapshot.rows(_SELECT_TELEMETRY):
        readings = json.loads(text)
        yield (*values, *(_number(readings.get(name), name) for name in names))


def _number(value: object, name: str) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    raise ValueError(f"reading {name}: expected a number, got {value!r}")


def _write_meta(path: Path, snapshot: Snapshot) -> None:
    sessions = snapshot.rows("SELECT started_utc_s, provenance FROM session ORDER BY id")
    content = {
        "run": snapshot.run.folder.resolve().name,
        "record_version": SCHEMA_VERSION,
        "meta": snapshot.run.meta(),
        "sessions": [
            {"started_utc_s": started_utc_s, **json.loads(text)} for started_utc_s, text in sessions
        ],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _is_ours(path: Path) -> bool:
    tables = {_TELEMETRY_NAME, OTDR_EVENTS_NAME, *_TABLES}
    is_table = path.stem in tables and path.suffix[1:] in get_args(Format)
    return is_table or path.name == _META_NAME or path.suffix == SOR_SUFFIX


@contextmanager
def _told(to: Path) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise RecordError(f"export to {to}: {error}") from None
