"""The limits file: the shipped one is right and complete, a wrong one is told all its mistakes at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drivers.errors import InventoryError
from hil_tests.limits import load_limits

if TYPE_CHECKING:
    from collections.abc import Callable

SHIPPED = Path(__file__).parents[2] / "hil_tests" / "limits" / "paper-link.yaml"
GOOD_CHECK = """
  {name}:
    title: Secret key rate
    procedure: stability
    quantity: skr
    statistic: mean
    low: 2000
    unit: bps
    guard_band: 2
    source: here
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def _write(checks: str) -> Path:
        path = tmp_path / "limits.yaml"
        path.write_text(f"version: 1\ntitle: test\nchecks:\n{checks}")
        return path

    return _write


def test_shipped_limits_have_every_named_check() -> None:
    at_points = {
        f"attenuation_{what}"
        for db in (0, 3, 5, 7, 8, 10)
        for what in (f"skr_{db}db_bps", f"qber_{db}db", f"point_homogeneous_{db}db", f"records_{db}db")
    }
    others = {
        "appliance_alice_end",
        "appliance_bob_end",
        "appliance_clock_offset_s",
        "stability_skr_mean_bps",
        "stability_skr_sd",
        "stability_qber_mean",
        "stability_qber_share_below_2p9",
        "stability_qber_max",
        "stability_visibility_mean",
        "stability_count_mean",
        "stability_coverage",
        "stability_distinct_records",
        "stability_zero_count_records",
        "stability_key_rate_agrees",
        "calibration_readings",
        "calibration_wavelength_nm",
        "calibration_setting_db",
        "calibration_accuracy_db",
        "calibration_slope",
        "calibration_repeatability_db",
        "calibration_spread_db",
        "calibration_hysteresis_db",
        "calibration_insertion_loss_db",
        "attenuation_wavelength_nm",
        "attenuation_setting_db",
        "attenuation_count_drop_db",
        "attenuation_zero_count_records",
        "attenuation_skr_12db_bps",
        "attenuation_point_homogeneous_12db",
        "attenuation_records_12db",
        "fibre_traces_taken",
        "fibre_length_m",
        "fibre_loss_1550nm",
    }
    of_the_fibre = {
        f"fibre_{what}_{nm}nm"
        for nm in (1310, 1550, 1625)
        for what in ("connection_loss", "splice_loss", "reflectance", "orl", "slope")
    }
    limits = load_limits(SHIPPED)
    assert set(limits.checks) == at_points | others | of_the_fibre
    for name, limit in limits.checks.items():
        # The point is in the name, so that a verdict names it; so is the wavelength.
        assert limit.point_db is None or f"_{limit.point_db:g}db" in name
        assert limit.wavelength_nm is None or name.endswith(f"_{limit.wavelength_nm:g}nm")


def test_all_mistakes_are_told_at_once(write: Callable[[str], Path]) -> None:
    path = write(
        GOOD_CHECK.format(name="unit_is_wrong").replace("unit: bps", "unit: kbps")
        + GOOD_CHECK.format(name="no_limit").replace("    low: 2000\n", "")
        + GOOD_CHECK.format(name="upside_down").replace("low: 2000", "low: 2000\n    high: 10")
        + GOOD_CHECK.format(name="kind_unknown").replace("statistic: mean", "statistic: median")
        + GOOD_CHECK.format(name="key_unknown").replace("source: here", "source: here\n    hihg: 3")
        + GOOD_CHECK.format(name="text_for_number").replace("low: 2000", "low: '2000'")
        + GOOD_CHECK.format(name="threshold_missing").replace("statistic: mean", "statistic: share_below")
        + GOOD_CHECK.format(name="point_in_stability").replace("low: 2000", "low: 2000\n    point_db: 3")
        + GOOD_CHECK.format(name="no_source").replace("    source: here\n", "")
        + GOOD_CHECK.format(name="twice")
        + GOOD_CHECK.format(name="twice")
        + GOOD_CHECK.format(name="Not Snake")
    )
    with pytest.raises(InventoryError) as raised:
        load_limits(path)
    text = "\n".join(raised.value.mistakes)
    expected = {
        "unit_is_wrong": "unit is 'kbps', the measurement's is 'bps'",
        "no_limit": "give 'low', 'high' or both",
        "upside_down": "low 2000 is above high 10",
        "kind_unknown": "nothing measures skr/median",
        "key_unknown": "hihg",
        "text_for_number": "'2000'",
        "threshold_missing": "'threshold' is missing",
        "point_in_stability": "'point_db' belongs to",
        "no_source": "missing",
        "twice": "second time",
        "Not Snake": "pattern",
    }
    for name, words in expected.items():
        assert any(name in line and words in line for line in raised.value.mistakes), (
            f"{name}: {words}\n{text}"
        )


@pytest.mark.parametrize("content", ["", "checks: [", "version: 2\ntitle: t\nchecks: {}\n"])
def test_a_broken_file_is_one_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(content)
    with pytest.raises(InventoryError):
        load_limits(path)


def test_a_missing_file_is_an_inventory_error(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="cannot be read"):
        load_limits(tmp_path / "none.yaml")
