"""Rows of a run record that are no telemetry: traces of the fibre, and power behind an attenuator."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from drivers.clock import utc_now_s
from drivers.roles import OtdrEvent
from sweeps.record.schema import Acquisition, PowerReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.record.run_record import RunRecord

_OTDR_EVENT = TypeAdapter(OtdrEvent)
_ACQUISITION = (
    "step, site, gear, wavelength_nm, pulse_ns, range_km, averaging_s, group_index, backscatter_db,"
    " launch_m, tail_m, taken_s, sor, sor_sha256"
)
_READING = "round, step, setting_db, readback_db, power_dbm, wavelength_nm, taken_s"


def add_acquisition(run: RunRecord, acquisition: Acquisition, events: Sequence[OtdrEvent]) -> None:
    """Write an acquisition with its events in one commit; RecordError if its step is there already."""
    row = (*asdict(acquisition).values(), utc_now_s())
    events_rows = [(acquisition.step, event.number, json.dumps(asdict(event))) for event in events]
    run.write_together(
        [
            (f"INSERT INTO acquisition ({_ACQUISITION}, utc_s) VALUES ({_places(row)})", row),  # noqa: S608 - constants
            *(("INSERT INTO otdr_event VALUES (?, ?, ?)", row) for row in events_rows),
        ]
    )


def acquisitions(run: RunRecord) -> list[Acquisition]:
    """Return all acquisitions in the order of the plan."""
    rows = run.read_rows(f"SELECT {_ACQUISITION} FROM acquisition ORDER BY step")  # noqa: S608 - a constant
    return [Acquisition(*row) for row in rows]


def otdr_events(run: RunRecord, step: int) -> list[OtdrEvent]:
    """Return the events of an acquisition, nearest first."""
    rows = run.read_rows("SELECT content FROM otdr_event WHERE step = ? ORDER BY number", (step,))
    return [_OTDR_EVENT.validate_json(content) for (content,) in rows]


def add_reading(run: RunRecord, reading: PowerReading) -> None:
    """Write a reading of the power meter; RecordError if its step of that round is there already."""
    row = (*asdict(reading).values(), utc_now_s())
    run.write_together([(f"INSERT INTO power_reading ({_READING}, utc_s) VALUES ({_places(row)})", row)])  # noqa: S608


def power_readings(run: RunRecord) -> list[PowerReading]:
    """Return all readings in the order in which they were taken."""
    rows = run.read_rows(f"SELECT {_READING} FROM power_reading ORDER BY round, step")  # noqa: S608 - a constant
    return [PowerReading(*row) for row in rows]


def _places(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
