"""A bench that can fail: each wrong bench is failed by the check that `docs/negative-controls.md` names.

The wrongness stands in the inventory, so it reaches the drivers over the real wires; no record is edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.benches import PROJECT, measure_and_judge, write_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ALICE = "gear.alice.defects"
BOB = "gear.bob.defects"
VOA = "gear.voa.defects"


@dataclass(frozen=True, slots=True)
class WrongBench:
    """What is wrong, and which check of which procedure must see it."""

    name: str
    changes: Mapping[str, Any]
    procedure: str
    check: str


WRONG_BENCHES = (
    WrongBench("attenuator times ten", {VOA: {"scale": 10.0}}, "attenuation", "attenuation_count_drop_db"),
    WrongBench("attenuator stuck", {VOA: {"stuck": True}}, "attenuation", "attenuation_count_drop_db"),
    WrongBench(
        "attenuator 2 % out of scale", {VOA: {"scale": 1.02}}, "calibration", "calibration_accuracy_db"
    ),
    WrongBench(
        "worn motor", {VOA: {"repeatability_db": 0.05}}, "calibration", "calibration_repeatability_db"
    ),
    WrongBench("kbps for bps", {BOB: {"rate_unit": "kbps"}}, "stability", "stability_skr_mean_bps"),
    WrongBench("percent for fraction", {BOB: {"error_unit": "percent"}}, "stability", "stability_qber_mean"),
    WrongBench(
        "one record for ever", {BOB: {"repeats_record": True}}, "stability", "stability_distinct_records"
    ),
    WrongBench(
        "Alice and Bob swapped",
        {ALICE: {"is_other_end": True}, BOB: {"is_other_end": True}},
        "stability",
        "appliance_alice_end",
    ),
    WrongBench("visibility 97 %", {BOB: {"visibility": 0.97}}, "stability", "stability_visibility_mean"),
    WrongBench("1 dB extra loss", {"emulation.extra_loss_db": 1.0}, "stability", "stability_count_mean"),
    WrongBench(
        "dark counts times ten", {BOB: {"dark_count_factor": 10.0}}, "attenuation", "attenuation_qber_10db"
    ),
    WrongBench(
        "time-out turned into zero", {BOB: {"zeros_every": 7}}, "stability", "stability_zero_count_records"
    ),
    WrongBench(
        "wrong wavelength", {VOA: {"wavelength_stuck_nm": 1310.0}}, "attenuation", "attenuation_wavelength_nm"
    ),
    WrongBench(
        "record window across a step",
        {BOB: {"late_s": 6.0}},
        "attenuation",
        "attenuation_point_homogeneous_10db",
    ),
)


@pytest.mark.parametrize("wrong", WRONG_BENCHES, ids=lambda wrong: wrong.name.replace(" ", "-"))
def test_a_wrong_bench_is_failed_by_its_check(wrong: WrongBench, tmp_path: Path) -> None:
    inventory = write_inventory(tmp_path, wrong.changes)
    checks = measure_and_judge(inventory, wrong.procedure, tmp_path / "runs")
    failed = {check.name for check in checks if check.verdict == "fail"}
    assert wrong.check in failed


@pytest.mark.parametrize("procedure", ["calibration", "attenuation", "stability"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_right_bench_passes_them_all(procedure: str, seed: int, tmp_path: Path) -> None:
    checks = measure_and_judge(write_inventory(tmp_path, {}), procedure, tmp_path / "runs", seed=seed)
    assert checks
    assert [check.name for check in checks if check.verdict not in ("pass", "marginal")] == []


def test_the_table_in_the_docs_names_every_control() -> None:
    text = (PROJECT / "docs" / "negative-controls.md").read_text()
    for wrong in WRONG_BENCHES:
        assert f"| {wrong.name} |" in text
        assert f"`{wrong.check}`" in text
