"""What every attenuator must do, whatever its wire: one suite, run by each emulated kind and by a real one.

The first part knows the role alone, and runs on a lab (see `rigs`). The second also looks at the emulated
light and spoils the wire.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from drivers.errors import ConnectionLost, DeviceError, GearError, LimitError, NotHomed, TransportError
from drivers.roles import Attenuator
from tests.attenuators.rigs import EMULATED, EVERY, LIGHT, EmulatedRig, LightRig, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from drivers.facts.lab import FaultAction
    from tests.attenuators.rigs import Rig

READBACK_DB = 0.05
"""How far a reading may be from its setting: a motor step, and far below what any acceptance limit allows."""

SPOILED: list[FaultAction] = ["silence", "half_reply", "garbage", "drop", "delay"]


@pytest.fixture(params=EVERY)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Rig]:
    rig = EVERY[request.param](tmp_path)
    yield rig
    rig.close()


@pytest.fixture(params=EMULATED)
def make_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callable[[Wrong], EmulatedRig]]:
    rigs: list[EmulatedRig] = []

    def make(wrong: Wrong) -> EmulatedRig:
        rigs.append(EMULATED[request.param](tmp_path, wrong))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture(params=LIGHT)
def make_light(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callable[[Wrong], LightRig]]:
    rigs: list[LightRig] = []

    def make(wrong: Wrong) -> LightRig:
        rigs.append(LIGHT[request.param](tmp_path, wrong))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def makes_db(voa: Attenuator, wanted_db: float) -> float:
    """Return `wanted_db`, or what the attenuator makes nearest to it."""
    if voa.spec.values_db is None:
        return wanted_db
    return min(voa.spec.values_db, key=lambda value_db: abs(value_db - wanted_db))


@pytest.fixture
def emulated(make_rig: Callable[[Wrong], EmulatedRig]) -> EmulatedRig:
    rig = make_rig(Wrong())
    rig.voa.set_attenuation_db(0)
    rig.voa.set_shutter_open(is_open=True)
    return rig


# --- the role alone


def test_it_fills_the_role(rig: Rig) -> None:
    assert isinstance(rig.voa, Attenuator)


def test_it_says_who_it_is(rig: Rig) -> None:
    identity = rig.voa.identity()
    assert all((identity.vendor, identity.model, identity.serial, identity.firmware))


def test_its_limits_make_sense(rig: Rig) -> None:
    spec = rig.voa.spec
    assert 0 == spec.min_db < spec.max_db < 100
    assert 0 < spec.resolution_db < 1
    assert 0 <= spec.readback_db < 1
    assert 0 <= spec.insertion_loss_db < 10
    assert 1200 < spec.min_wavelength_nm <= spec.max_wavelength_nm < 1700


def test_it_reads_back_what_was_set_up_and_down_and_twice(rig: Rig) -> None:
    maximum_db = rig.voa.spec.max_db
    for wanted_db in (0.0, 3.0, 12.0, 12.0, maximum_db, 0.5, 7.77, 0.0):
        setting_db = makes_db(rig.voa, wanted_db)
        rig.voa.set_attenuation_db(setting_db)
        assert rig.voa.attenuation_db() == pytest.approx(setting_db, abs=READBACK_DB)
        assert abs(rig.voa.attenuation_db() - setting_db) <= rig.voa.spec.readback_db + 1e-9


def test_it_knows_how_well_it_is_known(rig: Rig) -> None:
    rig.voa.set_attenuation_db(makes_db(rig.voa, 10))
    assert 0 < rig.voa.uncertainty_db() < 1


def test_zero_is_zero(rig: Rig) -> None:
    rig.voa.set_attenuation_db(makes_db(rig.voa, 5))
    rig.voa.set_attenuation_db(0)
    assert abs(rig.voa.attenuation_db()) <= rig.voa.spec.resolution_db


@pytest.mark.parametrize("beyond_db", [-0.01, -1.5, math.nan, math.inf, -math.inf, None])
def test_a_setting_that_it_cannot_make_is_refused_and_changes_nothing(
    rig: Rig, beyond_db: float | None
) -> None:
    rig.voa.set_attenuation_db(makes_db(rig.voa, 4))
    before_db = rig.voa.attenuation_db()
    with pytest.raises(LimitError):
        rig.voa.set_attenuation_db(rig.voa.spec.max_db + 0.01 if beyond_db is None else beyond_db)
    assert rig.voa.attenuation_db() == before_db


def test_the_wavelength_is_set_within_its_limits_and_read_back(rig: Rig) -> None:
    spec = rig.voa.spec
    middle_nm = (spec.min_wavelength_nm + spec.max_wavelength_nm) / 2
    for wavelength_nm in (spec.min_wavelength_nm, spec.max_wavelength_nm, middle_nm):
        rig.voa.set_wavelength_nm(wavelength_nm)
        assert rig.voa.wavelength_nm() == pytest.approx(wavelength_nm, abs=1)


@pytest.mark.parametrize("outside_nm", [-1.0, math.nan, None])
def test_a_wavelength_outside_is_refused(rig: Rig, outside_nm: float | None) -> None:
    before_nm = rig.voa.wavelength_nm()
    with pytest.raises(LimitError):
        rig.voa.set_wavelength_nm(rig.voa.spec.max_wavelength_nm + 0.1 if outside_nm is None else outside_nm)
    assert rig.voa.wavelength_nm() == before_nm


def test_the_shutter_blocks_or_the_attenuator_says_that_it_has_none(rig: Rig) -> None:
    if rig.voa.spec.has_shutter:
        rig.voa.set_shutter_open(is_open=False)
        assert rig.voa.shutter_open() is False
    else:
        with pytest.raises(LimitError, match="no shutter"):
            rig.voa.set_shutter_open(is_open=False)
    rig.voa.set_shutter_open(is_open=True)
    assert rig.voa.shutter_open() is True


def test_after_closing_the_next_call_connects_anew(rig: Rig) -> None:
    setting_db = makes_db(rig.voa, 2)
    rig.voa.set_attenuation_db(setting_db)
    rig.voa.close()
    rig.voa.close()
    assert rig.voa.attenuation_db() == pytest.approx(setting_db, abs=READBACK_DB)


# --- the light, and a wire that fails


def test_a_setting_has_settled_in_the_light_when_it_returns(emulated: EmulatedRig) -> None:
    for setting_db in (5.0, 40.0, 1.0, 0.0):
        emulated.voa.set_attenuation_db(setting_db)
        at_return_db = emulated.link.added_db()
        assert at_return_db == pytest.approx(setting_db, abs=READBACK_DB)
        assert at_return_db == pytest.approx(emulated.voa.attenuation_db(), abs=0.01)
        emulated.clock.sleep(30)
        assert emulated.link.added_db() == at_return_db


def test_a_movement_takes_lab_time_and_the_light_passes_what_lies_between(emulated: EmulatedRig) -> None:
    started_s = emulated.clock.now_s()
    emulated.voa.set_attenuation_db(20)
    ended_s = emulated.clock.now_s()
    assert ended_s - started_s > 0.1
    losses_db = [segment.added_db for segment in emulated.link.segments(started_s, ended_s)]
    assert losses_db == sorted(losses_db)
    assert any(0 < loss_db < 20 for loss_db in losses_db)


def test_a_refused_value_is_never_on_the_wire(emulated: EmulatedRig) -> None:
    emulated.lab.inject("drop", count=None)
    with pytest.raises(LimitError):
        emulated.voa.set_attenuation_db(-0.01)
    with pytest.raises(LimitError):
        emulated.voa.set_wavelength_nm(100)


@pytest.mark.parametrize("action", SPOILED)
@pytest.mark.parametrize("first", [1, 2])
def test_a_spoiled_reading_is_an_error_or_right_and_the_next_is_right(
    emulated: EmulatedRig, action: FaultAction, first: int
) -> None:
    emulated.voa.set_attenuation_db(12)
    # A reading may take several exchanges.
    emulated.lab.inject(action, first=first, value=2.0)
    with emulated.clock.impatient():
        try:
            spoiled_db = emulated.voa.attenuation_db()
        except GearError:
            spoiled_db = None
    # Where one exchange makes a reading, the second is the next reading's.
    assert spoiled_db is None or (spoiled_db == 12 and first == 2)
    emulated.clock.sleep(60)
    emulated.lab.faults.clear()
    assert emulated.voa.attenuation_db() == 12


@pytest.mark.parametrize("action", ["drop", "device_error"])
def test_a_setting_that_was_not_done_is_never_taken_for_done(
    emulated: EmulatedRig, action: FaultAction
) -> None:
    emulated.voa.set_attenuation_db(3)
    emulated.lab.inject(action, match=emulated.setting, value=-7)
    with pytest.raises((ConnectionLost, DeviceError)) as caught:
        emulated.voa.set_attenuation_db(9)
    assert emulated.setting in caught.value.command or action == "drop"
    assert emulated.voa.attenuation_db() == 3
    assert emulated.link.added_db() == pytest.approx(3)
    emulated.voa.set_attenuation_db(9)
    assert emulated.voa.attenuation_db() == pytest.approx(9, abs=READBACK_DB)


def test_a_setting_whose_answer_was_lost_is_an_error_and_can_be_made_again(emulated: EmulatedRig) -> None:
    emulated.voa.set_attenuation_db(3)
    emulated.lab.inject("silence", count=None)
    with emulated.clock.impatient(), pytest.raises(TransportError):
        emulated.voa.set_attenuation_db(9)
    emulated.lab.faults.clear()
    emulated.voa.set_attenuation_db(9)
    assert emulated.voa.attenuation_db() == pytest.approx(9, abs=READBACK_DB)
    assert emulated.link.added_db() == pytest.approx(9, abs=READBACK_DB)


def test_a_device_that_is_gone_is_a_lost_connection_and_found_again(emulated: EmulatedRig) -> None:
    emulated.unplug()
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="voa"):
            emulated.voa.attenuation_db()
    with pytest.raises(ConnectionLost, match="voa"):
        emulated.reopen()
    emulated.restart()
    emulated.voa.set_attenuation_db(6)
    assert emulated.voa.attenuation_db() == pytest.approx(6, abs=READBACK_DB)


def test_a_device_that_was_switched_off_and_on_is_not_taken_for_what_it_was(emulated: EmulatedRig) -> None:
    emulated.voa.set_attenuation_db(12)
    emulated.restart()
    try:
        reads_as_before = emulated.voa.attenuation_db() == 12
    except NotHomed:
        reads_as_before = False
    assert not (reads_as_before and emulated.voa.shutter_open())
    emulated.voa.set_attenuation_db(12)
    emulated.voa.set_shutter_open(is_open=True)
    assert emulated.link.added_db() == pytest.approx(12, abs=READBACK_DB)


def test_the_light_is_within_the_uncertainty_of_the_reading(make_light: Callable[[Wrong], LightRig]) -> None:
    rig = make_light(Wrong())
    rig.voa.set_shutter_open(is_open=True)
    for wanted_db in (10.0, 3.0, 15.0, 0.0):
        rig.voa.set_attenuation_db(makes_db(rig.voa, wanted_db))
        distance_db = abs(rig.link.added_db() - rig.voa.attenuation_db())
        assert distance_db <= rig.voa.uncertainty_db() + 1e-9


def test_a_wrong_scale_is_in_the_light_alone(make_light: Callable[[Wrong], LightRig]) -> None:
    rig = make_light(Wrong(scale=0.8))
    rig.voa.set_shutter_open(is_open=True)
    rig.voa.set_attenuation_db(10)
    assert rig.voa.attenuation_db() == 10
    assert rig.link.added_db() == pytest.approx(8, abs=rig.voa.uncertainty_db())


def test_a_stuck_one_reads_back_and_the_light_stays(make_light: Callable[[Wrong], LightRig]) -> None:
    rig = make_light(Wrong(stuck=True))
    rig.voa.set_shutter_open(is_open=True)
    before_db = rig.link.added_db()
    rig.voa.set_attenuation_db(10)
    assert rig.voa.attenuation_db() == 10
    assert rig.link.added_db() == before_db


def test_one_that_breaks_refuses_and_stays_where_it_was(make_rig: Callable[[Wrong], EmulatedRig]) -> None:
    rig = make_rig(Wrong(breaks_at_db=8))
    rig.voa.set_attenuation_db(7)
    with pytest.raises(DeviceError):
        rig.voa.set_attenuation_db(8)
    assert rig.voa.attenuation_db() == 7
