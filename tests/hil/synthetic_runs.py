"""Run records made up from the published figures: a right bench, and benches that are wrong in one way."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from drivers.facts.telemetry import TelemetryRecord
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.random import Generator

T0_S = 1_704_067_200.0
ALL_DB = (0.0, 3.0, 5.0, 7.0, 8.0, 10.0, 12.0)
SMOKE_DB = (0.0, 5.0, 10.0)
DEAD_TIME_S = 40e-6
DARK_RATE_PER_S = 108.0
POWER_DRIFT_RMS = 0.011
POWER_DRIFT_S = 60.0

Change: TypeAlias = "Callable[[TelemetryRecord, int, float], TelemetryRecord]"
"""Makes a record wrong; gets its number in the run and the attenuation added in dB."""


@dataclass(frozen=True, slots=True)
class PointModel:
    """What telemetry looks like at one attenuation, as means and standard deviations of records."""

    skr_bps: float
    skr_sd_bps: float
    qber: float
    qber_bits: int
    """Size of the disclosed sample behind each QBER."""
    visibility_sd: float
    count: float


# Means and scatter of the emulated link; 4.1 % of all detections are disclosed for the QBER.
MODEL = {
    0.0: PointModel(2388, 115, 0.01905, 745, 0.0016, 18198),
    3.0: PointModel(2131, 135, 0.0133, 588, 0.0025, 14370),
    5.0: PointModel(1770, 140, 0.0117, 473, 0.0030, 11550),
    7.0: PointModel(1357, 138, 0.0117, 359, 0.0039, 8780),
    8.0: PointModel(1155, 135, 0.0121, 307, 0.0044, 7500),
    10.0: PointModel(791, 107, 0.0142, 221, 0.0057, 5390),
    12.0: PointModel(0, 0, 0.0186, 152, 0.0079, 3715),
}


def unchanged(record: TelemetryRecord, index: int, added_db: float) -> TelemetryRecord:
    """Leave a record as it is."""
    del index, added_db
    return record


class PowerDrift:
    """Slow drift of the light, mean 0 and variance 1, remembered for about a minute."""

    def __init__(self, rng: Generator, period_s: float) -> None:
        self._rng = rng
        self._memory = math.exp(-period_s / POWER_DRIFT_S)
        self._value = float(rng.normal())

    def next(self) -> float:
        """Return the drift one record later."""
        kick = math.sqrt(1.0 - self._memory**2)
        self._value = self._memory * self._value + kick * float(self._rng.normal())
        return self._value


def draw(
    rng: Generator, model: PointModel, drift: PowerDrift, sequence: int, start_s: float
) -> TelemetryRecord:
    """Draw one record of a right bench."""
    # A dead time flattens both the drift of the light and its shot noise.
    live = max(1.0 - model.count * DEAD_TIME_S, 0.0)
    slow = model.count * live * POWER_DRIFT_RMS * drift.next()
    shot = math.sqrt(model.count) * live * rng.normal()
    return TelemetryRecord(
        sequence=sequence,
        window_start_s=start_s,
        window_s=1.0,
        skr_bps=max(float(rng.normal(model.skr_bps, model.skr_sd_bps)), 0.0),
        key_rate_bps=model.skr_bps,
        qber=float(rng.binomial(model.qber_bits, model.qber)) / model.qber_bits,
        visibility=float(rng.normal(0.9912, model.visibility_sd)),
        detection_count=float(round(model.count + slow + shot)),
    )


PROVENANCE = {
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "git_dirty": False,
    "python": "3.11",
    "platform": "Linux x86_64",
    "versions": {"numpy": "2.4", "pyvisa": "1.16"},
    "inventory_sha256": "a" * 64,
    "limits_sha256": "b" * 64,
    "host": "bench-1",
}


def facts(
    procedure: str, plan_name: str, added_db: Sequence[float], per_point: int, records: int
) -> dict[str, Any]:
    """Return the facts of a finished run on a right bench."""
    return {
        "procedure": procedure,
        "plan_name": plan_name,
        "plan": {
            "title": "made up",
            "record_period_s": 10 if plan_name == "paper" else 1,
            "attenuation": {"added_db": list(added_db), "records_per_point": per_point, "settle_s": 5},
            "stability": {"records": records},
        },
        "station": "paper-link",
        "station_title": "STT GDC-A to STT GDC-B, Cerberis XGR pair",
        "target": "emulator",
        "clock": "virtual",
        "plan_sha256": "c" * 64,
        "seed": 1,
        "fidelity": "statistical",
        "profile": "cerberis_xgr_paper",
        "started_utc_s": T0_S + 1000.0,
        "finished_utc_s": T0_S + 1060.0,
        "appliances": {end: appliance(end, number) for number, end in enumerate(("alice", "bob"), start=1)},
        "attenuator": {"vendor": "VIAVI", "model": "mVOA-C1", "serial": "MV-17", "firmware": "1.4"},
        "fibre": {"length_km": 19.87, "loss_db": 12.47, "wavelength_nm": 1550.0, "source": "Table 1"},
        "provenance": dict(PROVENANCE),
    }


def appliance(end: str, number: int) -> dict[str, Any]:
    """Return the facts of an appliance that is where it should be."""
    return {
        "vendor": "ID Quantique",
        "model": "Cerberis XGR",
        "firmware": "2.1.0",
        "protocol": "COW-4",
        "serial": f"XGR-000{number}",
        "end": end,
        "expected_end": end,
        "wavelength_nm": 1550.0,
        "state": "Running",
        "clock_offset_s": 0.01 * number,
    }


def facts_unchanged(meta: dict[str, Any]) -> None:
    """Leave the facts of a run as they are."""
    del meta


def stability_run(
    folder: Path,
    seed: int,
    *,
    plan_name: str = "smoke",
    records: int = 60,
    model: PointModel = MODEL[0.0],
    change: Change = unchanged,
    missing: frozenset[int] = frozenset(),
    meta: Callable[[dict[str, Any]], None] = facts_unchanged,
) -> RunRecord:
    """Make a stability run in which the slots `missing` have no record."""
    about = facts("stability", plan_name, SMOKE_DB, 10, records)
    meta(about)
    period_s = about["plan"]["record_period_s"]
    rng = stream(seed, "stability")
    drift = PowerDrift(stream(seed, "stability drift"), period_s)
    run = RunRecord.create(folder, about)
    with in_one_commit(run):
        for slot in range(records):
            record = draw(rng, model, drift, slot, T0_S + slot * period_s)
            if slot in missing:
                run.add_gap(Gap(slot, None, None, "no answer within 10 s"))
            else:
                run.add_record(slot, None, change(record, slot, 0.0))
        run.add_event(T0_S, "started", "slot 0")
        run.add_event(T0_S + records * period_s, "finished", f"{records} slots")
    return run


def attenuation_run(
    folder: Path,
    seed: int,
    *,
    plan_name: str = "smoke",
    added_db: Sequence[float] = SMOKE_DB,
    per_point: int = 10,
    models: Callable[[float], PointModel] = lambda db: MODEL[db],
    change: Change = unchanged,
    wavelength_nm: float = 1550.0,
    readback_error_db: float = 0.0,
    unvisited: frozenset[float] = frozenset(),
    meta: Callable[[dict[str, Any]], None] = facts_unchanged,
) -> RunRecord:
    """Make a sweep that did not visit the points `unvisited`."""
    about = facts("attenuation", plan_name, added_db, per_point, 60)
    meta(about)
    period_s = about["plan"]["record_period_s"]
    rng = stream(seed, "attenuation")
    drift = PowerDrift(stream(seed, "attenuation drift"), period_s)
    run = RunRecord.create(folder, about)
    sequence = 0
    with in_one_commit(run):
        for step, db in enumerate(added_db):
            if db in unvisited:
                continue
            point = run.add_point(step, db, db, db + readback_error_db, wavelength_nm, T0_S + sequence, 0.05)
            for slot in range(per_point):
                record = draw(rng, models(db), drift, sequence, T0_S + period_s * sequence)
                run.add_record(slot, point.number, change(record, sequence, db))
                sequence += 1
    return run


def stream(seed: int, name: str) -> Generator:
    """Return the named stream of a seed."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


class in_one_commit:  # noqa: N801 - used as a statement
    """Write a whole made-up run at once: a commit for each of 86,400 rows would take minutes."""

    def __init__(self, run: RunRecord) -> None:
        self._database = run._database

    def __enter__(self) -> None:
        self._database.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        self._database.execute("COMMIT")


def at_loss(db: float, extra_db: float) -> PointModel:
    """Return the model of `db` added with only the light of `extra_db` more and without any key."""
    light_per_s = MODEL[0.0].count / (1.0 - MODEL[0.0].count * DEAD_TIME_S) - DARK_RATE_PER_S
    rate_per_s = light_per_s * 10 ** (-(db + extra_db) / 10) + DARK_RATE_PER_S
    count = rate_per_s / (1.0 + rate_per_s * DEAD_TIME_S)
    return replace(MODEL[db], count=count, skr_bps=0.0, skr_sd_bps=0.0, qber=0.5, qber_bits=20)
