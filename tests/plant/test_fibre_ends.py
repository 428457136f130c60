"""Where the ends of the fibre go decides what passes, what an OTDR sees, and what its light does."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.facts.fibre_types import fibre_type
from drivers.facts.lab import Patch, PatchEnd
from drivers.facts.plant_events import FibreBend, FibreCut, FibreTemperature, Mend
from emulators.otdr.analysis import analyse
from emulators.otdr.instrument import load_instrument
from emulators.otdr.settings import AcquisitionSettings
from emulators.otdr.trace import acquire
from emulators.plant.patch_panel import PatchRefused
from emulators.plant.path import FibreEnd, FibreSpan, InlineLoss
from tests.plant.plants import INSERTION_LOSS_DB, SITE_A, SITE_B, Plant, otdr_content, station_content

if TYPE_CHECKING:
    from drivers.facts.lab import FibreEndUse
    from emulators.plant.path import OpticalPath

LENGTH_M, LOSS_DB = 19_870.0, 12.47
LAUNCH = FibreSpan(1000.0, fibre_type("G.652.D"))
TAIL = FibreSpan(500.0, fibre_type("G.652.D"))
LEADS_DB = LAUNCH.loss_db(1550.0, 20.0) + TAIL.loss_db(1550.0, 20.0)
TAIL_CONTENT = {"fibre": "G.652.D", "length_m": 500.0}
REMOVED = {"kind": "attenuator_removed"}
SETTINGS = AcquisitionSettings(1550.0, 100.0, 40.0, 3.125, 30.0)


def plant_with(
    a: FibreEndUse,
    b: FibreEndUse,
    tail: dict[str, Any] = TAIL_CONTENT,
    **changes: Any,  # noqa: ANN401 - any part of the inventory's station
) -> Plant:
    """Return a plant with an OTDR at each site, its ends connected to `a` and `b`."""
    gear = station_content()["gear"]
    for site in (SITE_A, SITE_B):
        launch = {"fibre": "G.652.D", "length_m": 1000.0}
        gear[f"otdr_{site}"] = otdr_content(site, launch=launch, tail=tail)
    plant = Plant(gear=gear, **changes)
    plant.ends.patch(PatchEnd(site=SITE_A, to=a))
    plant.ends.patch(PatchEnd(site=SITE_B, to=b))
    return plant


def seen(plant: Plant, site: str = SITE_A) -> OpticalPath:
    path = plant.ends.path_seen(site)
    assert path is not None
    return path


@pytest.mark.parametrize("to", ["otdr", "nothing"])
@pytest.mark.parametrize("site", [SITE_A, SITE_B])
def test_an_end_that_is_not_at_its_appliance_leaves_the_link_dark(site: str, to: FibreEndUse) -> None:
    plant = Plant()
    plant.link.set_inline_db("voa", 3.5)
    plant.ends.patch(PatchEnd(site=site, to=to))
    assert plant.link.added_db() == math.inf
    plant.ends.patch(PatchEnd(site=site, to="qkd"))
    assert plant.link.added_db() == 3.5
    assert plant.notes == [
        ("patched", f"fibre end at {site}: connected to {to}"),
        ("patched", f"fibre end at {site}: connected to qkd"),
    ]


@given(st.lists(st.tuples(st.sampled_from([SITE_A, SITE_B]), st.sampled_from(["qkd", "otdr", "nothing"]))))
def test_light_passes_just_when_both_ends_are_at_their_appliances(patches: list[tuple[str, Any]]) -> None:
    plant = Plant()
    ends: dict[str, str] = {SITE_A: "qkd", SITE_B: "qkd"}
    for site, to in patches:
        plant.ends.patch(PatchEnd(site=site, to=to))
        ends[site] = to
        assert plant.link.added_db() == (0.0 if set(ends.values()) == {"qkd"} else math.inf)


def test_a_site_without_an_end_is_refused_with_the_ends_there_are() -> None:
    plant = Plant(sites=station_content()["sites"] | {"hut": {"name": "Hut"}})
    for act in (
        lambda: plant.ends.patch(PatchEnd(site="hut", to="otdr")),
        lambda: plant.ends.path_seen("hut"),
        lambda: plant.ends.light_on("hut"),
    ):
        with pytest.raises(
            PatchRefused, match="no end of the fibre is at 'hut'; the ends are at gdc_a and gdc_b"
        ):
            act()
    assert plant.notes == []


def test_ends_at_one_site_cannot_be_told_apart() -> None:
    gear = station_content()["gear"]
    plant = Plant(gear={name: one | {"site": SITE_A} for name, one in gear.items()})
    assert plant.link.added_db() == 0.0
    with pytest.raises(PatchRefused, match="both ends of the fibre are at 'gdc_a'"):
        plant.ends.patch(PatchEnd(site=SITE_A, to="otdr"))


@pytest.mark.parametrize("site", [SITE_A, SITE_B])
def test_from_either_end_an_otdr_sees_launch_fibre_link_and_tail(site: str) -> None:
    plant = plant_with("otdr", "otdr")
    path = seen(plant, site)
    assert path.length_m() == pytest.approx(1000.0 + LENGTH_M + 500.0)
    assert path.loss_db(1550.0) == pytest.approx(LEADS_DB + LOSS_DB)
    assert (path.elements[0], path.elements[-1]) == (LAUNCH, TAIL)
    link = path.elements[1:-1]
    assert link == (plant.built if site == SITE_A else plant.built.reversed()).elements


@pytest.mark.parametrize(
    ("use", "kind"), [("qkd", "terminated"), ("otdr", "terminated"), ("nothing", "open_pc")]
)
def test_what_hangs_at_the_far_end_ends_the_path(use: FibreEndUse, kind: str) -> None:
    path = seen(plant_with("otdr", use))
    assert path.far.kind == kind
    # Nobody puts a tail between the fibre and an appliance that is connected to it.
    assert (path.elements[-1] == TAIL) == (use != "qkd")


@pytest.mark.parametrize("use", ["qkd", "nothing"])
def test_an_otdr_that_is_not_connected_sees_its_launch_fibre_and_no_more(use: FibreEndUse) -> None:
    plant = plant_with(use, "otdr")
    path = seen(plant)
    assert (path.elements, path.far.kind) == ((LAUNCH,), "open_pc")


def test_without_launch_fibre_there_may_be_no_fibre_to_see() -> None:
    plant = Plant()
    assert plant.ends.path_seen(SITE_A) is None
    plant.ends.patch(PatchEnd(site=SITE_A, to="otdr"))
    assert plant.ends.path_seen(SITE_A) == replace(plant.built, far=FibreEnd("terminated"))
    plant.ends.patch(PatchEnd(site=SITE_B, to="otdr"))
    plant.link.set_inline_db("voa", math.inf)
    assert plant.ends.path_seen(SITE_B) is None


@pytest.mark.parametrize("site", [SITE_A, SITE_B])
@pytest.mark.parametrize(("reference", "in_line_db"), [(None, 4.0), (REMOVED, 4.0 + INSERTION_LOSS_DB)])
def test_an_attenuator_lies_at_the_end_of_its_site_with_all_that_it_adds(
    site: str, reference: dict[str, str] | None, in_line_db: float
) -> None:
    plant = plant_with("otdr", "otdr", **({} if reference is None else {"reference": reference}))
    plant.link.set_inline_db("voa", 4.0)
    elements = seen(plant, site).elements
    (inline,) = [element for element in elements if isinstance(element, InlineLoss)]
    assert inline.loss == in_line_db
    assert elements.index(inline) == (len(elements) - 2 if site == SITE_A else 1)


def test_link_and_otdr_count_the_same_loss() -> None:
    for reference in ({"kind": "referenced_out"}, REMOVED):
        plant = plant_with("otdr", "otdr", reference=reference)
        plant.link.set_inline_db("voa", 2.5)
        plant.fibre.happen(FibreBend(distance_m=5000.0, loss_db=1.25))
        seen_db = seen(plant).loss_db(1550.0) - LEADS_DB
        for site in (SITE_A, SITE_B):
            plant.ends.patch(PatchEnd(site=site, to="qkd"))
        assert plant.link.added_db() == pytest.approx(seen_db - LOSS_DB)


def test_an_attenuator_that_is_taken_out_is_not_seen() -> None:
    plant = plant_with("otdr", "otdr", reference=REMOVED)
    plant.link.set_inline_db("voa", 4.0)
    plant.panel.patch(Patch(gear="voa", in_line=False))
    assert not any(isinstance(element, InlineLoss) for element in seen(plant).elements)


def test_a_blocked_attenuator_ends_what_is_seen() -> None:
    plant = plant_with("otdr", "otdr")
    plant.link.set_inline_db("voa", math.inf)
    from_a, from_b = seen(plant, SITE_A), seen(plant, SITE_B)
    assert from_a.length_m() == pytest.approx(1000.0 + LENGTH_M)
    assert (from_b.elements, from_b.far.reflectance_db()) == ((LAUNCH,), -50.0)


def test_an_otdr_sees_the_nearer_side_of_a_cut_and_the_temperature() -> None:
    plant = plant_with("otdr", "otdr")
    plant.link.set_inline_db("voa", 4.0)
    plant.fibre.happen(FibreCut(distance_m=9000.0))
    plant.fibre.happen(FibreTemperature(temperature_c=35.0))
    from_a, from_b = seen(plant, SITE_A), seen(plant, SITE_B)
    assert (from_a.length_m(), from_b.length_m()) == (pytest.approx(10_000.0), pytest.approx(11_870.0))
    assert (from_a.far.kind, from_b.far.kind) == ("cut", "cut")
    assert (from_a.temperature_c, from_b.temperature_c) == (35.0, 35.0)
    plant.fibre.happen(Mend())
    assert seen(plant).far.kind == "terminated"


def test_the_trace_shows_the_bend_where_it_is_and_the_attenuator_at_the_far_end() -> None:
    # A tail of the fibre with which the link ends: else half the step of backscatter is part of the loss.
    plant = plant_with("otdr", "nothing", tail={"fibre": "G.657.A1", "length_m": 1000.0})
    plant.fibre.happen(FibreBend(distance_m=10_000.0, loss_db=1.0))
    plant.link.set_inline_db("voa", 3.0)
    trace = acquire(seen(plant), load_instrument("viavi_smartotdr"), SETTINGS, np.random.default_rng(1))
    events = analyse(trace).between_ends()
    (bend,) = [event for event in events if abs(event.position_m - 11_000.0) < 20.0]
    assert bend.loss_db == pytest.approx(1.0, abs=0.05)
    last = events[-1]
    assert last.position_m == pytest.approx(1000.0 + LENGTH_M, abs=10.0)
    assert last.loss_db == pytest.approx(0.6386 + 3.0, abs=0.1)


def light_notes(plant: Plant) -> list[str]:
    return [text for kind, text in plant.notes if kind == "otdr light"]


@pytest.mark.parametrize(
    ("site", "ends", "told"),
    [
        (SITE_A, ("otdr", "qkd"), ["OTDR light reached the receiver of bob"]),
        (SITE_B, ("qkd", "otdr"), ["OTDR light reached the transmitter of alice"]),
        (SITE_A, ("otdr", "otdr"), []),
        (SITE_A, ("otdr", "nothing"), []),
        (SITE_A, ("nothing", "qkd"), []),
        (SITE_A, ("qkd", "qkd"), []),
    ],
)
def test_light_that_reaches_an_appliance_is_noted(site: str, ends: tuple[Any, Any], told: list[str]) -> None:
    plant = plant_with(*ends)
    plant.ends.light_on(site)
    assert light_notes(plant) == told
    plant.ends.light_off(site)
    plant.ends.light_off(site)
    assert light_notes(plant) == told


def test_a_receiver_that_is_connected_while_an_otdr_shines_is_noted_then() -> None:
    plant = plant_with("otdr", "nothing")
    plant.ends.light_on(SITE_A)
    plant.ends.patch(PatchEnd(site=SITE_B, to="qkd"))
    assert light_notes(plant) == ["OTDR light reached the receiver of bob"]
    assert plant.link.added_db() == math.inf
    plant.ends.light_off(SITE_A)
    plant.ends.patch(PatchEnd(site=SITE_B, to="qkd"))
    assert len(light_notes(plant)) == 1


def test_light_does_not_pass_a_cut_or_a_blocked_attenuator() -> None:
    plant = plant_with("otdr", "qkd")
    plant.fibre.happen(FibreCut(distance_m=9000.0))
    plant.ends.light_on(SITE_A)
    plant.ends.light_off(SITE_A)
    plant.fibre.happen(Mend())
    plant.link.set_inline_db("voa", math.inf)
    plant.ends.light_on(SITE_A)
    assert light_notes(plant) == []


def test_a_cut_that_is_mended_while_an_otdr_shines_lets_its_light_reach_the_appliance() -> None:
    plant = plant_with("otdr", "qkd")
    plant.fibre.happen(FibreCut(distance_m=9000.0))
    plant.ends.light_on(SITE_A)
    assert light_notes(plant) == []
    plant.fibre.happen(Mend())
    assert light_notes(plant) == ["OTDR light reached the receiver of bob"]
    plant.fibre.happen(FibreTemperature(temperature_c=30.0))
    assert len(light_notes(plant)) == 1


def test_a_shutter_that_opens_while_an_otdr_shines_lets_its_light_reach_the_appliance() -> None:
    plant = plant_with("otdr", "qkd")
    plant.link.set_inline_db("voa", math.inf)
    plant.ends.light_on(SITE_A)
    for loss_db in (0.0, 3.0, math.inf, 0.0):
        plant.link.set_inline_db("voa", loss_db)
    assert light_notes(plant) == ["OTDR light reached the receiver of bob"] * 2
    plant.link.set_inline_db("voa", math.inf)
    plant.ends.light_off(SITE_A)
    plant.link.set_inline_db("voa", 0.0)
    assert len(light_notes(plant)) == 2
