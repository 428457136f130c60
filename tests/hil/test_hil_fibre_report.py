"""The fibre's section of the report, and what is said there when something is wrong."""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from drivers.facts.plant_events import DirtyConnector
from drivers.roles import MarkedDb, OtdrEvent
from emulators.plant.changed_path import with_faults
from hil_tests.paper import compare_with_paper
from hil_tests.report.fibre_view import fibre_views, marked
from hil_tests.report.summary import PAGE_CSS, render_summary
from hil_tests.run_data import read_run
from hil_tests.verdict import judge
from tests.hil.fibre_runs import (
    SETTINGS,
    SETTINGS_1310,
    FibreRun,
    both_ways,
    cut_both_ways,
    fibre_run,
    papers_link,
)
from tests.hil.shipped_limits import LIMITS
from tests.hil.test_hil_summary import Page

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.limits import Limits
    from hil_tests.report.fibre_view import FibreView
    from sweeps.record.run_record import RunRecord

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def render(run: RunRecord) -> str:
    return render_summary([run], judge(LIMITS, run), compare_with_paper(run))


def view_of(run: RunRecord, limits: Limits = LIMITS) -> FibreView:
    (view,) = fibre_views([read_run(run)], judge(limits, run))
    return view


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> str:
    wanted = FibreRun(settings=(SETTINGS, SETTINGS_1310))
    return render(fibre_run(tmp_path_factory.mktemp("right") / "run", 1, wanted))


def words_of(page: str) -> str:
    return " ".join(Page(page).text.split())


def test_the_section_has_all_that_it_should(right: str) -> None:
    page = Page(right)
    assert page.open == []
    assert len(right) < 400_000
    text = words_of(right)
    for words in (
        "Traces at 1550 nm.",
        "Traces at 1310 nm.",
        "Events at 1550 nm, by distance from the link's end at gdc_a",
        "Loss from gdc_b (dB)",
        "The link at 1310 nm, by direction",
        "100 ns, 40 km, 30 s, index 1.468, K \u221281 dB; launch 1000 m, tail 1000 m",
        "Length of the fibre",
        "End-to-end loss of the fibre at 1550 nm",
        "OTDR at gdc_b",
        "SO-gdc_a",
        "4 of 4",
    ):
        assert words in text, words
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_every_artefact_stands_in_the_provenance_with_its_sum(tmp_path: Path) -> None:
    import hashlib

    run = fibre_run(tmp_path / "run", 1)
    text = words_of(render(run))
    for file in run.artefacts.iterdir():
        assert f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" in text


def test_every_event_of_the_papers_link_passes(tmp_path: Path) -> None:
    view = view_of(fibre_run(tmp_path / "run", 1))
    assert [row.verdict for row in view.event_rows] == ["pass"] * 12
    assert {row.loss_limit for row in view.event_rows} == {"≤ 1.5 dB", "≤ 0.3 dB"}
    assert [row.site for row in view.link_rows] == ["gdc_a", "gdc_b"]
    assert (view.missing, view.lost) == ("", [])


def test_the_event_that_fails_is_the_dirty_one(tmp_path: Path) -> None:
    dirt = DirtyConnector(connector=4, loss_db=0.8, reflectance_db=-30.0)
    path = with_faults(papers_link(), [dirt], 1550.0)
    view = view_of(fibre_run(tmp_path / "run", 1, FibreRun(both_ways(path))))
    failed = [row for row in view.event_rows if row.verdict == "fail"]
    assert [round(row.event.position_m / 1000.0, 2) for row in failed] == [5.74]


def test_a_saturated_event_is_incomplete_and_marked(tmp_path: Path) -> None:
    def clip(events: list[OtdrEvent]) -> list[OtdrEvent]:
        mark = MarkedDb(-38.0, bound="at_least")
        return [replace(e, reflectance_db=mark) if e.number == 4 else e for e in events]

    run = fibre_run(tmp_path / "run", 1, FibreRun(events=clip))
    view = view_of(run)
    unclear = [row for row in view.event_rows if row.verdict == "incomplete"]
    assert {marked(row.event.reflectance_db, 1) for row in unclear} == {"≥ \u221238.0"}
    assert all(row.return_loss.startswith("at most ") for row in view.link_rows)


def test_marks_are_written() -> None:
    assert marked(None) == "\u2013"
    assert marked(MarkedDb(-0.3106)) == "\u22120.311"
    assert marked(MarkedDb(25.614, is_approximate=True)) == "~ 25.614"
    assert marked(MarkedDb(-25.75, is_approximate=True, bound="at_least"), 2) == "~ ≥ \u221225.75"
    assert marked(MarkedDb(-80.0, bound="at_most"), 1) == "≤ \u221280.0"


