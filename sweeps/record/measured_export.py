"""Tables and files of an export that are no telemetry: traces of the fibre, their events, power readings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from drivers.roles import OtdrEvent
from sweeps.record.measured_rows import acquisitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drivers.roles import MarkedDb
    from sweeps.record.snapshot import Snapshot
    from sweeps.record.table_files import Columns

SOR_SUFFIX = ".sor"
OTDR_EVENTS_NAME = "otdr_events"
OTDR_EVENT_COLUMNS: Columns = {
    "step": "integer",
    "number": "integer",
    "kind": "text",
    "distance_m": "number",
    "section_m": "number",
    "loss_db": "number",
    "loss_mark": "text",
    "reflectance_db": "number",
    "reflectance_mark": "text",
    "slope_db_per_km": "number",
    "slope_mark": "text",
    "total_loss_db": "number",
    "total_loss_mark": "text",
}
"""A mark says that the value before it is `approximate`, or a bound: `at_least`, `at_most`."""
MEASURED_TABLES: dict[str, tuple[Columns, str]] = {
    "acquisitions": (
        {
            "step": "integer",
            "site": "text",
            "gear": "text",
            "wavelength_nm": "number",
            "pulse_ns": "number",
            "range_km": "number",
            "averaging_s": "number",
            "group_index": "number",
            "backscatter_db": "number",
            "launch_m": "number",
            "tail_m": "number",
            "taken_s": "number",
            "sor": "text",
            "sor_sha256": "text",
            "written_utc_s": "number",
        },
        """
SELECT step, site, gear, wavelength_nm, pulse_ns, range_km, averaging_s, group_index, backscatter_db,
  launch_m, tail_m, taken_s, sor, sor_sha256, utc_s
FROM acquisition ORDER BY step""",
    ),
    "power_readings": (
        {
            "round": "integer",
            "step": "integer",
            "setting_db": "number",
            "readback_db": "number",
            "power_dbm": "number",
            "wavelength_nm": "number",
            "taken_s": "number",
            "written_utc_s": "number",
        },
        """
SELECT round, step, setting_db, readback_db, power_dbm, wavelength_nm, taken_s, utc_s FROM power_reading
ORDER BY round, step""",
    ),
}
_EVENT = TypeAdapter(OtdrEvent)


def otdr_event_rows(snapshot: Snapshot) -> Iterator[tuple[object, ...]]:
    """Give the events of all acquisitions, a row each in the order of OTDR_EVENT_COLUMNS."""
    for step, content in snapshot.rows("SELECT step, content FROM otdr_event ORDER BY step, number"):
        event = _EVENT.validate_json(content)
        marked = (event.loss_db, event.reflectance_db, event.slope_db_per_km, event.total_loss_db)
        values = [cell for each in marked for cell in _cells(each)]
        yield (step, event.number, event.kind, event.distance_m, event.section_m, *values)


def copy_traces(snapshot: Snapshot, to: Path) -> None:
    """Copy the `.sor` file of every acquisition; ValueError for one that is not what was measured."""
    for taken in acquisitions(snapshot.run):
        content = (snapshot.run.artefacts / taken.sor).read_bytes()
        if hashlib.sha256(content).hexdigest() != taken.sor_sha256:
            raise ValueError(f"{taken.sor} is not the file that was measured: its SHA-256 is another one")
        (to / taken.sor).write_bytes(content)


def _cells(marked: MarkedDb | None) -> tuple[float | None, str | None]:
    if marked is None:
        return None, None
    marks = ["approximate"] if marked.is_approximate else []
    return marked.value, " ".join([*marks, *([marked.bound] if marked.bound else [])]) or None
