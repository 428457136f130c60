"""The acceptance page as its reader sees it: in a real browser, without scripts, offline, on paper."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.acceptance.benches import run_pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MOST_BYTES = 3_000_000
LEAST_CONTRAST = 4.5  # WCAG 2.1 AA for text

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

WEAK_TEXT = (Path(__file__).parent / "weak_text.js").read_text()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acceptance")
    done = run_pytest(folder, "--target=emulator", "--plan=smoke")
    assert done.returncode == 0, done.stdout
    return folder / "reports" / "acceptance.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """Open the report with scripts off; any request but for the file itself fails the test."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    requests: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(report.as_uri())
    opened.wait_for_load_state("networkidle")
    yield opened
    assert requests == [report.as_uri()]
    context.close()


def test_the_summary_needs_no_script(page: Page) -> None:
    text = page.inner_text("body")
    for expected in ("VIRTUAL TIME", "PASS", "12.47", "stability_skr_mean_bps", "Reproducing the paper"):
        assert expected in text
    assert "Signature" in text or "signature" in text


def test_the_figures_are_there_to_be_seen(page: Page) -> None:
    boxes = [figure.bounding_box() for figure in page.query_selector_all("svg")]
    assert len(boxes) >= 2
    for box in boxes:
        assert box is not None
        assert box["width"] > 700
        assert box["height"] > 250


def test_nothing_is_wider_than_the_window(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 1100


def test_the_text_can_be_read(page: Page) -> None:
    assert page.evaluate(WEAK_TEXT, LEAST_CONTRAST) == []


def test_the_page_prints(page: Page) -> None:
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert 2 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") <= 20


def test_with_scripts_the_rows_of_the_tests_are_below(browser: Browser, report: Path) -> None:
    context = browser.new_context()
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(report.as_uri())
    opened.wait_for_selector("#results-table tbody tr")
    assert len(opened.query_selector_all("#results-table tbody.results-table-row")) == 48
    assert errors == []
    assert opened.evaluate(WEAK_TEXT, LEAST_CONTRAST) == []
    context.close()


def test_the_file_is_small(report: Path) -> None:
    assert report.stat().st_size < MOST_BYTES
