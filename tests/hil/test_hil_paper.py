"""The comparison with the paper: published values as printed, z in published standard deviations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil_tests.paper import compare_with_paper, load_paper
from hil_tests.report.paper_view import agreement, is_met, paper_figure
from tests.hil.fibre_runs import SETTINGS_1310, FibreRun, cut_both_ways, fibre_run, papers_link
from tests.hil.synthetic_runs import ALL_DB, attenuation_run, stability_run

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.telemetry import TelemetryRecord


def two_thousand(record: TelemetryRecord, index: int, _added_db: float) -> TelemetryRecord:
    """Give a key rate of 1990 and 2010 bps in turn: mean 2000."""
    return replace(record, skr_bps=1990.0 if index % 2 else 2010.0)


def test_published_values_are_those_of_the_tables() -> None:
    rows = {(row.quantity, row.added_db): (row.published, row.published_sd) for row in load_paper().rows}
    assert rows == {
        ("skr_bps", 0): (2392, 126),
        ("qber", 0): (0.0190, 0.0050),
        ("visibility", 0): (0.9912, 0.0016),
        ("detection_count", 0): (18199, 65),
        ("qber_share_below_2p9", 0): (0.97, None),
        ("qber_max", 0): (0.06, None),
        ("skr_bps", 3): (2303, 135),
        ("skr_bps", 5): (1730, 126),
        ("skr_bps", 7): (1473, 141),
        ("skr_bps", 8): (1016, 164),
        ("skr_bps", 10): (746, 110),
        ("skr_bps", 12): (0, None),
        ("qber", 3): (0.0162, 0.0084),
        ("qber", 5): (0.0113, 0.0048),
        ("qber", 7): (0.0130, 0.0047),
        ("qber", 8): (0.0113, 0.0059),
        ("qber", 10): (0.0119, 0.0066),
    }


def test_published_values_of_the_fibre_are_those_of_table_1() -> None:
    rows = {(row.quantity, row.wavelength_nm): row.published for row in load_paper().fibre}
    assert rows == {("fibre_length_km", 1550): 19.87, ("fibre_loss_db", 1550): 12.47}


def test_the_fibre_is_held_against_table_1(tmp_path: Path) -> None:
    length, loss = compare_with_paper(fibre_run(tmp_path / "run", 1))
    assert length.measured == pytest.approx(19.87, abs=0.001)
    assert loss.measured == pytest.approx(12.47, abs=0.01)
    assert paper_figure(length, 19.87, None) == "19.870 km"
    assert paper_figure(loss, 12.471, None) == "12.47 dB"
    assert agreement(replace(length, measured=19.8703)) == "+0.3 m"
    assert agreement(replace(loss, measured=12.372)) == "\u22120.098 dB"


@pytest.mark.parametrize(
    "wanted",
    [
        FibreRun(cut_both_ways(papers_link(), 8000.0)),
        FibreRun(settings=(SETTINGS_1310,)),
        FibreRun(seen=()),
    ],
    ids=["cut", "other wavelength", "no traces"],
)
def test_a_fibre_that_was_not_measured_so_has_no_row(tmp_path: Path, wanted: FibreRun) -> None:
    assert compare_with_paper(fibre_run(tmp_path / "run", 1, wanted)) == []


def test_z_is_in_published_standard_deviations(tmp_path: Path) -> None:
    rows = compare_with_paper(stability_run(tmp_path / "run", 1, change=two_thousand))
    skr = next(row for row in rows if row.quantity == "skr_bps")
    assert skr.measured == pytest.approx(2000.0)
    assert skr.measured_sd == pytest.approx(10.0, rel=0.02)
    assert skr.z == pytest.approx((2000 - 2392) / 126)


def test_stability_run_is_held_against_table_2(tmp_path: Path) -> None:
    # Long enough for the slow drift of the light to average out.
    rows = compare_with_paper(stability_run(tmp_path / "run", 2, plan_name="paper", records=600))
    assert [row.source for row in rows] == ["Table 2"] * 4 + ["section 3.1"] * 2
    assert all(abs(row.z) < 0.5 for row in rows if row.z is not None)


def test_what_has_no_published_deviation_has_no_z(tmp_path: Path) -> None:
    rows = compare_with_paper(attenuation_run(tmp_path / "run", 1, added_db=ALL_DB))
    zero = next(row for row in rows if row.added_db == 12)
    assert (zero.quantity, zero.published, zero.measured, zero.z) == ("skr_bps", 0.0, 0.0, None)
    assert is_met(zero)
    assert not is_met(replace(zero, measured=560.0))
    assert agreement(zero) == "as published"
    assert agreement(replace(zero, measured=560.0)) == "not as published"
    assert agreement(replace(zero, z=-1.254)) == "\u22121.25"


@pytest.mark.parametrize(("measured", "met"), [(0.98, True), (0.96, False)])
def test_a_share_said_to_be_above_is_met_only_above(tmp_path: Path, measured: float, met: bool) -> None:
    rows = compare_with_paper(stability_run(tmp_path / "run", 1))
    share = next(row for row in rows if row.quantity == "qber_share_below_2p9")
    assert is_met(replace(share, measured=measured)) == met
    largest = next(row for row in rows if row.quantity == "qber_max")
    assert is_met(largest)


def test_points_without_records_are_left_out(tmp_path: Path) -> None:
    rows = compare_with_paper(attenuation_run(tmp_path / "run", 1))
    assert {row.added_db for row in rows} == {5, 10}


def test_values_are_written_as_the_paper_writes_them(tmp_path: Path) -> None:
    rows = {row.quantity: row for row in compare_with_paper(stability_run(tmp_path / "run", 1))}
    assert paper_figure(rows["skr_bps"], 2392, 126) == "2,392 ± 126 bps"
    assert paper_figure(rows["qber"], 0.019, 0.005) == "1.90 ± 0.50 %"
    assert paper_figure(rows["detection_count"], 18199, 65) == "18,199 ± 65"
    assert paper_figure(rows["qber_max"], 0.06, None) == "6.00 %"
