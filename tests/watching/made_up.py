"""Runs made up for a watcher: written row by row through the run record, as a runner does."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from drivers.facts.telemetry import TelemetryRecord
from sweeps.record.host_process import this_process
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

T0_S = 1_704_067_200.0


def facts(procedure: str = "stability", **changes: object) -> dict[str, Any]:
    """Return the facts of a run that this process holds and that goes on."""
    return {
        "procedure": procedure,
        "plan_name": "smoke",
        "plan": {
            "title": "made up",
            "record_period_s": 10.0,
            "attenuation": {"added_db": [0.0, 5.0, 12.0], "records_per_point": 10, "settle_s": 5.0},
            "stability": {"records": 60},
        },
        "station": "paper-link",
        "station_title": "GDC-A to GDC-B",
        "target": "emulator",
        "clock": "virtual",
        "started_utc_s": T0_S,
        "runner": asdict(replace(this_process(), started_utc_s=T0_S)),
        **changes,
    }


def record_at(number: int, *, period_s: float = 10.0, **changes: float) -> TelemetryRecord:
    """Return record `number`, whose values swing a little around those of the paper's Table 2."""
    swing = (number * 7919 % 101 - 50) / 50
    values = {
        "skr_bps": 2392 + 126 * swing,
        "key_rate_bps": 2390.0,
        "qber": 0.019 + 0.005 * (number * 104729 % 97 - 48) / 48,
        "visibility": 0.9912 + 0.0016 * swing,
        "detection_count": 18_199 + round(65 * swing),
    }
    return TelemetryRecord(
        sequence=number,
        window_start_s=T0_S + number * period_s,
        window_s=1.0,
        **{**values, **changes},
        readings={f"Reading_{reading}": number / 7 for reading in range(7)},
    )


def begin(folder: Path, *, slots: int = 60, period_s: float = 10.0, **changes: object) -> RunRecord:
    """Begin a stability run of `slots` slots."""
    about = facts()
    about.update(changes)
    about["plan"]["stability"]["records"] = slots
    about["plan"]["record_period_s"] = period_s
    run = RunRecord.create(folder, about)
    run.add_event(T0_S, "start", "stability on paper-link")
    run.add_schedule(Schedule(None, T0_S, period_s, 0, slots))
    return run


def add_records(run: RunRecord, numbers: Iterable[int], *, period_s: float = 10.0, **changes: float) -> None:
    """Add records in the slots of their numbers."""
    for number in numbers:
        run.add_record(number, None, record_at(number, period_s=period_s, **changes))


def visit(run: RunRecord, step: int, added_db: float, numbers: Iterable[int], *, first_slot: int = 0) -> int:
    """Visit a point of a sweep, take its records, and return the point's number."""
    wanted = list(numbers)
    start_s = T0_S + (wanted[0] if wanted else 0) * 10.0
    point = run.add_point(step, added_db, added_db, added_db + 0.012, 1550.0, start_s, 0.05)
    run.add_schedule(Schedule(point.number, start_s, 10.0, first_slot, 10))
    light = 10 ** (-added_db / 10)
    for slot, number in enumerate(wanted, start=first_slot):
        changes = {"skr_bps": 2390 * light if added_db < 12 else 0.0, "detection_count": 18_000 * light}
        run.add_record(slot, point.number, record_at(number, **changes))
    return point.number
