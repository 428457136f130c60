"""An event's own loss is judged only where it is told: one end, a silent end, a bound, one site twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from drivers.facts.plant_events import DirtyConnector
from drivers.roles import MarkedDb, OtdrEvent
from emulators.plant.changed_path import with_faults, with_hidden_loss
from emulators.plant.path import Splice
from hil_tests.report.fibre_view import fibre_views
from hil_tests.run_data import read_run
from hil_tests.verdict import judge
from tests.hil.fibre_runs import SETTINGS, FibreRun, both_ways, fibre_run, papers_link
from tests.hil.test_hil_fibre import LIMITS, checks_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["near", "far"])
def test_a_bad_splice_that_looks_like_a_gainer_does_not_pass_from_one_end(tmp_path: Path, name: str) -> None:
    """At 310 m fibres change: 0.55 dB are 0.2 dB from the one end, and 0.9 dB from the other."""
    path = papers_link()
    splice = next(place for place, e in enumerate(path.elements) if isinstance(e, Splice))
    link = replace(path, elements=(*path.elements[:splice], Splice(0.55), *path.elements[splice + 1 :]))
    one_end = link if name == "near" else link.reversed()
    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun((one_end,))))
    assert checks["fibre_splice_loss_1550nm"].verdict == {"near": "incomplete", "far": "fail"}[name]
    both = checks_of(fibre_run(tmp_path / "both", 1, FibreRun(both_ways(link))))
    assert both["fibre_splice_loss_1550nm"].value == pytest.approx(0.55, abs=0.01)


def test_one_direction_fails_what_no_change_of_fibre_can_explain(tmp_path: Path) -> None:
    dirt = DirtyConnector(connector=4, loss_db=0.8, reflectance_db=-40.0)
    path = with_faults(papers_link(), [dirt], 1550.0)
    check = checks_of(fibre_run(tmp_path / "run", 1, FibreRun((path,))))["fibre_connection_loss_1550nm"]
    assert check.verdict == "incomplete"
    dirt = DirtyConnector(connector=4, loss_db=1.2, reflectance_db=-40.0)
    path = with_faults(papers_link(), [dirt], 1550.0)
    check = checks_of(fibre_run(tmp_path / "more", 1, FibreRun((path,))))["fibre_connection_loss_1550nm"]
    assert check.verdict == "fail"
    assert "one direction only: at most 0.4 dB of it are backscatter's" in check.note


def test_traces_of_one_site_are_no_two_directions(tmp_path: Path) -> None:
    """A record whose plan named a laser twice: 2.6 dB at one place were 1.3 dB in each of four traces."""
    dirt = DirtyConnector(connector=4, loss_db=1.5, reflectance_db=-40.0)
    link = with_faults(papers_link(), [dirt], 1550.0)
    run = fibre_run(tmp_path / "run", 1, FibreRun(both_ways(link), settings=(SETTINGS, SETTINGS)))
    check = checks_of(run)["fibre_connection_loss_1550nm"]
    assert (check.verdict, check.value) == ("incomplete", None)
    assert "expected one trace from each end of the fibre, got 4 traces, from gdc_a, gdc_b" in check.note
    assert "pass" not in {check.verdict for check in checks_of(run).values() if check.wavelength_nm}
    views = fibre_views([read_run(run)], judge(LIMITS, run))
    assert ["got 4 traces" in view.missing and not view.event_rows for view in views] == [True, True]
    run = fibre_run(tmp_path / "one", 1, FibreRun((link,), settings=(SETTINGS, SETTINGS)))
    check = checks_of(run)["fibre_connection_loss_1550nm"]
    assert (check.verdict, check.value) == ("incomplete", None)
    assert "got 2 traces, from gdc_a, gdc_a" in check.note


def _without_event_at(events: list[OtdrEvent], at_m: float) -> list[OtdrEvent]:
    """Leave out an event, and its loss from all total losses behind it, as noise may make of it."""
    (left_out,) = (event for event in events if abs(event.distance_m - at_m) < 30.0)
    assert left_out.loss_db is not None
    kept: list[OtdrEvent] = []
    for event in events:
        total = event.total_loss_db
        if event.number > left_out.number and total is not None:
            lower = replace(total, value=total.value - left_out.loss_db.value)
            kept.append(replace(event, total_loss_db=lower))
        elif event is not left_out:
            kept.append(event)
    return kept


@pytest.mark.parametrize(
    ("loss_db", "verdict"), [(0.25, "pass"), (0.5, "incomplete"), (0.65, "incomplete"), (0.9, "fail")]
)
def test_what_one_of_two_directions_reports_alone_is_not_halved_below_the_limit(
    tmp_path: Path, loss_db: float, verdict: str
) -> None:
    """Noise hides a splice from the one end: at half of what the other shows it would pass."""
    link = with_hidden_loss(papers_link(), loss_db)
    # Half-way of 19.87 km, from the OTDR behind its launch fibre; the near end is the first to be taken.
    tables = iter([False, True])

    def hidden(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return _without_event_at(events, 10_935.0) if next(tables) else events

    check = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(both_ways(link), events=hidden)))[
        "fibre_splice_loss_1550nm"
    ]
    assert check.verdict == verdict
    if verdict == "incomplete":
        assert check.value is None
        assert " dB from gdc_a, and gdc_b reports nothing there" in check.note


@pytest.mark.parametrize(("loss_db", "verdict"), [(0.2, "incomplete"), (0.35, "fail")])
def test_a_loss_that_is_only_a_bound_never_passes(tmp_path: Path, loss_db: float, verdict: str) -> None:
    def bound(events: list[OtdrEvent]) -> list[OtdrEvent]:
        mark = MarkedDb(loss_db, bound="at_least")
        return [replace(e, loss_db=mark) if 10_800.0 < e.distance_m < 11_100.0 else e for e in events]

    run = fibre_run(
        tmp_path / "run", 1, FibreRun(both_ways(with_hidden_loss(papers_link(), 0.2)), events=bound)
    )
    check = checks_of(run)["fibre_splice_loss_1550nm"]
    assert check.verdict == verdict
    assert (check.value is None) == (verdict == "incomplete")
    if verdict == "incomplete":
        assert "its loss of 0.200 dB is only a bound" in check.note
    (view,) = fibre_views([read_run(run)], judge(LIMITS, run))
    assert verdict in {row.verdict for row in view.event_rows}
