"""Negative controls on made-up runs: each wrong bench fails exactly the checks named here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil_tests.limits import load_limits
from hil_tests.verdict import judge
from tests.hil.synthetic_runs import ALL_DB, MODEL, PointModel, at_loss, attenuation_run, stability_run

if TYPE_CHECKING:
    from drivers.facts.telemetry import TelemetryRecord
    from sweeps.record.run_record import RunRecord
    from tests.hil.synthetic_runs import Change

LIMITS = load_limits(Path(__file__).parents[2] / "hil_tests" / "limits" / "paper-link.yaml")


def failed(run: RunRecord) -> set[str]:
    return {check.name for check in judge(LIMITS, run) if check.verdict == "fail"}


# --- what is wrong with the appliances or what they report


def swap_ends(meta: dict[str, Any]) -> None:
    meta["appliances"]["alice"]["end"], meta["appliances"]["bob"]["end"] = "bob", "alice"


def late_clock(meta: dict[str, Any]) -> None:
    meta["appliances"]["bob"]["clock_offset_s"] = -2.0


def in_kbps(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, skr_bps=record.skr_bps / 1e3, key_rate_bps=record.key_rate_bps / 1e3)


def in_percent(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, qber=100 * record.qber)


def perfect_visibility(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, visibility=1.0)


def low_visibility(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    """Lower the visibility to 97 %; the key rate pays for it."""
    return replace(record, visibility=record.visibility - 0.0212, skr_bps=record.skr_bps - 1030)


def one_burst(record: TelemetryRecord, index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, qber=0.09) if index == 20 else record


def zero_now_and_then(record: TelemetryRecord, index: int, _added_db: float) -> TelemetryRecord:
    if index % 7:
        return record
    return replace(record, skr_bps=0.0, key_rate_bps=0.0, qber=0.0, visibility=0.0, detection_count=0.0)


def always_the_same(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    """Give one content for ever, under rising numbers."""
    return replace(record, skr_bps=2391.0, qber=0.0188, visibility=0.9911, detection_count=18201.0)


def late_key(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, key_rate_bps=0.7 * record.skr_bps)


def no_key_blocks(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
    return replace(record, key_rate_bps=0.0)


@dataclass(frozen=True)
class WrongBench:
    """A wrong bench: what is made wrong, the checks that have to fail, and those that may besides."""

    name: str
    settings: dict[str, Any]
    fails: set[str]
    may_fail: set[str] = field(default_factory=set[str])

    def is_caught_by(self, failed_checks: set[str]) -> bool:
        return self.fails <= failed_checks <= self.fails | self.may_fail


WRONG_STABILITY = [
    WrongBench("ends swapped", {"meta": swap_ends}, {"appliance_alice_end", "appliance_bob_end"}),
    WrongBench("clock off", {"meta": late_clock}, {"appliance_clock_offset_s"}),
    WrongBench("kbps for bps", {"change": in_kbps}, {"stability_skr_mean_bps"}),
    WrongBench("percent for fraction", {"change": in_percent}, {"stability_qber_mean", "stability_qber_max"}),
    WrongBench(
        "visibility 97 %",
        {"change": low_visibility},
        {"stability_visibility_mean", "stability_skr_mean_bps"},
        # The same scatter of a smaller key rate.
        {"stability_skr_sd"},
    ),
    WrongBench("visibility 100 %", {"change": perfect_visibility}, {"stability_visibility_mean"}),
    WrongBench(
        "1 dB more loss",
        {"model": replace(MODEL[0.0], count=17_010, skr_bps=2359, qber=0.0162)},
        {"stability_count_mean"},
    ),
    WrongBench("one record for ever", {"change": always_the_same}, {"stability_distinct_records"}),
    WrongBench(
        "time-out turned into zeros",
        {"change": zero_now_and_then},
        # The zeros are alike, drag the means and widen the scatter.
        {
            "stability_zero_count_records",
            "stability_distinct_records",
            "stability_skr_sd",
            "stability_visibility_mean",
            "stability_count_mean",
        },
        {"stability_skr_mean_bps"},
    ),
    WrongBench("records missing", {"missing": frozenset({3, 4})}, {"stability_coverage"}),
    WrongBench("one burst of errors", {"change": one_burst}, {"stability_qber_max"}),
]


@pytest.mark.parametrize("bench", WRONG_STABILITY, ids=lambda bench: bench.name)
@pytest.mark.parametrize("seed", range(5))
def test_wrong_bench_fails_stability(tmp_path: Path, bench: WrongBench, seed: int) -> None:
    got = failed(stability_run(tmp_path / "run", seed, **bench.settings))
    assert bench.is_caught_by(got), got


@pytest.mark.parametrize("change", [late_key, no_key_blocks])
def test_key_that_is_not_delivered_fails_a_long_run(tmp_path: Path, change: Change) -> None:
    run = stability_run(tmp_path / "run", 1, plan_name="paper", records=2000, change=change)
    assert failed(run) == {"stability_key_rate_agrees"}


def test_a_broad_error_rate_fails_the_share(tmp_path: Path) -> None:
    model = replace(MODEL[0.0], qber=0.024)
    run = stability_run(tmp_path / "run", 1, plan_name="paper", records=5000, model=model)
    assert failed(run) == {"stability_qber_share_below_2p9"}


# --- what is wrong with a sweep


def stuck(_db: float) -> PointModel:
    """Leave everything as at 0 dB; the key rates are then above their minima."""
    return MODEL[0.0]


def ten_times(db: float) -> PointModel:
    if db == 0.0:
        return MODEL[0.0]
    return at_loss(db, 9 * db)


def dark_counts_times_ten(db: float) -> PointModel:
    """Give what ten times the dark counts of the emulated detector make of the link."""
    return {
        0.0: replace(MODEL[0.0], skr_bps=2060, qber=0.0254, count=18_260),
        5.0: replace(MODEL[5.0], skr_bps=1130, skr_sd_bps=205, qber=0.0327, count=11_790),
        10.0: replace(MODEL[10.0], skr_bps=80, skr_sd_bps=100, qber=0.0740, count=5_980),
    }[db]


def one_window_late(record: TelemetryRecord, index: int, added_db: float) -> TelemetryRecord:
    """Label each window one later than it is: a point's first record still covers the point before."""
    if added_db == 0 or index % 10:
        return record
    before_db = {5.0: 0.0, 10.0: 5.0}[added_db]
    return replace(record, detection_count=MODEL[before_db].count)


