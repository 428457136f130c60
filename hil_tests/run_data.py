"""A run record as columns of numbers, ready for statistics."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from hil_tests.fibre_trace import read_fibre_traces
from sweeps.procedures.calibration import round_settings_db
from sweeps.record.facts import RunFacts, is_same_point, read_facts
from sweeps.record.measured_rows import power_readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hil_tests.fibre_trace import FibreTrace
    from hil_tests.measure.estimates import Floats
    from sweeps.record.run_record import RunRecord
    from sweeps.record.schema import Gap, Point, PowerReading, Slot


@dataclass(frozen=True, slots=True)
class Columns:
    """Telemetry records as one array a quantity, in the order in which they were taken."""

    slot: Floats
    point: Floats
    """Number of the sweep point; nan outside a sweep."""
    window_start_s: Floats
    window_s: Floats
    skr_bps: Floats
    key_rate_bps: Floats
    qber: Floats
    visibility: Floats
    detection_count: Floats
    """Detections per second."""

    def where(self, mask: NDArray[np.bool_]) -> Columns:
        """Return the records that `mask` picks."""
        return Columns(*(getattr(self, field.name)[mask] for field in fields(self)))

    @property
    def n(self) -> int:
        """How many records there are."""
        return self.slot.size


@dataclass(frozen=True, slots=True)
class RunData:
    """One run, read whole."""

    name: str
    facts: RunFacts
    points: Sequence[Point]
    columns: Columns
    gaps: Sequence[Gap]
    traces: Sequence[FibreTrace] = ()
    readings: Sequence[PowerReading] = ()
    """Power behind an attenuator, where it was calibrated."""

    def at(self, point_db: float | None) -> Columns:
        """Return the records taken at one point of the sweep (None: all of the run)."""
        if point_db is None:
            return self.columns
        numbers = [point.number for point in self.points if is_same_point(point.added_db, point_db)]
        return self.columns.where(np.isin(self.columns.point, numbers))

    def added_db(self) -> list[float]:
        """Return the points that have records, by rising attenuation, each once."""
        visited = sorted({point.added_db for point in self.points})
        return [db for db in visited if self.at(db).n]

    def planned_readings(self) -> list[PowerReading]:
        """Return the calibration's readings that the plan asks for: none of those that open a round anew."""
        plan = self.facts.plan.calibration
        visits = 0 if plan is None or not plan.settings_db else len(round_settings_db(plan.settings_db))
        return [reading for reading in self.readings if reading.step < visits]

    def uncertainty_db(self, point_db: float) -> float:
        """Return how far the attenuation at a point may be from its reading: the most of all visits to it."""
        return max(p.uncertainty_db for p in self.points if is_same_point(p.added_db, point_db))


def read_run(run: RunRecord) -> RunData:
    """Read all that `run` holds; BenchError if its facts are not of their kind."""
    return RunData(
        name=run.folder.name,
        facts=read_facts(run),
        points=run.points(),
        columns=_columns(run.slots()),
        gaps=run.gaps(),
        traces=read_fibre_traces(run),
        readings=power_readings(run),
    )


def _columns(slots: Sequence[Slot]) -> Columns:
    rows = np.array([_row(slot) for slot in slots], dtype=np.float64).reshape(
        len(slots), len(fields(Columns))
    )
    return Columns(*np.ascontiguousarray(rows.T))


def _row(slot: Slot) -> tuple[float, ...]:
    record = slot.record
    return (
        slot.slot,
        np.nan if slot.point is None else slot.point,
        record.window_start_s,
        record.window_s,
        record.skr_bps,
        record.key_rate_bps,
        record.qber,
        record.visibility,
        record.detection_count,
    )
