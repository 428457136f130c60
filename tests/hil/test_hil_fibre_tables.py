"""The fibre's acceptance by tables of events with marks, bounds and empty fields: none becomes a pass."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from drivers.roles import MarkedDb, OtdrEvent
from tests.hil.fibre_runs import FibreRun, dirty_and_reflecting, fibre_run
from tests.hil.shipped_limits import checks_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# --- marks


def with_reflectance(number: int, mark: MarkedDb) -> Callable[[list[OtdrEvent]], list[OtdrEvent]]:
    def change(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [replace(e, reflectance_db=mark) if e.number == number else e for e in events]

    return change


def test_a_bound_below_the_limit_is_no_value(tmp_path: Path) -> None:
    clipped = with_reflectance(4, MarkedDb(-38.0, bound="at_least"))
    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=clipped)))
    reflectance = checks["fibre_reflectance_1550nm"]
    assert (reflectance.verdict, reflectance.value) == ("incomplete", None)
    assert "the receiver was saturated, so these are bounds: at least -38 dB at " in reflectance.note
    assert checks["fibre_orl_1550nm"].verdict == "incomplete"
    assert "at most" in checks["fibre_orl_1550nm"].note


def test_a_bound_beyond_the_limit_fails(tmp_path: Path) -> None:
    clipped = with_reflectance(4, MarkedDb(-25.75, bound="at_least"))
    reflectance = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=clipped)))[
        "fibre_reflectance_1550nm"
    ]
    assert (reflectance.verdict, reflectance.value) == ("fail", -25.75)
    assert "at least this" in reflectance.note


def test_no_reflection_at_all_is_not_measured(tmp_path: Path) -> None:
    def dark(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [replace(e, reflectance_db=None) for e in events]

    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=dark)))
    assert checks["fibre_reflectance_1550nm"].verdict == "incomplete"
    assert checks["fibre_connection_loss_1550nm"].note == "no such event"


def test_an_approximate_loss_is_told_beside_its_value(tmp_path: Path) -> None:
    def rough(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [
            replace(e, loss_db=replace(e.loss_db, is_approximate=True))
            if e.loss_db is not None and e.number in (7, 8)
            else e
            for e in events
        ]

    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=rough)))
    assert "approximate: a neighbour's loss may be in it" in checks["fibre_connection_loss_1550nm"].note
    assert checks["fibre_loss_1550nm"].verdict == "pass"


def test_a_section_too_short_for_a_slope_is_left_out(tmp_path: Path) -> None:
    def steep_when_short(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [
            replace(e, slope_db_per_km=MarkedDb(2.0)) if e.section_m is not None and e.section_m < 400 else e
            for e in events
        ]

    run = fibre_run(tmp_path / "run", 1, FibreRun(events=steep_when_short))
    assert checks_of(run)["fibre_slope_1550nm"].value == pytest.approx(0.195, abs=0.003)


def test_a_slope_that_is_only_approximate_is_no_value(tmp_path: Path) -> None:
    def rough(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [
            replace(e, slope_db_per_km=replace(e.slope_db_per_km, is_approximate=True))
            if e.slope_db_per_km is not None and e.section_m is not None and e.section_m > 2900
            else e
            for e in events
        ]

    slope = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=rough)))["fibre_slope_1550nm"]
    assert (slope.verdict, slope.value) == ("incomplete", None)
    assert slope.note.startswith("the slope is only approximate, or a bound: ")


# --- what the table leaves open


def edited(first_m: float, last_m: float, **figures: object) -> Callable[[list[OtdrEvent]], list[OtdrEvent]]:
    """Change the figures of the reflections between two distances from the OTDR."""

    def change(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [
            replace(e, **figures) if e.reflectance_db and first_m < e.distance_m < last_m else e
            for e in events
        ]

    return change


def test_a_connector_whose_loss_is_empty_is_no_pass(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(events=edited(5000.0, 18_000.0, loss_db=None)))
    checks = checks_of(run)
    for name in ("fibre_connection_loss_1550nm", "fibre_splice_loss_1550nm"):
        assert checks[name].verdict == "incomplete", name
        assert re.search(r"1550 nm from gdc_a: the event at \d+ m has no loss", checks[name].note), name
    assert checks["fibre_length_m"].verdict == "pass"


def test_a_first_connector_without_a_loss_still_fails_by_what_it_reflects(tmp_path: Path) -> None:
    bad = edited(980.0, 1020.0, loss_db=None, reflectance_db=MarkedDb(-15.0))
    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=bad)))
    assert (checks["fibre_reflectance_1550nm"].verdict, checks["fibre_reflectance_1550nm"].value) == (
        "fail",
        -15.0,
    )
    assert "the event at 1000 m has no loss" in checks["fibre_connection_loss_1550nm"].note


@pytest.mark.parametrize(("launch_m", "tail_m", "words"), [(0.0, 1000.0, "launch"), (1000.0, 0.0, "tail")])
def test_reflectances_without_a_lead_fibre_leave_a_connector_out(
    tmp_path: Path, launch_m: float, tail_m: float, words: str
) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(launch_m=launch_m, tail_m=tail_m))
    reflectance = checks_of(run)["fibre_reflectance_1550nm"]
    assert (reflectance.verdict, reflectance.value) == ("incomplete", None)
    assert f"no {words} fibre: what the link's" in reflectance.note


def test_a_bad_reflectance_fails_without_lead_fibres(tmp_path: Path) -> None:
    wanted = replace(dirty_and_reflecting(), launch_m=0.0, tail_m=0.0)
    assert checks_of(fibre_run(tmp_path / "run", 1, wanted))["fibre_reflectance_1550nm"].verdict == "fail"


def test_total_losses_that_hold_the_events_own_are_no_loss_of_the_link(tmp_path: Path) -> None:
    def own(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [
            replace(e, total_loss_db=MarkedDb(e.total_loss_db.value + e.loss_db.value))
            if e.total_loss_db and e.loss_db
            else e
            for e in events
        ]

    loss = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=own)))["fibre_loss_1550nm"]
    assert loss.verdict == "incomplete"
    assert "total losses are not those before each event" in loss.note
