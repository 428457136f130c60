from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from drivers.facts.fibre_types import fibre_type
from emulators.otdr.analysis import analyse
from emulators.otdr.events import Analysis, LinkNotFoundError, link_result
from emulators.otdr.instrument import load_instrument
from emulators.otdr.sections import Thresholds
from emulators.otdr.settings import AcquisitionSettings, Trace
from emulators.otdr.trace import acquire
from emulators.plant.path import (
    Bend,
    Connector,
    Element,
    FibreEnd,
    FibreSpan,
    InlineLoss,
    OpticalPath,
    Splice,
)
from emulators.plant.sight import look
from tests.otdr.accuracy import LAUNCH_M, launched, paper_link
from tests.otdr.links import random_link

INSTRUMENT = load_instrument("viavi_smartotdr")
G652 = fibre_type("G.652.D")
A1 = fibre_type("G.657.A1")
SETTINGS = AcquisitionSettings(1550.0, 100.0, 40.0, 3.125, 30.0)
FOLDER = Path(__file__).parents[2] / "emulators" / "otdr"


def found(
    *elements: Element, far: FibreEnd | None = None, seed: int = 1, settings: AcquisitionSettings = SETTINGS
) -> Analysis:
    path = OpticalPath(elements, far=far or FibreEnd("open_pc"))
    return analyse(acquire(path, INSTRUMENT, settings, np.random.default_rng(seed)))


def test_the_analysis_knows_nothing_of_the_plant() -> None:
    """Nothing that the analysis imports leads to the path, the instrument's figures or the trace's making."""
    allowed = {
        "analysis",
        "detection",
        "events",
        "ghost_finder",
        "lines",
        "sections",
        "settings",
    }
    for name in allowed:
        tree = ast.parse((FOLDER / f"{name}.py").read_text())
        imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported += [
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        ]
        ours = {module for module in imported if module.startswith(("emulators", "drivers"))}
        # Conversions and the speed of light, which everybody knows.
        assert ours <= {f"emulators.otdr.{each}" for each in allowed} | {"drivers.facts.units"}, name


def test_plain_fibre_has_a_port_and_an_end() -> None:
    analysis = found(FibreSpan(12_345.0, G652))
    assert [event.kind for event in analysis.events] == ["port", "end"]
    end = analysis.events[-1]
    assert end.position_m == pytest.approx(12_345.0, abs=1.0)
    assert end.before is not None
    assert end.before.attenuation_db_per_km() == pytest.approx(0.195, abs=0.001)
    assert end.cumulated_db == pytest.approx(12.345 * 0.195, abs=0.01)


def test_an_open_end_far_away_is_not_clipped() -> None:
    end = found(FibreSpan(21_000.0, G652), InlineLoss(7.0), FibreSpan(1000.0, G652)).events[-1]
    assert end.reflectance_db == pytest.approx(-14.4, abs=0.2)
    assert not end.saturated


@pytest.mark.parametrize("reflectance_db", [-60.0, -50.0, -40.0, -30.0])
def test_reflectance_is_recovered(reflectance_db: float) -> None:
    analysis = found(FibreSpan(5000.0, G652), Connector(0.4, reflectance_db), FibreSpan(5000.0, G652))
    (event,) = analysis.between_ends()
    assert event.kind == "reflective"
    assert event.reflectance_db == pytest.approx(reflectance_db, abs=0.3)
    assert event.loss_db == pytest.approx(0.4, abs=0.01)
    assert not event.saturated


def test_a_clipped_peak_is_called_saturated() -> None:
    analysis = found(FibreSpan(500.0, G652), Connector(0.4, -16.0), FibreSpan(9000.0, G652))
    event = analysis.between_ends()[0]
    assert event.saturated
    assert event.reflectance_db is not None
    assert event.reflectance_db < -16.0


def test_splice_bend_and_attenuator_do_not_reflect() -> None:
    analysis = found(
        FibreSpan(3000.0, G652), Splice(0.1),
        FibreSpan(3000.0, G652), Bend(12.0, 1.0, G652),
        FibreSpan(3000.0, G652), InlineLoss(3.0),
        FibreSpan(3000.0, G652),
    )  # fmt: skip
    events = analysis.between_ends()
    assert [event.kind for event in events] == ["non_reflective"] * 3
    expected = [0.1, Bend(12.0, 1.0, G652).loss_db(1550.0, 20.0), 3.0]
    assert [event.loss_db for event in events] == [pytest.approx(loss, abs=0.02) for loss in expected]
    assert [event.position_m for event in events] == [pytest.approx(x, abs=3.0) for x in (3e3, 6e3, 9e3)]


