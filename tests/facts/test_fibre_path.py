"""The fibre's path in the inventory: mistakes are told with their place, figures that disagree as both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from drivers.facts.checked_yaml import read_checked
from drivers.facts.fibre_path import AnyPart, path_length_m, path_loss_db
from drivers.facts.fibre_types import fibre_types
from drivers.facts.inventory import Inventory
from emulators.plant.description import path_of_parts

if TYPE_CHECKING:
    from collections.abc import Callable

SHIPPED = Path(__file__).parents[2] / "inventory.yaml"
AT = "stations.paper-link.fibre"
PARTS: TypeAdapter[list[AnyPart]] = TypeAdapter(list[AnyPart])

names = st.sampled_from(sorted(fibre_types()))
lengths = st.floats(0.5, 5000.0)
losses = st.one_of(
    st.floats(0.0, 3.0), st.fixed_dictionaries({1310.0: st.floats(0, 3), 1625.0: st.floats(0, 3)})
)
reflectances = st.floats(-70.0, -14.0)
parts = st.one_of(
    st.fixed_dictionaries({"kind": st.just("span"), "fibre": names, "length_m": lengths}),
    st.fixed_dictionaries({"kind": st.just("splice"), "loss_db": losses}),
    st.fixed_dictionaries({"kind": st.just("connector"), "loss_db": losses, "reflectance_db": reflectances}),
    st.fixed_dictionaries(
        {
            "kind": st.just("patch"),
            "fibre": names,
            "length_m": lengths,
            "loss_db": losses,
            "reflectance_db": reflectances,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("bend"), "fibre": names, "radius_mm": st.floats(5.0, 40.0)}),
    st.fixed_dictionaries({"kind": st.just("loss"), "loss_db": losses}),
)


def mistakes(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """Return the mistakes of the shipped inventory after `change` was made to its fibre."""
    content = yaml.safe_load(SHIPPED.read_text())
    change(content["stations"]["paper-link"]["fibre"])
    path = tmp_path / "inventory.yaml"
    path.write_text(yaml.safe_dump(content))
    return read_checked(path, Inventory).mistakes


@given(st.lists(parts, min_size=1, max_size=8), st.sampled_from([1310.0, 1550.0, 1600.0, 1625.0]))
def test_a_list_of_parts_has_the_length_and_loss_of_the_path_that_is_built_of_it(
    content: list[dict[str, Any]], wavelength_nm: float
) -> None:
    described = PARTS.validate_python([{"kind": "span", "fibre": "G.652.D", "length_m": 10.0}, *content])
    path = path_of_parts(described)
    assert path_length_m(described) == pytest.approx(path.length_m())
    assert path_loss_db(described, wavelength_nm) == pytest.approx(path.loss_db(wavelength_nm))


def test_the_shipped_path_is_the_published_link() -> None:
    checked = read_checked(SHIPPED, Inventory)
    assert checked.value is not None
    path = checked.value.stations["paper-link"].fibre.path
    assert path is not None
    assert path_length_m(path) == pytest.approx(19_870.0)
    assert path_loss_db(path, 1550.0) == pytest.approx(12.47, abs=1e-9)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"kind": "span", "fibre": "G.699", "length_m": 5},
            "fibre: got 'G.699': no fibre type 'G.699'; known: G.6",
        ),
        ({"kind": "span", "fibre": "G.652.D", "length_m": 0}, "length_m: got 0: "),
        ({"kind": "splice", "loss_db": -0.1}, "loss_db.dB: got -0.1: "),
        ({"kind": "splice", "loss_db": {1550: -0.1}}, "loss_db.dB by nm.1550: got -0.1: "),
        ({"kind": "splice", "loss_db": {}}, "loss_db.dB by nm: got a mapping: "),
        ({"kind": "splice", "loss_db": "much"}, "loss_db.dB: got 'much': "),
        ({"kind": "connector", "loss_db": 0.3}, "reflectance_db: missing; expected a value"),
        ({"kind": "connector", "loss_db": 0.3, "reflectance_db": 50}, "reflectance_db.dB: got 50: "),
        ({"kind": "bend", "fibre": "G.652.D", "radius_mm": 3}, "radius_mm: got 3: "),
        ({"kind": "span", "fibre": "G.652.D", "length_m": 5, "colour": "red"}, "colour: unknown key; "),
    ],
)
def test_a_mistake_in_a_part_is_told_once_with_its_place(
    tmp_path: Path, part: dict[str, Any], said: str
) -> None:
    (mistake,) = mistakes(tmp_path, lambda fibre: fibre["path"].insert(4, part))
    assert mistake.startswith(f"{AT}.path.4.{said}")


def test_an_unknown_kind_of_part_is_told_with_the_known_ones(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, lambda fibre: fibre["path"].insert(4, {"kind": "slice", "loss_db": 0.1}))
    assert mistake.startswith(f"{AT}.path.4: ")
    assert "'slice'" in mistake
    assert "'splice'" in mistake


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"length_km": 25.0}, "path has 19.870 km of fibre, length_km says 25 km"),
        ({"loss_db": 13.0}, "path loses 12.47 dB at 1550 nm, loss_db says 13 dB"),
        (
            {"length_km": 5.0, "loss_db": 3.0},
            "path has 19.870 km of fibre, length_km says 5 km; path loses 12.47 dB at 1550 nm",
        ),
        ({"wavelength_nm": 1310.0}, "path loses 15.15 dB at 1310 nm, loss_db says 12.47 dB"),
        ({"wavelength_nm": 1270.0}, "no figure at 1270 nm; the table goes from 1310 to 1625 nm"),
        ({"path": []}, "path has 0.000 km of fibre, length_km says 19.87 km; "),
    ],
)
def test_figures_that_disagree_are_both_told(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (mistake,) = mistakes(tmp_path, lambda fibre: fibre.update(change))
    assert mistake.startswith(f"{AT}: got a mapping: {said}")


@pytest.mark.parametrize(
    "change", [{"length_km": 19.7}, {"length_km": 20.05}, {"loss_db": 12.4}, {"loss_db": 12.55}]
)
def test_what_two_measurements_differ_by_is_allowed(tmp_path: Path, change: dict[str, float]) -> None:
    assert mistakes(tmp_path, lambda fibre: fibre.update(change)) == []


def test_a_fibre_without_a_path_is_as_good_as_before(tmp_path: Path) -> None:
    assert mistakes(tmp_path, lambda fibre: fibre.pop("path")) == []
    assert mistakes(tmp_path, lambda fibre: (fibre.pop("path"), fibre.update(wavelength_nm=1270.0))) == []
