"""Return loss of a link by its event table: against closed forms, and against what the plant says itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from drivers.roles import MarkedDb
from emulators.plant.path import FibreEnd
from emulators.plant.sight import look
from hil_tests.measure.otdr_link import LinkNotFound, link_of
from hil_tests.measure.return_loss import return_loss
from tests.hil.fibre_runs import (
    LAUNCH_M,
    SETTINGS,
    SETTINGS_1310,
    TAIL_M,
    between_leads,
    orl_of_the_link_db,
    papers_link,
    table_of,
    taken,
)
from tests.hil.link_accuracy import a_random_link
from tests.hil.tables import row, table_of_two

if TYPE_CHECKING:
    from emulators.otdr.settings import AcquisitionSettings

INDEX, K_DB = 1.468, -81.0


def test_a_link_in_closed_form() -> None:
    """Two reflections of -50 dB and 10 km at 0.2 dB/km behind 0.5 dB."""
    value = return_loss(link_of(table_of_two(), 1000.0, 1000.0), K_DB, INDEX)
    metres = np.arange(0.0, 10_000.0, 0.1) + 0.05
    there_and_back = 10.0 ** (-2.0 * (0.5 + 0.2e-3 * metres) / 10.0)
    scattered = 10.0 ** (K_DB / 10.0) * 2.0 * INDEX / 0.299792458 * float(there_and_back.sum()) * 0.1
    reflected = 1e-5 + 1e-5 * 10.0 ** (-2.0 * 2.5 / 10.0)
    assert value.value_db == pytest.approx(-10.0 * math.log10(scattered + reflected), abs=1e-6)
    assert not value.is_upper_bound


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS_1310], ids=["1550 nm", "1310 nm"])
@pytest.mark.parametrize("end", ["near", "far"])
def test_the_papers_link_alone(settings: AcquisitionSettings, end: str) -> None:
    path = papers_link() if end == "near" else papers_link().reversed()
    link = link_of(table_of(taken(between_leads(path), 1, settings)), LAUNCH_M, TAIL_M)
    found = return_loss(link, settings.backscatter_db, settings.group_index)
    truth_db = orl_of_the_link_db(path, settings.wavelength_nm)
    assert found.value_db == pytest.approx(truth_db, abs=0.03)
    # Launch fibre, tail fibre and the open end behind it would have made another value of it.
    whole = look(between_leads(path), settings.wavelength_nm).orl_db()
    assert abs(whole - truth_db) > 0.5


@pytest.mark.parametrize("seed", range(6))
def test_links_drawn_at_random(seed: int) -> None:
    path = a_random_link(seed)
    link = link_of(table_of(taken(between_leads(path), seed)), LAUNCH_M, TAIL_M)
    found = return_loss(link, SETTINGS.backscatter_db, SETTINGS.group_index)
    assert found.value_db == pytest.approx(orl_of_the_link_db(path, 1550.0), abs=0.1)


def test_leads_change_nothing() -> None:
    path = papers_link()
    values = [
        return_loss(link_of(table_of(taken(between_leads(path, *leads), 1)), *leads), K_DB, INDEX).value_db
        for leads in ((500.0, 500.0), (2000.0, 1500.0))
    ]
    assert values[0] == pytest.approx(values[1], abs=0.03)


def test_a_reflection_behind_loss_weighs_less() -> None:
    """The same reflection at both ends of a link with 3.1 dB: seen twice through it, it weighs 5 dB less."""
    events = table_of_two()
    at_near, at_far = (
        [replace(e, reflectance_db=MarkedDb(-20.0)) if e.number == number else e for e in events]
        for number in (2, 3)
    )
    near, far = (return_loss(link_of(each, 1000.0, 1000.0), K_DB, INDEX) for each in (at_near, at_far))
    assert near.value_db == pytest.approx(20.0, abs=0.3)
    assert far.value_db == pytest.approx(25.0, abs=0.6)


def test_a_saturated_reflection_is_a_bound() -> None:
    events = [
        replace(e, reflectance_db=MarkedDb(-25.0, bound="at_least")) if e.number == 2 else e
        for e in table_of_two()
    ]
    assert return_loss(link_of(events, 1000.0, 1000.0), K_DB, INDEX).is_upper_bound


def test_a_dead_zone_without_figures_still_counts_what_it_reflects() -> None:
    port, first, last, end = table_of_two()
    hidden = row(9, 1008.0, reflectance_db=-30.0)
    found = return_loss(link_of([port, first, hidden, last, end], 1000.0, 1000.0), K_DB, INDEX)
    # Behind the first connector's 0.5 dB, so -31 dB of it come back.
    without = return_loss(link_of([port, first, last, end], 1000.0, 1000.0), K_DB, INDEX)
    back = 10.0 ** (-found.value_db / 10.0) - 10.0 ** (-without.value_db / 10.0)
    assert 10.0 * math.log10(back) == pytest.approx(-31.0, abs=0.02)


def test_without_leads_there_is_none() -> None:
    with pytest.raises(LinkNotFound, match="no launch fibre"):
        return_loss(link_of(table_of_two(), 0.0, 1000.0), K_DB, INDEX)


def test_without_the_first_connectors_total_loss_there_is_none() -> None:
    events = [replace(e, total_loss_db=None) if e.number == 2 else e for e in table_of_two()]
    with pytest.raises(LinkNotFound, match="event at 1000 m has no total loss"):
        return_loss(link_of(events, 1000.0, 1000.0), K_DB, INDEX)


def test_an_open_end_is_not_part_of_the_link() -> None:
    path = papers_link()
    open_db = look(replace(path, far=FibreEnd("open_pc")), 1550.0).orl_db()
    assert orl_of_the_link_db(path, 1550.0) - open_db > 0.5


def in_between(*, total_db: MarkedDb | None, slope_db_per_km: MarkedDb | None) -> float:
    """Return the return loss (dB) of a link whose last connector's total loss and slope are these."""
    port, first, last, end = table_of_two()
    other = replace(last, total_loss_db=total_db, slope_db_per_km=slope_db_per_km)
    return return_loss(link_of([port, first, other, end], 1000.0, 1000.0), K_DB, INDEX).value_db