@pytest.mark.parametrize(
    ("kind", "within_m"), [("open_pc", 1.0), ("open_apc", 5.0), ("cut", 2.0), ("terminated", 5.0)]
)
def test_every_kind_of_end_is_found(kind: str, within_m: float) -> None:
    end = FibreEnd(kind)  # pyright: ignore[reportArgumentType] - a test's parameters are strings
    analysis = found(FibreSpan(5000.0, G652), Splice(0.2), FibreSpan(6000.0, G652), far=end)
    assert analysis.length_m() == pytest.approx(11_000.0, abs=within_m)
    assert [event.kind for event in analysis.events] == ["port", "non_reflective", "end"]


def test_a_cut_link_ends_at_the_cut() -> None:
    path = launched(paper_link()).cut_at(9_000.0)
    analysis = analyse(acquire(path, INSTRUMENT, SETTINGS, np.random.default_rng(1)))
    assert analysis.length_m() == pytest.approx(9_000.0, abs=5.0)


def test_a_loss_of_less_than_the_end_threshold_is_no_end() -> None:
    analysis = found(FibreSpan(3000.0, G652), InlineLoss(10.0, -50.0), FibreSpan(3000.0, G652))
    assert [event.kind for event in analysis.events] == ["port", "reflective", "end"]
    assert analysis.between_ends()[0].loss_db == pytest.approx(10.0, abs=0.03)


def test_a_range_too_short_has_no_end() -> None:
    short = AcquisitionSettings(1550.0, 100.0, 10.0, 3.125, 30.0)
    analysis = found(FibreSpan(5000.0, G652), Splice(0.2), FibreSpan(15_000.0, G652), settings=short)
    assert analysis.end() is None
    assert np.isnan(analysis.length_m())
    assert [event.kind for event in analysis.events] == ["port", "non_reflective"]
    with pytest.raises(LinkNotFoundError, match="no end of fibre"):
        link_result(analysis, 1000.0, 1000.0)


def test_fibre_that_fades_into_the_noise_has_no_end() -> None:
    weak = AcquisitionSettings(1550.0, 10.0, 80.0, 6.25, 5.0)
    analysis = found(FibreSpan(78_000.0, G652), settings=weak)
    assert analysis.end() is None


def test_a_ghost_is_called_one() -> None:
    """Two bad connectors 1 km apart: light goes to and fro between them; behind them that is no event."""
    analysis = found(
        FibreSpan(2000.0, G652), Connector(0.3, -18.0), FibreSpan(1000.0, G652), Connector(0.3, -18.0),
        FibreSpan(6000.0, G652),
    )  # fmt: skip
    kinds = [(round(event.position_m / 1000.0), event.kind) for event in analysis.events]
    assert kinds == [
        (0, "port"), (2, "reflective"), (3, "reflective"), (4, "ghost"), (9, "end"),
    ]  # fmt: skip
    assert [round(event.position_m / 1000.0) for event in analysis.between_ends()] == [2, 3]


def test_a_real_connector_at_twice_the_distance_is_no_ghost() -> None:
    analysis = found(
        FibreSpan(3000.0, G652), Connector(0.3, -50.0), FibreSpan(3000.0, G652), Connector(0.3, -45.0),
        FibreSpan(3000.0, G652),
    )  # fmt: skip
    assert [event.kind for event in analysis.between_ends()] == ["reflective", "reflective"]


def test_return_loss_by_integration() -> None:
    path = launched(paper_link())
    analysis = analyse(acquire(path, INSTRUMENT, SETTINGS, np.random.default_rng(1)))
    assert analysis.orl_db == pytest.approx(look(path, 1550.0).orl_db(), abs=0.1)


def test_an_event_in_the_dead_zone_is_counted_with_the_one_before() -> None:
    short = AcquisitionSettings(1550.0, 10.0, 10.0, 3.125, 30.0)
    analysis = found(
        FibreSpan(2000.0, G652), Connector(0.3, -45.0), FibreSpan(4.0, G652), Connector(0.4, -45.0),
        FibreSpan(3000.0, G652), settings=short,
    )  # fmt: skip
    first, second = analysis.between_ends()
    assert second.position_m - first.position_m == pytest.approx(4.0, abs=0.7)
    assert first.loss_db == pytest.approx(0.7, abs=0.03)
    assert second.loss_db is None


