from __future__ import annotations

import math

import pytest

from drivers.facts.fibre_types import fibre_figures, fibre_type, fibre_types
from drivers.facts.figures import FigureError, Spectrum
from emulators.plant.description import path_from
from emulators.plant.path import (
    Bend,
    Connector,
    FibreEnd,
    FibreSpan,
    InlineLoss,
    OpticalPath,
    Splice,
)
from emulators.plant.sight import look
from tests.otdr.accuracy import paper_link

G652 = fibre_type("G.652.D")
A1 = fibre_type("G.657.A1")
A2 = fibre_type("G.657.A2")


def test_the_paper_link_has_the_published_length_and_loss() -> None:
    path = path_from(paper_link())
    assert path.length_m() == pytest.approx(19_870.0)
    assert path.loss_db(1550.0) == pytest.approx(12.47, abs=1e-9)


def test_the_paper_link_has_seven_hops() -> None:
    """Seven stretches between eight places with connectors, in fibres of both kinds that the paper names."""
    parts = paper_link()
    places = [part for part in parts if part["kind"] in {"connector", "patch"}]
    assert len(places) - 1 == 7
    assert (parts[0]["kind"], parts[-1]["kind"]) == ("connector", "connector")
    assert {part["fibre"] for part in parts if "fibre" in part} == {"G.652.D", "G.657.A1"}


def test_every_figure_says_where_it_comes_from() -> None:
    for name, figures in fibre_figures().items():
        for field in ("attenuation_db_per_km", "group_index", "backscatter_db"):
            by_wavelength = getattr(figures, field)
            assert set(by_wavelength) == {1310.0, 1490.0, 1550.0, 1625.0}, (name, field)
            assert all(figure.source for figure in by_wavelength.values())


@pytest.mark.parametrize("name", ["G.652.D", "G.657.A1", "G.657.A2"])
def test_fibre_attenuates_and_scatters_as_single_mode_fibre_does(name: str) -> None:
    fibre = fibre_types()[name]
    attenuation = [fibre.attenuation_at(nm, 20.0) for nm in (1310.0, 1490.0, 1550.0, 1625.0)]
    assert attenuation[0] == max(attenuation)
    assert attenuation[2] == min(attenuation)
    scatter = fibre.backscatter_db.values
    assert list(scatter) == sorted(scatter, reverse=True)


def test_losses_add_up() -> None:
    path = OpticalPath(
        (FibreSpan(2000.0, G652), Splice(0.05), Connector(0.3, -50.0), InlineLoss(3.0), FibreSpan(1000.0, A1))
    )
    assert path.loss_db(1550.0) == pytest.approx(2 * 0.195 + 0.05 + 0.3 + 3.0 + 0.19)
    assert path.length_m() == 3000.0


def test_a_bend_leaks_more_at_long_wavelengths_and_small_radii() -> None:
    losses = [Bend(10.0, 1.0, A1).loss_db(nm, 20.0) for nm in (1310.0, 1490.0, 1550.0, 1625.0)]
    assert losses == sorted(losses)
    assert losses[2] == pytest.approx(0.75)
    assert Bend(15.0, 10.0, A1).loss_db(1550.0, 20.0) == pytest.approx(0.25)
    assert Bend(7.5, 1.0, A1).loss_db(1550.0, 20.0) > 0.75
    assert Bend(10.0, 1.0, A2).loss_db(1550.0, 20.0) < Bend(10.0, 1.0, G652).loss_db(1550.0, 20.0)
    with pytest.raises(FigureError, match="radius 3 mm"):
        Bend(3.0, 1.0, A1).loss_db(1550.0, 20.0)


def test_warm_fibre_is_longer_in_time_and_hardly_more_lossy() -> None:
    path = OpticalPath((FibreSpan(20_000.0, G652),))
    warm = path.at_temperature(50.0)
    delays_ns = [look(each, 1550.0).stretches[-1].end_ns for each in (path, warm)]
    assert delays_ns[1] / delays_ns[0] - 1.0 == pytest.approx(30 * 6.7e-6, rel=1e-6)
    assert 0.0 < warm.loss_db(1550.0) - path.loss_db(1550.0) < 0.1
    assert warm.length_m() == path.length_m()


def test_a_path_from_its_other_end() -> None:
    path = OpticalPath((FibreSpan(10.0, G652), Splice(0.1), FibreSpan(20.0, A1)), far=FibreEnd("cut"))
    back = path.reversed()
    assert back.elements == path.elements[::-1]
    assert (back.far.kind, back.near.kind) == ("open_pc", "cut")
    assert back.loss_db(1550.0) == pytest.approx(path.loss_db(1550.0))


