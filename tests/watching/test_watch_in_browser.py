"""The page as waiting people see it: in a real browser, on runs that grow, end, break off and vanish."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Gap
from tests.acceptance.test_report_in_browser import CHROMIUM, FLAGS, LEAST_CONTRAST, WEAK_TEXT
from tests.hil.synthetic_runs import in_one_commit
from tests.record.written_traces import add_trace
from tests.watching.made_up import T0_S, add_records, begin, facts, visit
from tests.watching.watch_server import watch_page

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.watching.watch_server import Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PANELS = ("skr_bps", "qber", "visibility", "detection_count")
NOTE_SHIFTS = """
window.shifts = 0;
new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shifts += entry.value; })
  .observe({ type: 'layout-shift', buffered: true });
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@contextmanager
def opened(browser: Browser, server: Server, width: int = 1200) -> Generator[Page]:
    """Open the page; a request to anybody else, or an error in its script, fails the test."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if "Security Policy" in line.text else None)
    page.on(
        "request",
        lambda request: None if request.url.startswith(server.address) else troubles.append(request.url),
    )
    page.add_init_script(NOTE_SHIFTS)
    page.goto(server.address)
    page.wait_for_selector("#panels svg")
    yield page
    assert troubles == []
    context.close()


def wait_for_text(page: Page, selector: str, text: str) -> None:
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
        arg=[selector, text],
    )


def count(page: Page, selector: str) -> int:
    return len(page.query_selector_all(selector))


def test_a_run_that_grows_while_the_page_is_open(browser: Browser, folder: Path) -> None:
    with begin(folder) as run, watch_page(folder) as server, opened(browser, server) as page:
        assert page.inner_text("#state") == "running"
        assert page.inner_text("#counts").startswith("0 of 60 records (0.0 %)")
        assert page.inner_text("#panel-qber .summary") == "no record yet"
        add_records(run, range(10))
        wait_for_text(page, "#counts", "10 of 60 records (16.6 %)")
        for panel in PANELS:
            assert count(page, f"#panel-{panel} .dot") == 10
            assert count(page, f"#panel-{panel} .level") == 1
        add_records(run, range(14, 30))
        run.add_event(T0_S + 120, "telemetry not read", "bob: no answer within 10 s")
        wait_for_text(page, "#counts", "26 of 60 records (50.0 %) · 4 slots without a record")
        wait_for_text(page, "#alarms", "telemetry not read, 1 time")
        for panel in PANELS:
            assert count(page, f"#panel-{panel} .gap") == 1
            assert count(page, f"#panel-{panel} .line") == 2, "the line does not go through the gap"
        assert "slots 10 to 13 (4)" in page.inner_text("#gaps")
        assert page.inner_text("#journal").splitlines()[0].endswith("bob: no answer within 10 s")
        assert page.title() == "50 % running: run"
        add_records(run, range(30, 60))
        run.set_meta("finished_utc_s", T0_S + 700)
        wait_for_text(page, "#state", "finished")
        assert page.evaluate("document.querySelector('progress').value") == 60
        assert "finished 2024-01-01 00:11:40 UTC" in page.inner_text("#times")
        assert page.evaluate("window.shifts") < 0.01, "nothing on the page jumped"


def test_an_unchanged_view_is_not_sent_again(browser: Browser, folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(10))
        with watch_page(folder) as server, opened(browser, server) as page:
            page.evaluate("document.querySelector('#panel-qber svg').id = 'the same'")
            with page.expect_response(lambda answer: answer.url.endswith("view.json")) as caught:
                pass
            assert caught.value.status == 304
            assert count(page, "[id='the same']") == 1, "and not drawn again"


@pytest.mark.parametrize("width", [400, 859, 1600])
def test_ten_days_at_every_width(browser: Browser, folder: Path, width: int) -> None:
    with begin(folder, slots=86_400) as run:
        with in_one_commit(run):
            add_records(run, [number for number in range(0, 86_400, 20) if not 40_000 < number < 50_000])
            run.add_event(T0_S, "lab: fault", "a_word_that_has_no_place_to_be_broken_" * 10)
        run.set_meta("finished_utc_s", T0_S + 130)
        with watch_page(folder) as server, opened(browser, server, width) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(WEAK_TEXT, LEAST_CONTRAST) == []
            boxes = [page.locator(f"#panel-{panel} svg").bounding_box() for panel in PANELS]
            lefts = {round(box["x"]) for box in boxes if box is not None}
            assert len(lefts) == (2 if width >= 860 else 1)
            for box in boxes:
                assert box is not None
                assert box["width"] >= 340
                assert box["height"] == 230
            drawn = page.evaluate(
                "[...document.querySelectorAll('svg text')].every(text => {"
                " const [a, b] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()];"
                " return a.left >= b.left - 1 && a.right <= b.right + 1 && a.bottom <= b.bottom + 1; })"
            )
            assert drawn, "no label is cut off"
            assert page.text_content("#panel-skr_bps .x >> nth=-1") == (
                "virtual time (UTC), 2024-01-01 to 2024-01-10"
            )


def test_a_sweep_has_the_table_of_its_points(browser: Browser, folder: Path) -> None:
    with RunRecord.create(folder, facts("attenuation")) as run:
        visit(run, 0, 0.0, range(10))
        visit(run, 1, 5.0, range(11, 14))
        with watch_page(folder) as server, opened(browser, server) as page:
            rows = [row.inner_text().split("\t") for row in page.query_selector_all("#points tr")]
            assert [row[:5] for row in rows] == [
                ["0", "0.000", "0.012", "done", "10 of 10"],
                ["5", "5.000", "5.012", "here", "3 of 10"],
                ["12", "-", "-", "to come", "0 of 10"],
            ]
            assert rows[0][5] == "2,390 ± 0"
            labels = [text.text_content() for text in page.query_selector_all("#panel-skr_bps .setting")]
            assert labels == ["0 dB", "5 dB"]
            assert "mean at 5 dB 756" in page.inner_text("#panel-skr_bps")
            visit(run, 2, 12.0, range(25, 30))
            wait_for_text(page, "#points tr:last-child", "here")
            assert page.inner_text("#alarms") == "none"


def test_a_run_that_was_broken_off_says_so_at_the_top(browser: Browser, folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(10))
        run.add_gap(Gap(10, None, None, "no answer"))
        run.add_event(T0_S + 200, "safe state NOT reached", "voa: <img src=x onerror=alert(1)> no answer")
        run.set_meta("ended", "TransportTimeout: voa: no answer")
        with watch_page(folder) as server, opened(browser, server) as page:
            assert page.inner_text("#state") == "broken off"
            assert page.inner_text("#reason") == "TransportTimeout: voa: no answer"
            alarms = page.inner_text("#alarms").splitlines()
            assert alarms[0] == "safe state NOT reached: voa: <img src=x onerror=alert(1)> no answer"
            assert alarms[-1] == "earlier: 1 slot without a record"
            assert count(page, "img") == 0
            assert page.evaluate(WEAK_TEXT, LEAST_CONTRAST) == []


def test_a_watcher_that_is_gone_and_comes_back(browser: Browser, folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(10))
        with watch_page(folder) as first, opened(browser, first) as page:
            assert "Connected" in page.inner_text("#link")
            before = page.locator("#panels").bounding_box()
            first.process.kill()
            page.wait_for_selector("#link.lost")
            assert "Connection to the watcher lost since" in page.inner_text("#link")
            assert page.title() == "? 16 % running: run"
            assert page.inner_text("#counts").startswith("10 of 60"), "what was seen stays"
            assert page.evaluate(WEAK_TEXT, LEAST_CONTRAST) == []
            assert page.locator("#panels").bounding_box() == before
            add_records(run, range(10, 12))
            first.process.communicate()
            with watch_page(folder, first.port):
                page.wait_for_selector("#link:not(.lost)")
                wait_for_text(page, "#counts", "12 of 60")
                assert page.title() == "20 % running: run"


HIDE = """
Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
document.dispatchEvent(new Event('visibilitychange'));
"""
SHOW = "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'));"


def test_a_page_in_the_background_keeps_its_title_true(browser: Browser, folder: Path) -> None:
    with begin(folder) as run, watch_page(folder) as server, opened(browser, server) as page:
        page.clock.install(time=0)
        page.reload()
        page.wait_for_selector("#panels svg")
        page.clock.pause_at(100)
        page.evaluate(HIDE)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        add_records(run, range(10))
        page.clock.run_for(26_000)
        assert asked == [], "seldom"
        run.set_meta("ended", "TransportTimeout: voa: no answer")
        with page.expect_request("**/view.json"):
            page.clock.run_for(6_000)
        while page.title() != "16 % broken off: run":  # the server looks once a second at most, by its clock
            page.clock.run_for(30_000)
        asked.clear()
        while not asked:  # a page that is asking already does not ask twice
            page.evaluate(SHOW)


def test_an_outage_is_seen_while_it_lasts(browser: Browser, folder: Path) -> None:
    with begin(folder, slots=600, period_s=0.1, clock="wall") as run:
        add_records(run, range(30), period_s=0.1)
        with watch_page(folder) as server, opened(browser, server) as page:
            wait_for_text(page, "#counts", "slots without a record")
            wait_for_text(page, "#alarms", "no new record since ")
            for panel in PANELS:
                assert count(page, f"#panel-{panel} .gap") == 1
            assert page.inner_text("#gaps").startswith("2024-01-01 00:00:03\tslots 30 to ")


def test_a_record_that_vanishes_is_told(browser: Browser, folder: Path) -> None:
    with begin(folder) as run, watch_page(folder) as server, opened(browser, server) as page:
        add_records(run, range(10))
        wait_for_text(page, "#counts", "10 of 60")
        folder.rename(folder.with_name("moved"))
        wait_for_text(page, "#alarms", "the record cannot be read: ")
        assert page.inner_text("#counts").startswith("10 of 60")
        folder.with_name("moved").rename(folder)
        wait_for_text(page, "#alarms", "none")


def test_who_cannot_see_or_point_is_served_too(browser: Browser, folder: Path) -> None:
    with begin(folder) as run:
        add_records(run, range(10))
        with watch_page(folder) as server, opened(browser, server) as page:
            label = page.get_attribute("#panel-qber svg", "aria-label")
            assert label is not None
            assert label.startswith("QBER (%) over time: newest 1.53; mean 1.77")
            assert page.get_attribute("html", "lang") == "en"
            assert page.get_attribute("#link", "role") == "status"
            assert page.get_attribute("#alarms", "aria-live") == "polite"
            assert page.get_attribute("#bar", "aria-label")
            reached: set[str] = set()
            for _ in range(6):
                page.keyboard.press("Tab")
                reached.add(page.evaluate("document.activeElement.getAttribute('aria-labelledby') ?? ''"))
            assert {"gaps-title", "journal-title"} <= reached


def test_a_run_without_telemetry_has_no_panels(browser: Browser, folder: Path) -> None:
    with RunRecord.create(folder, facts("fibre", records_planned=4)) as run, watch_page(folder) as server:
        add_trace(run, 0)
        page = browser.new_page()
        page.goto(server.address)
        wait_for_text(page, "#counts", "1 of 4 acquisitions")
        assert not page.is_visible("#telemetry")
        assert page.is_visible("#alarms")
        assert page.query_selector("#panels svg") is None
        page.close()
