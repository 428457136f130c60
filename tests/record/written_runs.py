"""Small runs written through RunRecord, as the bench leaves them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from drivers.facts.telemetry import TelemetryRecord
from sweeps.record.run_record import LOG_NAME, RunRecord
from sweeps.record.schema import Gap
from tests.hil.synthetic_runs import PROVENANCE, SMOKE_DB, T0_S, facts, in_one_commit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMIT = str(PROVENANCE["git_commit"])


def meta(procedure: str = "stability", **changes: object) -> dict[str, Any]:
    """Return the facts of a finished smoke run; a change to None leaves the fact out."""
    about = facts(procedure, "smoke", SMOKE_DB, 4, 60) | {"plan_sha256": "d" * 64} | changes
    return {key: value for key, value in about.items() if value is not None}


def record(sequence: int, readings: Mapping[str, float] | None = None) -> TelemetryRecord:
    """Return a record whose numbers need every digit that they have."""
    return TelemetryRecord(
        sequence=sequence,
        window_start_s=T0_S + sequence / 3,
        window_s=1.0,
        skr_bps=2392.5 + sequence / 7,
        key_rate_bps=0.1 + 0.2,
        qber=1e-17 * (sequence + 1),
        visibility=0.9912,
        detection_count=18_199.0,
        readings=readings or {},
    )


def stability(folder: Path, about: Mapping[str, Any] | None = None, records: int = 3) -> Path:
    """Write a stability run with one session and leave it closed."""
    with RunRecord.create(folder, meta() if about is None else about) as run:
        run.add_session(PROVENANCE | {"command": "sweeps run stability"})
        with in_one_commit(run):
            for slot in range(records):
                run.add_record(slot, None, record(slot, {"Laser_Temperature": 25.0 + slot / 3}))
    return folder


def sweep(folder: Path) -> Path:
    """Write a sweep whose second point was visited twice, with gaps of two reasons, and a journal."""
    with RunRecord.create(folder, meta("attenuation")) as run:
        run.add_session(PROVENANCE)
        run.add_session(PROVENANCE | {"git_commit": "f" * 40, "git_dirty": True})
        for step, added_db in ((0, 0.0), (1, 5.0), (1, 5.0)):
            point = run.add_point(step, added_db, added_db, added_db + 0.001, 1550.12, T0_S + step, 0.05)
            for slot in range(2):
                run.add_record(slot, point.number, record(10 * point.number + slot, {f"R{step}": 0.1 * step}))
        for slot in (2, 3):
            run.add_gap(Gap(slot, None, None, "no answer within 10 s", 1))
        run.add_gap(Gap(1, None, None, "filled after all", 1))
        run.add_gap(Gap(None, 5, 9, "no longer held"))
        run.add_event(T0_S, "start", "attenuation on paper-link")
        run.add_event(T0_S + 0.1, "device, said", 'bob: "[bold]x\x1b[31m"\r\nand, more')
    return folder


def spoil(folder: Path, statement: str) -> None:
    """Change a record in a way that no program of ours does."""
    database = sqlite3.connect(folder / LOG_NAME, isolation_level=None)
    database.execute(statement)
    database.close()
