"""The link in an event table: found by the leads' lengths, else told in words what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.roles import MarkedDb, OtdrEvent
from hil_tests.measure.otdr_link import Link, LinkNotFound, end_to_end_loss_db, link_of
from tests.hil.fibre_runs import LAUNCH_M, TAIL_M, between_leads, papers_link, table_of, taken
from tests.hil.tables import row, table_of_two


def found(events: list[OtdrEvent], launch_m: float = 1000.0, tail_m: float = 1000.0) -> Link:
    return link_of(events, launch_m, tail_m)


def test_both_connectors_belong_to_the_link() -> None:
    link = found(table_of_two())
    assert [event.number for event in link.events] == [2, 3]
    assert link.length_m == 10_000.0
    assert end_to_end_loss_db(link) == pytest.approx(0.5 + 2.0 + 0.6)


def test_the_papers_link_is_found_through_the_wires_table() -> None:
    link = link_of(table_of(taken(between_leads(papers_link()), 1)), LAUNCH_M, TAIL_M)
    assert link.length_m == pytest.approx(19_870.0, abs=1.0)
    assert end_to_end_loss_db(link) == pytest.approx(12.47, abs=0.01)
    assert len(link.events) == 12


def test_ghosts_are_no_events_of_the_link() -> None:
    first, *others = table_of_two()
    ghost = row(9, 5000.0, "Ghost", reflectance_db=-60.0)
    assert [event.number for event in found([first, others[0], ghost, *others[1:]]).events] == [2, 3]
    with pytest.raises(LinkNotFound, match="empty"):
        found([ghost])


def test_leads_may_be_a_little_longer_than_they_should() -> None:
    assert link_of(table_of_two(), 960.0, 1045.0).length_m == 10_000.0
    assert link_of(table_of_two(), 985.0, 1015.0).length_m == 10_000.0


@pytest.mark.parametrize(
    ("launch_m", "tail_m", "words"),
    [
        (900.0, 1000.0, "no event near 900 m, where the launch fibre should end; the fibre ends 12000 m"),
        (1000.0, 500.0, "no event near 11500 m, where the tail fibre should begin"),
        (1000.0, 11_000.0, "nothing lies between"),
        (11_000.0, 11_000.0, "nothing lies between"),
    ],
)
def test_leads_that_do_not_fit_are_told(launch_m: float, tail_m: float, words: str) -> None:
    with pytest.raises(LinkNotFound, match=words):
        link_of(table_of_two(), launch_m, tail_m)


def test_no_end_of_fibre_is_told_with_the_devices_word() -> None:
    with pytest.raises(LinkNotFound, match="no end of fibre: the last event, at 11000 m, is called 'Refle"):
        found(table_of_two()[:-1])


def test_an_empty_table_is_told() -> None:
    with pytest.raises(LinkNotFound, match="empty"):
        found([])


def test_without_leads_there_is_a_length_and_no_loss() -> None:
    events = table_of_two()
    bare = [events[0], events[1], row(3, 11_000.0, "End", reflectance_db=-14.4, total_db=2.7)]
    link = found(bare, 0.0, 0.0)
    assert link.length_m == 11_000.0
    assert [event.number for event in link.with_loss()] == [2]
    with pytest.raises(LinkNotFound, match="no launch fibre: what the link's first connector loses"):
        end_to_end_loss_db(link)
    with pytest.raises(LinkNotFound, match="no tail fibre"):
        end_to_end_loss_db(found(bare, 1000.0, 0.0))


@pytest.mark.parametrize(
    ("last_loss", "words"),
    [
        (None, "has no loss: it lies in a dead zone"),
        (MarkedDb(0.6, is_approximate=True), "only approximate"),
        (MarkedDb(0.6, bound="at_least"), "only a bound"),
    ],
)
def test_a_loss_that_is_not_its_own_is_no_number(last_loss: MarkedDb | None, words: str) -> None:
    link = found(table_of_two(last_loss=last_loss))
    with pytest.raises(LinkNotFound, match=f"event at 11000 m.*{words}|{words}.*"):
        end_to_end_loss_db(link)


def test_the_first_connectors_own_loss_may_be_approximate() -> None:
    """What lies between is in the total losses, whichever event carries it."""
    link = found(table_of_two(first_loss=MarkedDb(0.9, is_approximate=True)))
    assert end_to_end_loss_db(link) == pytest.approx(3.1)


def test_total_losses_that_hold_the_events_own_are_told() -> None:
    """The table says 0.2 dB before the first connector; one that says 0.7 dB there has its 0.5 dB in it."""
    port, first, last, end = table_of_two(last_loss=0.9)
    own = [
        replace(each, total_loss_db=MarkedDb(each.total_loss_db.value + each.loss_db.value))
        for each in (first, last)
        if each.total_loss_db is not None and each.loss_db is not None
    ]
    # Losses that are nearly alike would not show it, nor would they put the link's loss wrong by much.
    first_of_own = replace(own[0], loss_db=MarkedDb(0.1), total_loss_db=MarkedDb(0.3))
    link = found([port, first_of_own, own[1], end])
    with pytest.raises(LinkNotFound, match=r"grows by 3\.300 dB from 1000 m to 11000 m.*are 2\.100 dB"):
        end_to_end_loss_db(link)


def test_splices_below_the_threshold_of_events_may_be_in_the_total_losses_alone() -> None:
    port, first, last, end = table_of_two()
    link = found([port, first, replace(last, total_loss_db=MarkedDb(3.0)), end])
    assert end_to_end_loss_db(link) == pytest.approx(3.4)


@pytest.mark.parametrize("mark", [MarkedDb(9.0, is_approximate=True), MarkedDb(9.0, bound="at_least")])
def test_figures_with_marks_contradict_nothing(mark: MarkedDb) -> None:
    assert end_to_end_loss_db(found(table_of_two(first_loss=mark))) == pytest.approx(3.1)