def test_a_total_loss_with_a_mark_is_not_believed() -> None:
    plain = in_between(total_db=MarkedDb(2.7), slope_db_per_km=MarkedDb(0.2))
    for mark in (MarkedDb(30.0, is_approximate=True), MarkedDb(0.3, bound="at_least")):
        assert in_between(total_db=mark, slope_db_per_km=MarkedDb(0.2)) == pytest.approx(plain)


@pytest.mark.parametrize("slope", [None, MarkedDb(0.0, is_approximate=True)])
def test_without_a_slope_the_levels_at_both_ends_of_a_section_tell_it(slope: MarkedDb | None) -> None:
    plain = in_between(total_db=MarkedDb(2.7), slope_db_per_km=MarkedDb(0.2))
    assert in_between(total_db=MarkedDb(2.7), slope_db_per_km=slope) == pytest.approx(plain)


def test_without_slope_and_total_no_light_is_left_out() -> None:
    plain = in_between(total_db=MarkedDb(2.7), slope_db_per_km=MarkedDb(0.2))
    assert in_between(total_db=None, slope_db_per_km=None) < plain - 1.0


@pytest.mark.parametrize(("bound", "is_upper_bound"), [("at_least", True), ("at_most", False)])
def test_only_a_reflectance_that_may_be_more_makes_a_bound(
    bound: Literal["at_least", "at_most"], is_upper_bound: bool
) -> None:
    events = [
        replace(e, reflectance_db=MarkedDb(-50.0, bound=bound)) if e.number == 2 else e
        for e in table_of_two()
    ]
    assert return_loss(link_of(events, 1000.0, 1000.0), K_DB, INDEX).is_upper_bound == is_upper_bound


def test_total_losses_that_hold_the_events_own_give_none() -> None:
    events = [replace(e, total_loss_db=MarkedDb(1.5)) if e.number == 2 else e for e in table_of_two()]
    with pytest.raises(LinkNotFound, match="not those before each event"):
        return_loss(link_of(events, 1000.0, 1000.0), K_DB, INDEX)
