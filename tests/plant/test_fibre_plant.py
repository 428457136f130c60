"""What happens to the fibre counts in the link, is seen from both ends, and leaves no trace when mended."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.facts.figures import FigureError
from drivers.facts.plant_events import (
    DirtyConnector,
    FibreBend,
    FibreCut,
    FibreFault,
    FibreTemperature,
    Mend,
)
from emulators.plant.fibre_plant import EventRefused, in_words
from emulators.plant.path import Connector
from emulators.plant.sight import look
from tests.plant.plants import Plant, station_content

if TYPE_CHECKING:
    from drivers.facts.plant_events import PlantEvent

LENGTH_M = 19_870.0
CONNECTORS = 14
BEND = FibreBend(distance_m=9_000.0, loss_db=2.0)
DIRT = DirtyConnector(connector=3, loss_db=1.5, reflectance_db=-30.0)
CUT = FibreCut(distance_m=9_000.0)
FAULTS: list[FibreFault] = [BEND, DIRT, CUT]

faults = st.one_of(
    st.builds(FibreBend, distance_m=st.floats(1.0, LENGTH_M - 1.0), loss_db=st.floats(0.01, 20.0)),
    st.builds(
        DirtyConnector,
        connector=st.integers(1, CONNECTORS),
        loss_db=st.floats(0.0, 20.0),
        reflectance_db=st.floats(-60.0, -15.0),
    ),
)


def test_a_fibre_to_which_nothing_has_happened_adds_exactly_nothing() -> None:
    plant = Plant()
    assert plant.link.added_db() == 0.0
    plant.fibre.happen(Mend())
    plant.fibre.happen(FibreTemperature(temperature_c=20.0))
    assert plant.link.added_db() == 0.0
    assert plant.fibre.seen_from(far_end=False) == plant.built


def test_loss_that_the_inventory_does_not_know_is_counted_once_and_lies_in_the_fibre() -> None:
    content = station_content()["emulation"]
    plant = Plant(emulation=content | {"extra_loss_db": 0.1})
    assert plant.link.added_db() == 0.1
    path = plant.fibre.seen_from(far_end=False)
    assert path.loss_db(1550.0) == pytest.approx(12.57)
    assert path.length_m() == pytest.approx(LENGTH_M)


def test_a_bend_counts_at_the_links_wavelength_and_more_at_longer_ones() -> None:
    plant = Plant()
    plant.fibre.happen(BEND)
    assert plant.link.added_db() == pytest.approx(2.0, abs=1e-9)
    path = plant.fibre.seen_from(far_end=False)
    added_db = [path.loss_db(nm) - plant.built.loss_db(nm) for nm in (1310.0, 1550.0, 1625.0)]
    assert added_db == [pytest.approx(loss_db, abs=1e-9) for loss_db in (0.03, 2.0, 5.0)]
    assert path.length_m() == pytest.approx(LENGTH_M)


def test_a_bend_is_where_it_was_said_to_be() -> None:
    plant = Plant()
    plant.fibre.happen(BEND)
    before = plant.fibre.seen_from(far_end=False)
    spans = look(before, 1550.0).stretches
    index_ns_per_m = 2.0 * 1.468 / 0.299792458
    (step,) = [
        (left.end_ns, right.start_loss_db)
        for left, right in pairwise(spans)
        if left.end_ns == pytest.approx(BEND.distance_m * index_ns_per_m, rel=1e-4)
    ]
    cut = plant.built.cut_at(BEND.distance_m)
    assert step[1] == pytest.approx(cut.loss_db(1550.0) + 2.0, abs=1e-9)


def test_a_dirty_connector_loses_and_reflects_more_at_every_wavelength() -> None:
    plant = Plant()
    plant.fibre.happen(DIRT)
    assert plant.link.added_db() == pytest.approx(1.5, abs=1e-9)
    path = plant.fibre.seen_from(far_end=False)
    connectors = [element for element in path.elements if isinstance(element, Connector)]
    clean = [element for element in plant.built.elements if isinstance(element, Connector)]
    assert len(clean) == CONNECTORS
    assert [index for index in range(CONNECTORS) if connectors[index] != clean[index]] == [2]
    for nm in (1310.0, 1625.0):
        assert connectors[2].loss_db(nm, 20.0) == pytest.approx(clean[2].loss_db(nm, 20.0) + 1.5)
        assert connectors[2].reflectance_db(nm) == -30.0


def test_a_dirty_connector_with_a_loss_for_each_wavelength_loses_more_at_each() -> None:
    fibre = station_content()["fibre"]
    fibre["path"][0] = {"kind": "connector", "loss_db": {1310: 0.7, 1625: 0.6}, "reflectance_db": -48}
    plant = Plant(fibre=fibre)
    plant.fibre.happen(DirtyConnector(connector=1, loss_db=1.0, reflectance_db=-30.0))
    path = plant.fibre.seen_from(far_end=False)
    for nm in (1310.0, 1550.0, 1625.0):
        assert path.loss_db(nm) == pytest.approx(plant.built.loss_db(nm) + 1.0)


def test_a_cut_darkens_the_link_and_each_end_sees_its_side_of_it() -> None:
    plant = Plant()
    plant.fibre.happen(CUT)
    assert plant.link.added_db() == math.inf
    assert plant.fibre.is_cut()
    near, far = plant.fibre.seen_from(far_end=False), plant.fibre.seen_from(far_end=True)
    assert (near.length_m(), far.length_m()) == (
        pytest.approx(CUT.distance_m),
        pytest.approx(LENGTH_M - CUT.distance_m),
    )
    assert (near.far.kind, far.far.kind) == ("cut", "cut")


def test_of_two_cuts_each_end_sees_the_nearer_one_and_both_have_to_be_mended() -> None:
    plant = Plant()
    second = FibreCut(distance_m=15_000.0)
    plant.fibre.happen(CUT)
    plant.fibre.happen(second)
    lengths_m = [plant.fibre.seen_from(far_end=far_end).length_m() for far_end in (False, True)]
    assert lengths_m == [pytest.approx(9_000.0), pytest.approx(4_870.0)]
    plant.fibre.happen(Mend(fault=CUT))
    assert plant.link.added_db() == math.inf
    assert plant.fibre.seen_from(far_end=False).length_m() == pytest.approx(15_000.0)
    plant.fibre.happen(Mend(fault=second))
    assert plant.link.added_db() == 0.0


def test_one_fault_is_mended_and_the_others_stay() -> None:
    plant = Plant()
    for fault in FAULTS:
        plant.fibre.happen(fault)
    plant.fibre.happen(Mend(fault=CUT))
    assert plant.link.added_db() == pytest.approx(3.5, abs=1e-9)
    plant.fibre.happen(Mend(fault=BEND))
    assert plant.link.added_db() == pytest.approx(1.5, abs=1e-9)
    with pytest.raises(
        EventRefused, match=r"no such fault: bend of 2 dB at 9000 m; there is: connector 3 dirty"
    ):
        plant.fibre.happen(Mend(fault=BEND))
    plant.fibre.happen(Mend())
    assert plant.link.added_db() == 0.0
    with pytest.raises(EventRefused, match="there is: nothing"):
        plant.fibre.happen(Mend(fault=DIRT))


def test_warm_fibre_loses_a_little_more_and_mending_does_not_cool_it() -> None:
    plant = Plant()
    plant.fibre.happen(FibreTemperature(temperature_c=50.0))
    assert plant.link.added_db() == pytest.approx(30.0 * 0.0001 * 19.87, abs=1e-9)
    warm_db = plant.link.added_db()
    plant.fibre.happen(CUT)
    plant.fibre.happen(Mend())
    assert plant.link.added_db() == warm_db
    plant.fibre.happen(FibreTemperature(temperature_c=20.0))
    assert plant.link.added_db() == 0.0


@settings(deadline=None)
@given(st.lists(faults, min_size=1, max_size=6), st.floats(-60.0, 85.0))
def test_the_link_is_the_path_and_mending_leaves_nothing_behind(
    happened: list[FibreFault], temperature_c: float
) -> None:
    plant = Plant()
    for fault in happened:
        plant.fibre.happen(fault)
    plant.fibre.happen(FibreTemperature(temperature_c=temperature_c))
    near, far = plant.fibre.seen_from(far_end=False), plant.fibre.seen_from(far_end=True)
    assert plant.link.added_db() == near.loss_db(1550.0) - plant.built.loss_db(1550.0)
    assert far.loss_db(1550.0) == pytest.approx(near.loss_db(1550.0), abs=1e-9)
    assert near.length_m() == pytest.approx(LENGTH_M)
    at_20_db = near.at_temperature(20.0).loss_db(1550.0) - plant.built.loss_db(1550.0)
    assert at_20_db == pytest.approx(
        sum(fault.loss_db for fault in happened if not isinstance(fault, FibreCut))
    )
    plant.fibre.happen(Mend())
    plant.fibre.happen(FibreTemperature(temperature_c=20.0))
    assert plant.link.added_db() == 0.0


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            FibreBend(distance_m=19_870.5, loss_db=1.0),
            "19870.5 m lies beyond the fibre; it is 19870.0 m long",
        ),
        (FibreCut(distance_m=1e6), "1e.06 m lies beyond the fibre"),
        (
            DirtyConnector(connector=15, loss_db=1.0, reflectance_db=-30.0),
            "connector 15 does not exist; the fibre has 14",
        ),
    ],
)
def test_what_cannot_happen_here_is_refused_and_changes_nothing(event: PlantEvent, words: str) -> None:
    plant = Plant()
    plant.fibre.happen(BEND)
    before_db, noted = plant.link.added_db(), list(plant.notes)
    with pytest.raises(EventRefused, match=words):
        plant.fibre.happen(event)
    assert (plant.link.added_db(), plant.notes) == (before_db, noted)
    assert not plant.fibre.is_cut()
    plant.fibre.happen(Mend(fault=BEND))
    assert plant.link.added_db() == 0.0


def test_all_that_happens_is_noted_in_words() -> None:
    plant = Plant()
    events: list[PlantEvent] = [*FAULTS, FibreTemperature(temperature_c=-5.0), Mend(fault=CUT), Mend()]
    for event in events:
        plant.fibre.happen(event)
    assert plant.notes == [("plant", in_words(event)) for event in events]
    assert [text for _, text in plant.notes] == [
        "bend of 2 dB at 9000 m",
        "connector 3 dirty, 1.5 dB more, -30 dB reflected",
        "cut at 9000 m",
        "-5 degrees Celsius",
        "mended: cut at 9000 m",
        "mended: everything",
    ]


def test_a_fibre_of_which_only_length_and_loss_are_known_is_plain_fibre() -> None:
    fibre = station_content()["fibre"]
    del fibre["path"]
    plant = Plant(fibre=fibre)
    assert plant.link.added_db() == 0.0
    assert plant.built.length_m() == pytest.approx(LENGTH_M)
    assert plant.built.loss_db(1550.0) == pytest.approx(12.47)
    plant.fibre.happen(BEND)
    assert plant.link.added_db() == pytest.approx(2.0, abs=1e-9)
    # Less than the fibre's own loss: nothing is left for the connectors.
    assert Plant(fibre=fibre | {"loss_db": 2.0}).built.elements[0].loss_db(1550.0, 20.0) == 0.0


def test_a_wavelength_at_which_fibre_has_no_figure_is_told() -> None:
    fibre = station_content()["fibre"] | {"wavelength_nm": 1270.0}
    del fibre["path"]
    with pytest.raises(FigureError, match="no figure at 1270 nm"):
        Plant(fibre=fibre)
