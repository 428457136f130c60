"""An emulated attenuator's own errors: the same for all who look, within what its maker states."""

from __future__ import annotations

import asyncio
import math
from dataclasses import fields
from statistics import stdev
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drivers.facts.defects import MvoaDefects
from drivers.facts.figures import FigureError
from drivers.facts.gear import CalibrationSource
from emulators.attenuators import mvoa_profile as profiles
from emulators.attenuators.mvoa_profile import MvoaProfile, mvoa_profile
from emulators.attenuators.power_meter import LightSource
from emulators.attenuators.true_attenuation import TrueAttenuation, drawn_attenuation
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.lab.clock import LabClock
from emulators.lab.streams import Streams
from emulators.plant.link import Link

if TYPE_CHECKING:
    from pathlib import Path

ACCURACY_DB = 0.05
SOURCE = CalibrationSource(power_dbm=0.0, wavelength_nm=1550.0, uncertainty_db=0.1, source="test")


def drawn(seed: int = 1, gear: str = "voa", repeatability_db: float | None = None) -> TrueAttenuation:
    return drawn_attenuation(gear, mvoa_profile(), Streams(seed), repeatability_db)


@given(setting_db=st.floats(0.0, 70.0), visit=st.integers(0, 10_000), is_from_below=st.booleans())
def test_a_visit_has_one_value_however_often_and_by_whomever_it_is_asked(
    setting_db: float, visit: int, is_from_below: bool
) -> None:
    values = {
        device.attenuation_db(setting_db, is_from_below=is_from_below, visit=visit)
        for device in (drawn(), drawn())
        for _ in range(2)
    }
    assert len(values) == 1


@given(seed=st.integers(0, 10_000), visit=st.integers(0, 1000), is_from_below=st.booleans())
def test_up_to_15_db_it_stays_within_its_accuracy(seed: int, visit: int, is_from_below: bool) -> None:
    device = drawn(seed)
    for setting_db in (0.5, 3.0, 5.0, 7.0, 8.0, 10.0, 12.0, 15.0):
        true_db = device.attenuation_db(setting_db, is_from_below=is_from_below, visit=visit)
        assert abs(true_db - setting_db) < ACCURACY_DB


@given(visit=st.integers(0, 1000), is_from_below=st.booleans())
def test_the_zero_setting_is_a_stop(visit: int, is_from_below: bool) -> None:
    assert drawn().attenuation_db(0.0, is_from_below=is_from_below, visit=visit) == 0.0
    least = drawn(repeatability_db=1.0).attenuation_db(0.001, is_from_below=is_from_below, visit=visit)
    assert least >= 0.0


def test_devices_and_seeds_differ_and_visits_scatter_as_the_profile_says() -> None:
    def at(device: TrueAttenuation, visit: int = 1) -> float:
        return device.attenuation_db(10.0, is_from_below=True, visit=visit)

    assert len({at(drawn(1)), at(drawn(2)), at(drawn(1, "other"))}) == 3
    for repeatability_db, expected_db in ((None, mvoa_profile().repeatability_db), (0.05, 0.05)):
        device = drawn(repeatability_db=repeatability_db)
        assert stdev(at(device, visit) for visit in range(500)) == pytest.approx(expected_db, rel=0.2)


def test_a_setting_reached_from_below_attenuates_less() -> None:
    device = drawn(repeatability_db=0.0)
    below, above = (device.attenuation_db(10.0, is_from_below=side, visit=1) for side in (True, False))
    assert above - below == pytest.approx(mvoa_profile().hysteresis_db)