def test_without_limits_nothing_is_judged(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1)
    few = LIMITS.model_copy(update={"checks": {"fibre_length_m": LIMITS.checks["fibre_length_m"]}})
    assert {row.verdict for row in view_of(run, few).event_rows} == {None}
    assert "not judged" in render_summary([run], judge(few, run), [])


def test_one_direction_of_two_shows_its_trace_and_judges_no_event(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(both_ways(papers_link())[:1], planned=2))
    view = view_of(run)
    assert view.missing == "1550 nm: 1 of 2 traces, from gdc_a"
    assert view.figure is not None
    assert {row.verdict for row in view.event_rows} == {None}


def test_a_cut_fibre_shows_its_traces_and_tables(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(cut_both_ways(papers_link(), 8000.0)))
    page = render(run)
    assert Page(page).open == []
    text = words_of(page)
    assert "the fibre ends 9000 m from the OTDR" in text
    assert "Trace at 1550 nm from gdc_b, of which no event is judged" in text
    assert "The OTDR's table at 1550 nm from gdc_a" in text
    assert page.count("<svg") == 2
    assert 'class="verdict verdict-incomplete"' in page


def test_a_file_that_is_lost_leaves_the_table_and_no_figure(tmp_path: Path) -> None:
    def lost(_content: bytes) -> None:
        """Keep nothing."""

    run = fibre_run(tmp_path / "run", 1, FibreRun(file=lost))
    page = render(run)
    assert "<svg" not in page
    text = words_of(page)
    assert "0-gdc_a-1550nm.sor cannot be read: No such file or directory" in text
    assert "20.870 km" in text
    assert "✓ PASS" not in text


def test_no_trace_at_all_is_said(tmp_path: Path) -> None:
    text = words_of(render(fibre_run(tmp_path / "run", 1, FibreRun(seen=(), planned=2))))
    assert "1550 nm: no trace was taken" in text
    assert "0 of 2" in text


def test_what_the_otdr_says_is_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"

    def rename(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [replace(e, kind=hostile, is_end=False) for e in events]

    page = render(fibre_run(tmp_path / "run", 1, FibreRun(events=rename)))
    assert "<script" not in page
    assert html.escape(hostile) in page


def test_nothing_passes_in_a_run_that_did_not_finish(tmp_path: Path) -> None:
    def unfinished(meta: dict[str, Any]) -> None:
        del meta["finished_utc_s"]

    view = view_of(fibre_run(tmp_path / "run", 1, FibreRun(meta=unfinished)))
    assert {row.verdict for row in view.event_rows} == {None}


def test_no_event_passes_where_the_links_ends_cannot_be_measured(tmp_path: Path) -> None:
    view = view_of(fibre_run(tmp_path / "run", 1, FibreRun(launch_m=0.0, tail_m=0.0)))
    assert {row.verdict for row in view.event_rows} == {"incomplete"}


def test_an_event_without_a_loss_shows_the_otdrs_own_table(tmp_path: Path) -> None:
    def empty(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [replace(e, loss_db=None) if e.reflectance_db and e.distance_m > 5000.0 else e for e in events]

    view = view_of(fibre_run(tmp_path / "run", 1, FibreRun(events=empty)))
    assert ["has no loss" in trace.reason for trace in view.lost] == [True, True]
    assert all(trace.figure is not None for trace in view.lost)
    assert view.event_rows == []


# --- in the browser


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("width", "media"), [(1100, "screen"), (703, "print")])
def test_the_section_fits_screen_and_paper(tmp_path: Path, right: str, width: int, media: str) -> None:
    """A4 less its margins is 703 pixels wide."""
    from playwright.sync_api import sync_playwright

    from tests.acceptance.test_report_in_browser import FLAGS, LEAST_CONTRAST, WEAK_TEXT

    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{PAGE_CSS.read_text()}</style>{right}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        opened = browser.new_page(viewport={"width": width, "height": 900})
        opened.emulate_media(media="print" if media == "print" else "screen")
        opened.goto(page.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.evaluate(WEAK_TEXT, LEAST_CONTRAST) == []
        figures = [box for svg in opened.query_selector_all("svg") if (box := svg.bounding_box())]
        assert len(figures) == 2
        assert all(box["width"] > 0.9 * width and box["height"] > 0.5 * box["width"] for box in figures)
        tables = [box for each in opened.query_selector_all("table.events") if (box := each.bounding_box())]
        assert len(tables) == 2
        assert all(box["width"] <= width for box in tables)
        browser.close()


def test_the_page_has_no_row_without_its_style(right: str) -> None:
    classes = set(re.findall(r'<tr class="row-(\w+)"', right))
    assert classes == {"pass"}
