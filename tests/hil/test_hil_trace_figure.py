"""The figure of the traces: small, well formed, events numbered, the second direction mirrored."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil_tests.measure.directions import directions_at, link_events
from hil_tests.report.trace_figure import thinned, trace_figure, whole_trace_figure
from hil_tests.run_data import read_run
from tests.hil.fibre_runs import FibreRun, cut_both_ways, fibre_run, papers_link
from tests.hil.test_hil_figures import assert_sound, texts

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.measure.bidirectional import LinkEvent
    from hil_tests.measure.directions import Direction


@pytest.fixture(scope="module")
def directions(tmp_path_factory: pytest.TempPathFactory) -> list[Direction]:
    return directions_at(read_run(fibre_run(tmp_path_factory.mktemp("figure") / "run", 1)), 1550.0)


@pytest.fixture(scope="module")
def events(directions: list[Direction]) -> list[LinkEvent]:
    return link_events(directions)


def drawn(directions: list[Direction], events: list[LinkEvent], name: str = "a") -> str:
    return trace_figure(directions, events, "a <label>", name)


def test_both_directions_are_drawn_small_with_every_event(
    directions: list[Direction], events: list[LinkEvent]
) -> None:
    svg = drawn(directions, events)
    assert_sound(svg)
    assert len(svg) < 200_000
    shown = texts(svg)
    assert "From gdc_a (light goes to the right)" in shown
    assert "From gdc_b (light goes to the left)" in shown
    assert "launch and tail fibre" in shown
    words = shown.split(" | ")
    # Each number stands in both panels; the axes have numbers of their own.
    assert all(words.count(str(number)) >= 2 for number in range(1, len(events) + 1))
    assert words.count(str(len(events) + 1)) == 0


def test_the_mirrored_trace_has_its_peaks_where_the_other_has_them(directions: list[Direction]) -> None:
    """The strongest peak inside the link: found in both curves, one place of the fibre."""
    at_m: list[float] = []
    for place, direction in enumerate(directions):
        link, curve = direction.link, direction.trace.curve
        assert curve is not None
        x_m = curve.distances_m() - link.near.distance_m
        inside = (x_m > 13_000.0) & (x_m < 14_500.0) if place == 0 else (x_m > 5400.0) & (x_m < 6900.0)
        peak_m = float(x_m[inside][curve.levels_db[inside].argmax()])
        at_m.append(peak_m if place == 0 else link.length_m - peak_m)
    # A pulse of 10 m, and a cord of 4 m in between.
    assert abs(at_m[0] - at_m[1]) < 15.0


def test_what_a_direction_does_not_report_is_dotted(
    directions: list[Direction], events: list[LinkEvent]
) -> None:
    def dotted(drawing: str) -> int:
        return len(re.findall(r"stroke-dasharray: [\d.]+,", drawing))

    unseen = [replace(events[0], far_loss_db=None), replace(events[1], near_loss_db=None), *events[2:]]
    assert dotted(drawn(directions, unseen)) - dotted(drawn(directions, events)) == 2


def test_one_direction_alone_is_drawn(directions: list[Direction]) -> None:
    svg = drawn(directions[:1], link_events(directions[:1]))
    assert_sound(svg)
    assert "gdc_b" not in texts(svg)


def test_same_traces_give_the_same_bytes_and_other_ids_by_name(
    directions: list[Direction], events: list[LinkEvent]
) -> None:
    assert drawn(directions, events) == drawn(directions, events)
    ids = [set(re.findall(r'\bid="([^"]*)"', drawn(directions, events, name))) for name in ("a", "b")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_trace_of_a_cut_fibre_is_drawn_with_its_own_table(tmp_path: Path) -> None:
    run = read_run(fibre_run(tmp_path / "run", 1, FibreRun(cut_both_ways(papers_link(), 8000.0))))
    trace = run.traces[0]
    svg = whole_trace_figure(trace, "label", "a")
    assert_sound(svg)
    assert "Distance from the OTDR (km)" in texts(svg)
    assert str(trace.events[-1].number) in texts(svg).split(" | ")


def test_thinning_keeps_every_peak_and_the_order() -> None:
    x = np.arange(100_000, dtype=np.float64)
    y = np.zeros_like(x)
    y[12_345], y[50_000], y[99_999] = 9.0, -9.0, 5.0
    thin_x, thin_y = thinned(x, y)
    assert thin_x.size < 4000
    assert np.all(np.diff(thin_x) > 0)
    assert {12_345.0, 50_000.0, 99_999.0} <= set(thin_x)
    assert (thin_y.max(), thin_y.min()) == (9.0, -9.0)


@pytest.mark.parametrize("points", [1, 2, 900, 1801, 2700])
def test_thinning_of_few_points_keeps_what_is_there(points: int) -> None:
    x = np.arange(points, dtype=np.float64)
    y = np.sin(x)
    thin_x, thin_y = thinned(x, y)
    assert np.array_equal(np.sin(thin_x), thin_y)
    assert (thin_y.max(), thin_y.min()) == (y.max(), y.min())
    assert points > 2699 or np.array_equal(thin_x, x)


def test_a_ghost_behind_the_end_is_not_taken_for_fibre(directions: list[Direction]) -> None:
    def with_ghost(direction: Direction) -> Direction:
        end = direction.trace.events[-1]
        ghost = replace(end, number=99, kind="Ghost", distance_m=38_000.0, is_end=False, is_ghost=True)
        return replace(direction, trace=replace(direction.trace, events=[*direction.trace.events, ghost]))

    haunted = [with_ghost(direction) for direction in directions]
    events = link_events(directions)
    assert drawn(haunted, events) == drawn(directions, events)
    whole, haunted_whole = (whole_trace_figure(each[0].trace, "label", "a") for each in (directions, haunted))
    assert haunted_whole == whole