@pytest.mark.parametrize("reflectance_db", [-55.0, -45.0, -35.0])
@pytest.mark.parametrize("cord_m", [8.0, 8.5, 9.0, 10.0, 11.0, 12.0, 16.0, 18.0, 20.0])
def test_a_cord_of_about_a_pulse_has_the_loss_of_both_its_connectors(
    cord_m: float, reflectance_db: float
) -> None:
    """100 ns are 10 m: the second rise hides in the first fall, or the cord is all recovery."""
    connector = Connector(0.6, reflectance_db)
    analysis = found(
        FibreSpan(3000.0, G652), connector, FibreSpan(cord_m, G652), connector,
        FibreSpan(5000.0, G652), Connector(0.3, -50.0), FibreSpan(1000.0, G652),
    )  # fmt: skip
    first, *_, last = analysis.between_ends()
    of_cord = [event.loss_db for event in analysis.between_ends() if event is not last]
    assert first.position_m == pytest.approx(3000.0, abs=1.0)
    assert sum(loss_db for loss_db in of_cord if loss_db is not None) == pytest.approx(1.2, abs=0.01)
    assert last.cumulated_db == pytest.approx(1.2 + (8.0 + cord_m / 1000.0) * 0.195, abs=0.01)
    if len(of_cord) > 1:
        # Where only both together are known, none of the two is said to be known alone.
        assert first.after is None
        assert of_cord[1:] == [None]


def test_echoes_behind_the_end_are_not_the_end() -> None:
    """Long pulse, open end: its echo from the launch connector stands in the receiver's recovery."""
    long = AcquisitionSettings(1310.0, 3000.0, 40.0, 6.25, 180.0, 1.4675, -79.0)
    analysis = found(
        FibreSpan(1000.0, G652), Connector(0.3, -35.0), FibreSpan(12_000.0, G652), settings=long
    )  # fmt: skip
    assert analysis.length_m() == pytest.approx(13_000.0, abs=long.pulse_m() / 2.0)


@pytest.mark.parametrize("seed", range(12))
def test_any_setting_and_any_link_gives_an_answer(seed: int) -> None:
    """Pulses longer than spans, ranges shorter than the link, no averaging: events in order, or no end."""
    draw = np.random.default_rng(seed)
    settings = AcquisitionSettings(
        wavelength_nm=float(draw.choice([1310.0, 1490.0, 1550.0, 1625.0])),
        pulse_ns=float(draw.choice(INSTRUMENT.pulse_widths_ns)),
        range_km=float(draw.choice(INSTRUMENT.ranges_km[:4])),
        sampling_ns=float(draw.choice([3.125, 6.25])),
        averaging_s=float(draw.choice([1.0, 10.0, 180.0])),
    )
    path = launched(random_link(draw, shortest_m=5.0))
    analysis = analyse(acquire(path, INSTRUMENT, settings, draw))
    positions_m = [event.position_m for event in analysis.events]
    assert positions_m == sorted(positions_m)
    assert analysis.events[0].kind == "port"
    assert analysis.end() is None or analysis.length_m() < 1000.0 * settings.range_km


def test_a_pulse_longer_than_the_fibre_still_gives_an_answer() -> None:
    long = AcquisitionSettings(1550.0, 10_000.0, 10.0, 3.125, 10.0)
    analysis = found(FibreSpan(700.0, G652), Connector(0.3, -30.0), FibreSpan(900.0, G652), settings=long)
    assert analysis.events[0].kind == "port"


def test_a_launch_fibre_without_its_connector_is_told() -> None:
    analysis = found(FibreSpan(5000.0, G652), Connector(0.3, -50.0), FibreSpan(5000.0, G652))
    with pytest.raises(LinkNotFoundError, match="launch fibre"):
        link_result(analysis, LAUNCH_M, LAUNCH_M)


def test_thresholds_decide_what_is_reported() -> None:
    path = OpticalPath((FibreSpan(4000.0, G652), Splice(0.1), FibreSpan(5000.0, G652)))
    trace = acquire(path, INSTRUMENT, SETTINGS, np.random.default_rng(1))
    assert len(analyse(trace).between_ends()) == 1
    assert analyse(trace, Thresholds(loss_db=0.15)).between_ends() == ()


def test_the_noise_is_estimated_from_the_trace() -> None:
    from emulators.otdr.receiver import noise_rms

    analysis = found(FibreSpan(20_000.0, G652))
    assert analysis.noise_rms == pytest.approx(noise_rms(INSTRUMENT, SETTINGS), rel=0.15)


def test_a_trace_without_points_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="at least 512 points"):
        analyse(Trace(SETTINGS, np.full(100, -30.0), -10.0))