def across_the_step(record: TelemetryRecord, index: int, added_db: float) -> TelemetryRecord:
    """Let a point's first window lie for two thirds before the step."""
    late = one_window_late(record, index, added_db)
    mixed = (2 * late.detection_count + record.detection_count) / 3
    return replace(record, detection_count=mixed)


HOMOGENEOUS = {"attenuation_point_homogeneous_5db", "attenuation_point_homogeneous_10db"}
WRONG_SWEEPS = [
    WrongBench("ends swapped", {"meta": swap_ends}, {"appliance_alice_end", "appliance_bob_end"}),
    WrongBench("wrong wavelength", {"wavelength_nm": 1310.0}, {"attenuation_wavelength_nm"}),
    WrongBench("setting is off", {"readback_error_db": 0.2}, {"attenuation_setting_db"}),
    WrongBench("stuck attenuator", {"models": stuck}, {"attenuation_count_drop_db"}),
    WrongBench(
        "ten times the attenuation",
        {"models": ten_times},
        {
            "attenuation_count_drop_db",
            "attenuation_skr_5db_bps",
            "attenuation_skr_10db_bps",
            "attenuation_qber_5db",
            "attenuation_qber_10db",
        },
    ),
    WrongBench(
        "dark counts times ten",
        {"models": dark_counts_times_ten},
        {
            "attenuation_qber_5db",
            "attenuation_qber_10db",
            "attenuation_skr_5db_bps",
            "attenuation_skr_10db_bps",
        },
        # 2.5 % and about 2,060 bps at 0 dB lie at their limits.
        {"attenuation_skr_0db_bps", "attenuation_qber_0db"},
    ),
    WrongBench("window one record late", {"change": one_window_late}, HOMOGENEOUS),
    WrongBench("window across the step", {"change": across_the_step}, HOMOGENEOUS),
]


@pytest.mark.parametrize("bench", WRONG_SWEEPS, ids=lambda bench: bench.name)
@pytest.mark.parametrize("seed", range(5))
def test_wrong_bench_fails_the_sweep(tmp_path: Path, bench: WrongBench, seed: int) -> None:
    got = failed(attenuation_run(tmp_path / "run", seed, **bench.settings))
    assert bench.is_caught_by(got), got


def test_zeros_fail_the_sweep(tmp_path: Path) -> None:
    run = attenuation_run(tmp_path / "run", 1, change=zero_now_and_then)
    assert "attenuation_zero_count_records" in failed(run)


def test_no_light_at_all_still_has_a_finite_drop(tmp_path: Path) -> None:
    def dark(record: TelemetryRecord, _index: int, added_db: float) -> TelemetryRecord:
        return replace(record, detection_count=0.0) if added_db else record

    by_name = {
        check.name: check for check in judge(LIMITS, attenuation_run(tmp_path / "run", 1, change=dark))
    }
    drop = by_name["attenuation_count_drop_db"]
    assert drop.verdict == "fail"
    assert drop.value is not None
    assert 40.0 < drop.value < 80.0


def test_key_where_the_device_must_stop_fails(tmp_path: Path) -> None:
    def never_stops(record: TelemetryRecord, index: int, added_db: float) -> TelemetryRecord:
        return replace(record, skr_bps=560.0) if added_db == 12.0 and index % 10 == 9 else record

    run = attenuation_run(tmp_path / "run", 1, added_db=ALL_DB, change=never_stops)
    assert failed(run) == {"attenuation_skr_12db_bps"}


def test_a_count_beyond_the_dead_time_is_incomplete(tmp_path: Path) -> None:
    def too_many(record: TelemetryRecord, _index: int, _added_db: float) -> TelemetryRecord:
        return replace(record, detection_count=26_000.0)

    by_name = {
        check.name: check for check in judge(LIMITS, attenuation_run(tmp_path / "run", 1, change=too_many))
    }
    assert by_name["attenuation_count_drop_db"].verdict == "incomplete"
    assert "dead time" in by_name["attenuation_count_drop_db"].note