def test_a_cut_ends_the_path_where_it_is() -> None:
    path = OpticalPath((FibreSpan(1000.0, G652), Splice(0.1), FibreSpan(2000.0, A1), Splice(0.2)))
    cut = path.cut_at(1500.0)
    assert cut.length_m() == pytest.approx(1500.0)
    assert (cut.far.kind, len(cut.elements)) == ("cut", 3)
    with pytest.raises(ValueError, match="outside"):
        path.cut_at(3000.0)


def test_what_is_not_possible_is_refused() -> None:
    with pytest.raises(ValueError, match="length_m"):
        FibreSpan(0.0, G652)
    with pytest.raises(ValueError, match="at least one span"):
        OpticalPath((Splice(0.1),))
    with pytest.raises(ValueError, match="reflectance"):
        Connector(0.3, 5.0).reflectance_db(1550.0)
    with pytest.raises(FigureError, match="known: G"):
        fibre_type("G.699")
    with pytest.raises(FigureError, match="1700 nm"):
        G652.group_index.at(1700.0)


def test_a_spectrum_is_straight_between_its_points() -> None:
    spectrum = Spectrum((1310.0, 1550.0), (0.4, 0.2))
    assert spectrum.at(1430.0) == pytest.approx(0.3)
    assert (spectrum.at(1310.0), spectrum.at(1550.0)) == (0.4, 0.2)
    for wavelengths, values in (((1550.0, 1310.0), (1.0, 2.0)), ((1310.0,), (1.0, 2.0)), ((), ())):
        with pytest.raises(FigureError):
            Spectrum(wavelengths, values)


def test_a_description_may_give_losses_by_wavelength() -> None:
    path = path_from(
        [
            {"kind": "span", "fibre": "G.652.D", "length_m": 100.0},
            {"kind": "loss", "loss_db": {1310: 1.0, 1550: 2.0}, "reflectance_db": {1310: -50, 1550: -40}},
            {"kind": "bend", "fibre": "G.657.A1", "radius_mm": 10.0},
        ]
    )
    assert path.loss_db(1550.0) - path.loss_db(1310.0) == pytest.approx(1.0 + 0.74 - 0.0135, abs=1e-6)
    assert look(path, 1550.0).reflectors[0].reflectance_db == -40.0


def test_a_patch_is_a_cord_between_two_connectors() -> None:
    patch = {"kind": "patch", "fibre": "G.657.A1", "length_m": 3.0, "loss_db": 0.4, "reflectance_db": -50.0}
    path = path_from([patch])
    assert path.elements == (Connector(0.4, -50.0), FibreSpan(3.0, A1), Connector(0.4, -50.0))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"kind": "splice", "loss_db": -0.1}, "0.splice.loss_db"),
        ({"kind": "slice", "loss_db": 0.1}, "does not match any of the expected tags"),
        ({"kind": "connector", "loss_db": 0.1, "reflectance_db": 3}, "0.connector.reflectance_db"),
        ({"kind": "span", "fibre": "G.652.D", "length_m": math.inf}, "0.span.length_m"),
        ({"kind": "splice", "loss_db": 0.1, "colour": "red"}, "0.splice.colour"),
        ({"kind": "splice", "loss_db": 0.1}, "no span of fibre"),
    ],
)
def test_mistakes_of_a_description_are_named(part: dict[str, object], words: str) -> None:
    with pytest.raises(FigureError, match=words):
        path_from([part])


def test_return_loss_of_plain_fibre_and_of_an_open_end() -> None:
    """A matched end leaves only backscatter: K + 10 log10 of the light's own decay, known in closed form."""
    span = FibreSpan(10_000.0, G652)
    dark = look(OpticalPath((span,), far=FibreEnd("terminated", -150.0)), 1550.0)
    neper_per_ns = dark.stretches[0].neper_per_ns
    expected = 10.0 ** (-8.1) * (1.0 - 10.0 ** (-2 * 1.95 / 10.0)) / neper_per_ns
    assert dark.orl_db() == pytest.approx(-10.0 * math.log10(expected), abs=1e-6)
    bare = look(OpticalPath((FibreSpan(1.0, G652),), far=FibreEnd("open_pc")), 1550.0)
    assert bare.orl_db() == pytest.approx(14.4, abs=0.01)