class Device:
    """An emulated mVOA without a lab, on a clock that the test moves."""

    def __init__(self, defects: MvoaDefects | None = None) -> None:
        self.clock = LabClock("virtual", 1000.0)
        self.link = Link(self.clock.now_s, 1550.0)
        true_attenuation = drawn(repeatability_db=None if defects is None else defects.repeatability_db)
        self.voa = EmulatedMvoa("voa", self.link, self.clock, defects or MvoaDefects(), true_attenuation)
        self.voa.handle(":OUTP:BBL 1,0")

    async def go_to(self, setting_db: float) -> float:
        """Set an attenuation and return what it takes off the light once it has settled."""
        self.voa.handle(f":OUTP:ATT 1,{setting_db}")
        await self.clock.wait_until(self.clock.now_s() + 1.0)
        assert self.voa.handle(":BUSY?") == "0"
        return self.voa.loss_db(1550.0)


def test_the_link_has_what_the_meter_sees() -> None:
    async def visit() -> None:
        device = Device()
        for setting_db in (0.0, 5.0, 10.0, 5.0, 0.0):
            loss_db = await device.go_to(setting_db)
            assert device.link.added_db() == loss_db
            assert loss_db == pytest.approx(setting_db, abs=ACCURACY_DB)
            assert (loss_db == setting_db) is (setting_db == 0.0)

    asyncio.run(visit())


def test_a_setting_that_is_set_again_moves_nothing() -> None:
    async def visit() -> None:
        device = Device()
        first = await device.go_to(7.0)
        assert await device.go_to(7.0) == first
        assert await device.go_to(8.0) != first
        assert await device.go_to(7.0) != first

    asyncio.run(visit())


def test_a_blocked_shutter_stays_blocked_if_it_is_stuck() -> None:
    device = Device(MvoaDefects(shutter_stuck=True))
    assert device.voa.handle(":OUTP:BBL? 1") == "1"
    assert device.voa.loss_db(1550.0) == math.inf


def test_the_error_of_a_wavelength_counts_for_the_light_that_is_asked_about() -> None:
    async def visit() -> None:
        device = Device()
        await device.go_to(10.0)
        here, there = device.voa.loss_db(1550.0), device.voa.loss_db(1310.0)
        slope = mvoa_profile().wavelength_slope_per_nm
        assert there / here == pytest.approx(1.0 + slope * 240.0)

    asyncio.run(visit())


@given(seed=st.integers(0, 1000), t_s=st.floats(0.0, 1e6), mating=st.integers(1, 50))
def test_a_source_is_within_its_uncertainty_its_drift_and_its_connector(
    seed: int, t_s: float, mating: int
) -> None:
    profile = mvoa_profile()
    power_dbm = LightSource("voa", SOURCE, profile, Streams(seed)).power_dbm(t_s, mating)
    reach_db = SOURCE.uncertainty_db + profile.source_drift_db
    assert -reach_db - profile.mating_db <= power_dbm <= reach_db


def test_each_plugging_loses_something_else_and_always_the_same() -> None:
    source = LightSource("voa", SOURCE, mvoa_profile(), Streams(3))
    powers = [source.power_dbm(5.0, mating) for mating in (1, 2, 3)]
    assert len(set(powers)) == 3
    assert powers == [source.power_dbm(5.0, mating) for mating in (1, 2, 3)]


def test_every_figure_of_the_profile_has_a_standing_and_a_source() -> None:
    figures = yaml.safe_load(profiles.FILE.read_text())["figures"]
    assert set(figures) == {field.name for field in fields(MvoaProfile)}
    assert all(figure["status"] == "assumed" and figure["source"] for figure in figures.values())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hysteresis_db:", "histeresis_db:", "hysteresis_db"),
        ("status: assumed", "status: guessed", "status"),
        ("value: 0.003", "value: .nan", "hysteresis_db"),
    ],
)
def test_mistakes_in_the_profile_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, told: str
) -> None:
    path = tmp_path / "mvoa_profile.yaml"
    path.write_text(profiles.FILE.read_text().replace(old, new, 1))
    monkeypatch.setattr(profiles, "FILE", path)
    with pytest.raises(FigureError, match=told):
        mvoa_profile.__wrapped__()
