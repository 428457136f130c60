"""Both directions of one fibre: gainers average out, cords are one event, what one end sees is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drivers.facts.fibre_types import fibre_type, fibre_types
from drivers.otdr.event_table import parse_line
from drivers.roles import MarkedDb, OtdrEvent
from emulators.otdr.analysis import analyse
from emulators.otdr.event_table import table_lines
from emulators.otdr.sections import Thresholds
from emulators.otdr.trace import acquire
from emulators.plant.path import Connector, Element, FibreSpan, OpticalPath, Splice
from hil_tests.measure.bidirectional import (
    LARGEST_SHIFT_DB,
    LinkEvent,
    average,
    from_one_end,
    matching_m,
    needs_losses,
    pulse_m,
    seen_events,
)
from hil_tests.measure.otdr_link import Link, LinkNotFound, link_of
from tests.hil.fibre_runs import INSTRUMENT, SETTINGS
from tests.hil.tables import row

G652 = fibre_type("G.652.D")
A1 = fibre_type("G.657.A1")
WITHIN_M = matching_m(SETTINGS.pulse_m())


def seen(path: OpticalPath, limits: Thresholds | None = None) -> Link:
    """Return a path without leads as one end sees it through the table."""
    trace = acquire(path, INSTRUMENT, SETTINGS, np.random.default_rng(1))
    return link_of([parse_line(line, 1.0) for line in table_lines(analyse(trace, limits))], 0.0, 0.0)


def both(*elements: Element, limits: Thresholds | None = None) -> tuple[Link, Link]:
    path = OpticalPath(elements)
    return seen(path, limits), seen(path.reversed(), limits)


def value(figure: MarkedDb | None) -> float | None:
    return None if figure is None else figure.value


def test_a_gainer_averages_out() -> None:
    near, far = both(
        FibreSpan(4000.0, G652), Splice(0.06), FibreSpan(5000.0, A1), Connector(0.3, -50.0),
        FibreSpan(3000.0, G652), limits=Thresholds(loss_db=0.03),
    )  # fmt: skip
    splice, connector = average(near, far, WITHIN_M)
    assert value(splice.near_loss_db) == pytest.approx(0.06 + 0.35, abs=0.01)
    assert value(splice.far_loss_db) == pytest.approx(0.06 - 0.35, abs=0.01)
    assert splice.loss_db == pytest.approx(0.06, abs=0.01)
    assert connector.loss_db == pytest.approx(0.3, abs=0.01)
    assert value(connector.reflectance_db) == pytest.approx(-50.0, abs=1.0)
    assert splice.position_m == pytest.approx(4000.0, abs=5.0)


def test_an_event_seen_from_one_end_only_is_kept() -> None:
    near, far = both(FibreSpan(4000.0, G652), Splice(0.35), FibreSpan(5000.0, A1))
    (event,) = average(near, far, WITHIN_M)
    assert event.loss_db == pytest.approx(0.35, abs=0.01)
    assert event.far_loss_db is None
    (event,) = average(far, near, WITHIN_M)
    assert event.position_m == pytest.approx(5000.0, abs=5.0)
    assert event.near_loss_db is None


def test_a_cord_is_one_event_from_both_ends() -> None:
    """It begins at its one connector from here and at the other from there, up to a pulse apart."""
    for cord_m in (1.0, 5.0, 8.0):
        near, far = both(
            FibreSpan(4000.0, G652), Connector(0.5, -50.0), FibreSpan(cord_m, G652), Connector(0.7, -50.0),
            FibreSpan(5000.0, G652),
        )  # fmt: skip
        (event,) = average(near, far, WITHIN_M)
        assert event.loss_db == pytest.approx(1.2, abs=0.02)


# --- by tables written by hand


def link(*events: OtdrEvent, length_m: float = 1000.0) -> Link:
    table = [row(1, 0.0, ""), *events, row(99, length_m, "End", total_db=1.0)]
    return link_of(table, 0.0, 0.0)


def losses(events: list[LinkEvent]) -> list[tuple[float, float | None, float | None, float]]:
    return [(e.position_m, value(e.near_loss_db), value(e.far_loss_db), e.loss_db) for e in events]


def test_neighbours_find_their_own_partner() -> None:
    near = link(row(2, 500.0, loss_db=0.2), row(3, 512.0, loss_db=0.4))
    far = link(row(2, 488.0, loss_db=0.6), row(3, 500.0, loss_db=0.8))
    assert losses(average(near, far, 15.0)) == [
        (500.0, 0.2, 0.8, pytest.approx(0.5)),
        (512.0, 0.4, 0.6, pytest.approx(0.5)),
    ]


def test_the_nearer_of_two_is_the_partner_and_the_other_stays_alone() -> None:
    near = link(row(2, 490.0, loss_db=0.2), row(3, 502.0, loss_db=0.4))
    far = link(row(2, 500.0, loss_db=0.6))
    assert losses(average(near, far, 15.0)) == [(490.0, 0.2, None, 0.1), (502.0, 0.4, 0.6, 0.5)]


def test_what_lies_too_far_apart_is_two_events() -> None:
    near, far = link(row(2, 500.0, loss_db=0.2)), link(row(2, 480.0, loss_db=0.6))
    assert losses(average(near, far, 15.0)) == [(500.0, 0.2, None, 0.1), (520.0, None, 0.6, 0.3)]
    assert len(average(near, far, 20.0)) == 1


def test_the_mirror_is_the_mean_of_both_lengths() -> None:
    near = link(row(2, 500.0, loss_db=0.2), length_m=1010.0)
    far = link(row(2, 480.0, loss_db=0.4), length_m=990.0)
    assert losses(average(near, far, 25.0)) == [(500.0, 0.2, 0.4, pytest.approx(0.3))]


def test_a_dead_zone_goes_to_the_event_that_carries_its_loss() -> None:
    """Either end puts both losses to the event that it meets first: together they are one."""
    near = link(row(2, 500.0, loss_db=0.9, reflectance_db=-60.0), row(3, 530.0, reflectance_db=-40.0))
    far = link(row(2, 470.0, loss_db=1.1, reflectance_db=-41.0), row(3, 500.0, reflectance_db=-60.0))
    (event,) = average(near, far, 15.0)
    assert event.loss_db == pytest.approx(1.0)
    assert value(event.reflectance_db) == -40.0
    assert seen_events(near)[0].extent_m == 30.0


def test_a_dead_zone_behind_the_port_carries_no_loss() -> None:
    assert seen_events(link(row(2, 4.0, reflectance_db=-40.0))) == []


def test_what_an_event_loses_is_bounded_by_what_each_direction_tells() -> None:
    there = link(row(2, 500.0, loss_db=0.3))

    def bounds(near: Link, far: Link | None) -> tuple[float, float]:
        (event,) = from_one_end(near) if far is None else average(near, far, 15.0)
        return event.least_db, event.most_db

    at_least, at_most = MarkedDb(0.5, bound="at_least"), MarkedDb(0.5, bound="at_most")
    seen_db = link(row(2, 500.0, loss_db=0.5))
    assert bounds(seen_db, there) == (0.4, 0.4)
    # Nothing from there: all that is seen here may be its own, or the larger part of it the fibres'.
    assert bounds(seen_db, link()) == (pytest.approx(0.1), 0.5)
    assert bounds(link(), seen_db) == (pytest.approx(0.1), 0.5)
    assert bounds(seen_db, None) == (pytest.approx(0.1), math.inf)
    assert bounds(link(row(2, 500.0, loss_db=at_least)), there) == (0.4, math.inf)
    assert bounds(link(row(2, 500.0, loss_db=at_most)), there) == (-math.inf, 0.4)
    # An event that gains is no worse than half of it.
    assert bounds(link(row(2, 500.0, loss_db=-0.2)), link()) == (pytest.approx(-0.6), -0.1)


def test_more_than_fibres_can_differ_by_is_not_halved() -> None:
    (event,) = average(link(row(2, 500.0, loss_db=2.0)), link(), 15.0)
    assert event.loss_db == pytest.approx(2.0 - LARGEST_SHIFT_DB)


def test_no_two_fibre_types_differ_by_more_than_is_allowed_for() -> None:
    for nm in (1310.0, 1490.0, 1550.0, 1625.0):
        known = [fibre.backscatter_db.at(nm) for fibre in fibre_types().values()]
        assert (max(known) - min(known)) / 2.0 <= LARGEST_SHIFT_DB - Thresholds().loss_db + 1e-9


def test_marks_are_kept() -> None:
    rough = MarkedDb(0.4, is_approximate=True)
    clipped = MarkedDb(-25.0, bound="at_least")
    near = link(row(2, 500.0, loss_db=rough, reflectance_db=clipped))
    (event,) = average(near, link(row(2, 500.0, loss_db=0.4, reflectance_db=-26.0)), 15.0)
    assert event.is_approximate
    assert event.reflectance_db == clipped
    (alone,) = from_one_end(near)
    assert (alone.loss_db, alone.far_loss_db, alone.is_approximate) == (0.4, None, True)


def test_matching_grows_with_the_pulse() -> None:
    assert pulse_m(100.0, 1.468) == pytest.approx(10.21, abs=0.01)
    assert matching_m(1.0) == 6.0
    assert matching_m(30.0) == 45.0


def behind_a_launch(*events: OtdrEvent) -> Link:
    return link_of([row(1, 0.0, ""), *events, row(99, 3000.0, "End")], 1000.0, 0.0)


def test_a_loss_that_is_nobodys_is_told() -> None:
    """With 10 m of pulse an event hides what lies up to 40 m behind it, and so does the port."""
    first = row(2, 1000.0, loss_db=0.5)
    needs_losses(behind_a_launch(first, row(3, 1040.0, reflectance_db=-40.0)), 10.0)
    needs_losses(behind_a_launch(first, row(3, 1040.0), row(4, 1080.0)), 10.0)
    needs_losses(link(row(2, 40.0, reflectance_db=-40.0)), 10.0)
    needs_losses(link(row(2, 10.0, reflectance_db=-40.0)), 0.5)
    for table, at_m in (
        (behind_a_launch(first, row(3, 1041.0, reflectance_db=-15.0)), 1041),
        (behind_a_launch(row(2, 1000.0, reflectance_db=-15.0)), 1000),
        (link(row(2, 41.0, reflectance_db=-15.0)), 41),
    ):
        with pytest.raises(LinkNotFound, match=f"the event at {at_m} m has no loss"):
            needs_losses(table, 10.0)
