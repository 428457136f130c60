"""The summary: static HTML that says the verdict in words and escapes what devices say."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil_tests.limits import load_limits
from hil_tests.paper import compare_with_paper
from hil_tests.report.summary import PAGE_CSS, SECURITY_CLAIM, render_summary
from hil_tests.verdict import judge
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Gap
from tests.hil.synthetic_runs import ALL_DB, attenuation_run, stability_run

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = load_limits(Path(__file__).parents[2] / "hil_tests" / "limits" / "paper-link.yaml")
VOID_TAGS = {"br", "meta", "link", "img", "input", "hr", "image"}


def render(*runs: RunRecord, problems: Sequence[str] = ()) -> str:
    checks = [check for run in runs for check in judge(LIMITS, run)]
    rows = [row for run in runs for row in compare_with_paper(run)]
    return render_summary(runs, checks, rows, problems=problems)


class Page(HTMLParser):
    """Notes tags, attributes and text, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("full")
    stability = stability_run(
        folder / "stability", 1, plan_name="paper", records=86_400, missing=frozenset({7, 8})
    )
    sweep = attenuation_run(folder / "sweep", 1, plan_name="paper", added_db=ALL_DB, per_point=100)
    return render(stability, sweep)


def test_report_is_static_self_contained_and_small(full_report: str) -> None:
    page = Page(full_report)
    assert page.open == []
    assert len(full_report.encode()) < 3_000_000
    assert "<script" not in full_report
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    links = [value for _, name, value in page.attributes if name in ("href", "src", "xlink:href", "action")]
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert not re.search(r"url\((?!#)", full_report)
    assert not re.search(r"https?://(?!www\.w3\.org/)", full_report)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_report_has_every_part(full_report: str) -> None:
    text = " ".join(Page(full_report).text.split())
    for words in (
        "VIRTUAL TIME",
        "✓ PASS",
        "The link meets all 48 acceptance limits.",
        "Accepting the link",
        "Reproducing the paper",
        "Figure 6 of the paper",
        "Figure 7 of the paper",
        "slots 7 to 8",
        "no answer within 10 s",
        "XGR-0001",
        "0123456789abcdef",
        "Lab manager",
        "Operator",
        SECURITY_CLAIM,
    ):
        assert words in text, words


def test_failing_checks_are_named_with_value_and_limit(tmp_path: Path) -> None:
    text = Page(render(attenuation_run(tmp_path / "run", 1, wavelength_nm=1310.0))).text
    assert "✗ FAIL" in text
    assert "The link fails 1 of 19 acceptance checks. No run record of: Stability." in text
    assert "attenuation_wavelength_nm: \u2212240.0 nm, limit \u22121 to 1 nm" in " ".join(text.split())


def test_a_bench_that_could_not_work_is_never_a_pass(tmp_path: Path) -> None:
    html = render(stability_run(tmp_path / "run", 1), problems=["voa: no answer"])
    assert "? INCOMPLETE" in html
    assert "voa: no answer" in html
    assert "verdict-pass" not in html


def test_a_problem_does_not_hide_a_failure(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run", 1, missing=frozenset({3, 4}))
    html = render(run, problems=["voa: no answer"])
    assert 'class="verdict verdict-fail"' in html
    assert "voa: no answer" in html


def test_a_marginal_check_is_named_and_makes_the_verdict_marginal(tmp_path: Path) -> None:
    runs = [stability_run(tmp_path / "run", 1), attenuation_run(tmp_path / "sweep", 1)]
    checks = [
        replace(check, verdict="marginal") if check.name == "stability_qber_mean" else check
        for run in runs
        for check in judge(LIMITS, run)
    ]
    html = render_summary(runs, checks, [])
    assert 'class="verdict verdict-marginal"' in html
    assert 'class="verdict verdict-incomplete"' in render_summary(runs[:1], checks, [])
    assert f"meets all {len(checks)} acceptance limits, 1 by less than the guard band" in html
    not_passed = html[html.index("What did not pass") : html.index("Accepting the link")]
    assert re.findall(r"<code>(\w+)</code>", not_passed) == ["stability_qber_mean"]


def test_the_signature_stands_beside_what_it_signs(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run-7", 1, missing=frozenset({3, 4}))
    html = render(run)
    block = Page(html[html.index("<h3>Signatures</h3>") : html.index("</section>")]).text
    for words in ("✗ FAIL", "The link fails 1 of 12 acceptance checks", "run-7", "Lab manager", "Operator"):
        assert words in block
    for words in ("Name", "Signature", "Date", "accepted", "not accepted"):
        assert words in block


def test_no_runs_are_incomplete() -> None:
    text = Page(render()).text
    assert "? INCOMPLETE" in text
    assert "No run record of: Stability, Attenuation sweep." in text


def test_what_was_not_recorded_is_said(tmp_path: Path) -> None:
    run = RunRecord.create(tmp_path / "run", {"procedure": "stability", "appliances": {"alice": {}}})
    html = render(run)
    text = Page(html).text
    assert "<svg" not in html
    assert "✓ PASS" not in text
    assert text.count("not recorded") > 15
    assert "did not finish" in text


def test_real_time_has_no_ribbon(tmp_path: Path) -> None:
    def on_the_lab(meta: dict[str, Any]) -> None:
        meta.update(clock="wall", target="lab", profile=None, fidelity=None)

    text = Page(render(stability_run(tmp_path / "run", 1, meta=on_the_lab))).text
    assert "VIRTUAL TIME" not in text
    assert "none: real gear" in text


def test_what_devices_say_is_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"

    def say(meta: dict[str, Any]) -> None:
        meta["station_title"] = meta["appliances"]["bob"]["serial"] = hostile
        meta["appliances"]["bob"]["end"] = hostile

    run = stability_run(tmp_path / "run <b>", 1, meta=say)
    run.add_gap(Gap(None, 3, 5, hostile))
    run.add_event(1.0, hostile, hostile)
    html = render(run, problems=[hostile])
    assert "<script" not in html
    assert "<b>" not in html
    assert Page(html).text.count(hostile) >= 6


def test_long_journals_are_cut_in_the_middle(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run", 1)
    for number in range(30):
        run.add_event(float(number), "note", f"entry {number:02}")
    text = Page(render(run)).text
    assert "20 more in the run record" in text
    assert "entry 29" in text
    assert "entry 10" not in text


def test_dirty_tree_is_said(tmp_path: Path) -> None:
    def dirty(meta: dict[str, Any]) -> None:
        meta["provenance"]["git_dirty"] = True

    assert "changes that are not committed" in render(stability_run(tmp_path / "run", 1, meta=dirty))


# --- colours


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_has_the_contrast_of_wcag_aa() -> None:
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", PAGE_CSS.read_text())
    checked = 0
    for selector, body in rules:
        ink = re.search(r"(?<!-)\bcolor: (#\w{6})", body)
        if ink is None:
            continue
        ground = re.search(r"background-color: (#\w{6})", body)
        # Text without a ground of its own stands on white or on a tinted row; the darkest row is #ebebeb.
        grounds = [ground.group(1)] if ground else ["#ffffff", "#ebebeb", "#fdeaea"]
        for colour in grounds:
            high, low = sorted((luminance(ink.group(1)), luminance(colour)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{selector.strip()}: {ink.group(1)} on {colour}"
            checked += 1
    assert checked > 20
