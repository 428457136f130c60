"""The acceptance report's summary: static HTML that needs no script, for the head of pytest-html's page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hil_tests.paper import load_paper
from hil_tests.procedures import PROCEDURE_TITLES, procedures_not_run
from hil_tests.report import fibre_view, formats, paper_view, record_view
from hil_tests.report.calibration_view import calibration_views
from hil_tests.report.figures import attenuation_figure, stability_figure
from hil_tests.run_data import read_run
from hil_tests.verdict import overall
from sweeps.record.facts import PlanFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from hil_tests.paper import PaperRow
    from hil_tests.procedures import PlannedProcedures
    from hil_tests.run_data import RunData
    from hil_tests.verdict import Check, Verdict
    from sweeps.record.run_record import RunRecord

TEMPLATES = Path(__file__).parent
PAGE_CSS = TEMPLATES / "page.css"

SECURITY_CLAIM = (
    "Secret key rates are as the appliance reports them; they claim security against restricted types of"
    " collective attack (paper, section 2.1)."
)
_MARKS: dict[Verdict, str] = {"pass": "✓", "marginal": "△", "fail": "✗", "incomplete": "?"}

_HELPERS: dict[str, Any] = {
    "marks": _MARKS,
    "figure": formats.figure,
    "uncertainty": formats.uncertainty,
    "limit": formats.limit,
    "paper_figure": paper_view.paper_figure,
    "paper_name": paper_view.paper_name,
    "agreement": paper_view.agreement,
    "marked": fibre_view.marked,
}


@dataclass(frozen=True, slots=True)
class _Journal:
    run: str
    lines: Sequence[tuple[str, str, str]]
    left_out: int


@dataclass(frozen=True, slots=True)
class _Figure:
    title: str
    svg: Markup
    caption: str


def render_summary(
    runs: Sequence[RunRecord],
    checks: Sequence[Check],
    paper_rows: Sequence[PaperRow],
    *,
    problems: Sequence[str] = (),
    plan: PlannedProcedures | None = None,
) -> str:
    """Render verdict, tables, figures and provenance of `runs` as HTML without scripts or outside links.

    `problems` are what the bench could not do; with one of them the verdict is never better than incomplete.
    `plan` says of what an acceptance is made; the runs' own where it is None.
    """
    data = [read_run(run) for run in runs]
    not_run = procedures_not_run((run.facts.procedure for run in data), plan or _plan_of(data))
    verdict = overall(checks, [*problems, *not_run])
    context: dict[str, Any] = {
        "runs": data,
        "verdict": verdict,
        "verdict_text": _verdict_text(verdict, checks),
        "problems": problems,
        "not_run": not_run,
        "is_virtual": any(run.facts.is_virtual for run in data),
        "station": _station(data),
        "fibre": _fibre(data),
        "sections": _sections(checks),
        "not_passed": [check for check in checks if check.verdict != "pass"],
        "paper_rows": paper_rows,
        "paper_title": load_paper().title,
        "figures": _figures(data),
        "fibre_views": fibre_view.fibre_views(data, checks),
        "calibrations": calibration_views(data, checks),
        "run_rows": record_view.run_rows(data),
        "gear_rows": record_view.gear_rows(data),
        "provenance_rows": record_view.provenance_rows(data),
        "gap_lines": record_view.gap_lines(data),
        "most_gap_lines": record_view.MOST_GAP_LINES,
        "journals": [_journal(run) for run in runs],
        "security_claim": SECURITY_CLAIM,
        **_HELPERS,
    }
    return _environment().get_template("summary.html.j2").render(context)


def _plan_of(data: Sequence[RunData]) -> PlannedProcedures:
    return data[0].facts.plan if data else PlanFacts()


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _verdict_text(verdict: Verdict, checks: Sequence[Check]) -> str:
    counts = Counter(check.verdict for check in checks)
    unjudged = f"{counts['incomplete']} of {len(checks)} acceptance checks are incomplete"
    match verdict:
        case "pass":
            return f"The link meets all {len(checks)} acceptance limits."
        case "marginal":
            close = counts["marginal"]
            return f"The link meets all {len(checks)} acceptance limits, {close} by less than the guard band."
        case "fail":
            also = f"; {unjudged}" if counts["incomplete"] else ""
            return f"The link fails {counts['fail']} of {len(checks)} acceptance checks{also}."
        case "incomplete":
            why = unjudged if counts["incomplete"] or not checks else "the bench did not do all of its work"
            return f"The link cannot be judged: {why}."


def _station(data: Sequence[RunData]) -> str:
    titles = {formats.fact(run.facts.station_title or run.facts.station) for run in data}
    return "; ".join(sorted(titles)) or formats.NOT_RECORDED


def _fibre(data: Sequence[RunData]) -> str:
    texts = {
        f"{formats.fact(fibre.length_km, 'km')}, {formats.fact(fibre.loss_db, 'dB')} at "
        f"{formats.fact(fibre.wavelength_nm, 'nm')} (source: {formats.fact(fibre.source)})"
        for fibre in (run.facts.fibre for run in data)
    }
    return "; ".join(sorted(texts)) or formats.NOT_RECORDED


def _sections(checks: Sequence[Check]) -> list[tuple[str, list[Check]]]:
    """Return the checks by procedure, in the order in which they were judged."""
    sections = [
        (title, [check for check in checks if check.procedure == procedure])
        for procedure, title in PROCEDURE_TITLES.items()
    ]
    return [(title, judged) for title, judged in sections if judged]


def _figures(data: Sequence[RunData]) -> list[_Figure]:
    paper = load_paper()
    figures: list[_Figure] = []
    for number, run in enumerate(data):
        if run.columns.n == 0:
            continue
        name = f"run{number}"
        if run.facts.procedure == "stability":
            svg, caption = stability_figure(run, paper, name), _STABILITY_CAPTION
            figures.append(_Figure("Stability: Figure 6 of the paper", svg, caption))
        elif run.facts.procedure == "attenuation":
            svg = attenuation_figure(run, paper, name)
            caption = _ATTENUATION_CAPTION.format(uncertainty=_uncertainty(run))
            figures.append(_Figure("Attenuation: Figure 7 of the paper", svg, caption))
    return figures


_STABILITY_CAPTION = (
    "Each point is a telemetry record. Red: mean of this run. Black dashed: mean published in Table 2."
)
_ATTENUATION_CAPTION = (
    "Squares and broad bars: published; dots and thin bars: measured. Vertical bars: standard deviation of"
    " single records. Horizontal bars: insertion loss uncertainty of the published fixed attenuators; for"
    " this run {uncertainty}, by what is known of its attenuator. Published values at 0 dB are those of"
    " Table 2."
)


def _uncertainty(run: RunData) -> str:
    """Return in words how far the attenuation may be from what was read, over all points."""
    all_db = sorted({point.uncertainty_db for point in run.points})
    if len(all_db) == 1:
        return f"±{all_db[0]:g} dB"
    return f"±{all_db[0]:g} to ±{all_db[-1]:g} dB"


def _journal(run: RunRecord) -> _Journal:
    events = run.events()
    half = record_view.MOST_JOURNAL_LINES // 2
    left_out = max(len(events) - 2 * half, 0)
    shown = events[:half] + events[-half:] if left_out else events
    lines = [(formats.utc(event.lab_time_s), event.kind, event.text) for event in shown]
    return _Journal(run.folder.name, lines, left_out)
