"""Figures 6 and 7: well-formed SVG of bounded size that is the same for the same run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from hil_tests.paper import load_paper
from hil_tests.report.figures import _empty_stretches, attenuation_figure, stability_figure
from hil_tests.run_data import read_run
from tests.hil.synthetic_runs import ALL_DB, MODEL, attenuation_run, stability_run

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.run_data import RunData
    from tests.hil.synthetic_runs import PointModel


@pytest.fixture
def sweep(tmp_path: Path) -> RunData:
    return read_run(attenuation_run(tmp_path / "sweep", 1, added_db=ALL_DB))


def sweep_svg(run: RunData, name: str = "a") -> str:
    return attenuation_figure(run, load_paper(), name)


def texts(svg: str) -> str:
    root = ET.fromstring(svg)  # noqa: S314 - our own drawing
    return " | ".join("".join(element.itertext()) for element in root.iter() if element.tag.endswith("text"))


def assert_sound(svg: str) -> None:
    ET.fromstring(svg)  # noqa: S314 - our own drawing
    drawing = re.sub(r'"data:image/png;base64,[^"]*"', '""', svg)
    assert not re.search(r"\b(nan|inf)\b", drawing, re.IGNORECASE)
    assert "<script" not in svg
    assert set(re.findall(r"https?://([^/\"]*)", svg)) <= {"www.w3.org"}


def test_stability_figure_of_86400_records_is_small(tmp_path: Path) -> None:
    run = read_run(stability_run(tmp_path / "run", 1, plan_name="paper", records=86_400))
    svg = stability_figure(run, load_paper(), "a")
    assert_sound(svg)
    assert len(svg) < 1_500_000
    assert svg.count("data:image/png") == 4


def test_stability_figure_shows_means_published_means_and_gaps(tmp_path: Path) -> None:
    run = read_run(stability_run(tmp_path / "run", 1, missing=frozenset({20, 21})))
    shown = texts(stability_figure(run, load_paper(), "a"))
    mean = run.columns.skr_bps.mean()
    for words in (f"mean of this run {mean:,.0f}", "published mean 2,392", "published mean 1.90"):
        assert words in shown
    for words in ("published mean 99.12", "published mean 18,199", "no record", "Time (s)"):
        assert words in shown


GAP_FILL = "fill: #f2b84b"


@pytest.mark.parametrize(
    ("missing", "stretches"),
    [
        (frozenset[int](), 0),
        (frozenset({20, 21}), 1),
        (frozenset({20, 21, 40}), 2),
        (frozenset(range(5)), 1),
        (frozenset(range(30, 60)), 1),
        (frozenset(range(59)), 1),
    ],
    ids=["none", "one", "two", "before the first record", "after the last one", "all but one"],
)
def test_every_stretch_without_records_is_shaded(
    tmp_path: Path, missing: frozenset[int], stretches: int
) -> None:
    run = read_run(stability_run(tmp_path / "run", 1, missing=missing))
    svg = stability_figure(run, load_paper(), "a")
    # In each of four panels the stretches and, if there are any, a patch in the legend.
    assert svg.count(GAP_FILL) == 4 * (stretches + (stretches > 0))
    assert ("no record" in texts(svg)) == (stretches > 0)


def test_shading_covers_the_time_after_the_last_record(tmp_path: Path) -> None:
    run = read_run(stability_run(tmp_path / "run", 1, missing=frozenset(range(30, 60))))
    assert _empty_stretches(run) == [(29.0, 59.0)]


def test_days_are_shaded_in_days(tmp_path: Path) -> None:
    def hourly(meta: dict[str, Any]) -> None:
        meta["plan"]["record_period_s"] = 3600.0

    run = read_run(
        stability_run(tmp_path / "run", 1, records=97, missing=frozenset({24, *range(73, 97)}), meta=hourly)
    )
    after_last, between = _empty_stretches(run)
    assert between == pytest.approx((23 / 24, 25 / 24))
    assert after_last == pytest.approx((3.0, 4.0))


def test_same_run_gives_the_same_bytes(sweep: RunData) -> None:
    assert attenuation_figure(sweep, load_paper(), "a") == attenuation_figure(sweep, load_paper(), "a")


def test_attenuation_figure_says_zero_in_words(sweep: RunData) -> None:
    svg = sweep_svg(sweep)
    assert_sound(svg)
    assert "published: 0 bps" in texts(svg)
    assert "measured: 0 bps" in texts(svg)


def test_attenuation_figure_of_a_dead_link_can_be_drawn(tmp_path: Path) -> None:
    def dead(_db: float) -> PointModel:
        return MODEL[12.0]

    svg = attenuation_figure(read_run(attenuation_run(tmp_path / "run", 1, models=dead)), load_paper(), "a")
    assert_sound(svg)
    assert texts(svg).count("measured: 0 bps") == 3


@pytest.mark.parametrize("records", [1, 2])
def test_hardly_any_records_can_be_drawn(tmp_path: Path, records: int) -> None:
    assert_sound(
        stability_figure(read_run(stability_run(tmp_path / "a", 1, records=records)), load_paper(), "a")
    )
    run = read_run(attenuation_run(tmp_path / "b", 1, per_point=records))
    assert_sound(attenuation_figure(run, load_paper(), "b"))


def test_ids_of_two_figures_differ(sweep: RunData) -> None:
    first, second = sweep_svg(sweep, "a"), sweep_svg(sweep, "b")
    ids = [set(re.findall(r'\bid="([^"]*)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r'(?:href="|url\()#([^")]*)', first)) <= ids[0]
