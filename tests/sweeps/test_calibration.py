"""The calibration on an emulated lab: what is taken, in which order, what is asked, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drivers.attenuators.viavi_mvoa import ViaviMvoa
from drivers.errors import BenchError, DeviceError, LimitError, RecordError, StationError, Underload
from drivers.facts.inventory import CalibrationPlan
from emulators.attenuators.mvoa_profile import mvoa_profile
from emulators.attenuators.true_attenuation import drawn_attenuation
from emulators.lab.streams import Streams
from hil_tests.measure.calibration import seen_attenuations
from hil_tests.run_data import read_run
from sweeps.choice import choose
from sweeps.procedures import calibration
from sweeps.procedures.calibration import round_settings_db
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import Silent
from sweeps.record.measured_rows import power_readings
from sweeps.record.run_record import RunRecord
from sweeps.running.run import run_procedure
from tests.acceptance.benches import write_inventory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sweeps.choice import Choice
    from sweeps.record.schema import PowerReading

VOA = "gear.voa"
SMOKE_ROUND = [0.0, 5.0, 10.0, 10.0, 5.0, 0.0]
TO_SOURCE_AND_BACK = [
    "voa: output connected to nothing",
    "voa: input connected to source",
    "voa: input connected to link",
    "voa: output connected to link",
]


def choice_of(folder: Path, changes: Mapping[str, Any] | None = None, **plan: Any) -> Choice:  # noqa: ANN401 - of a plan
    """Return the plan `smoke` on the shipped station, with both changed."""
    folder.mkdir(exist_ok=True)
    path = write_inventory(folder, changes or {})
    content = yaml.safe_load(path.read_text())
    content["plans"]["smoke"].update(plan)
    path.write_text(yaml.safe_dump(content))
    return choose(path, None, "smoke", "emulator", 1)


def calibrate(choice: Choice, folder: Path) -> list[PowerReading]:
    run_procedure(choice, PROCEDURES["calibration"], folder, Silent())
    with RunRecord.open(folder, is_read_only=True) as run:
        return power_readings(run)


def texts(folder: Path, kind: str) -> list[str]:
    with RunRecord.open(folder, is_read_only=True) as run:
        return [event.text for event in run.events() if event.kind == kind]


def refused(choice: Choice, folder: Path, error: type[BenchError], match: str) -> None:
    """Expect a refusal before anything was asked or moved."""
    with pytest.raises(error, match=match):
        calibrate(choice, folder)
    assert texts(folder, "operator asked") == []
    wires = (folder / "artefacts" / "wires.log").read_text()
    before_safe_state = wires.partition(":OUTP:ATT 1")[0]
    assert ":OUTP:WAV 1" not in wires
    assert ":OUTP:BBL 1" not in before_safe_state
    with RunRecord.open(folder, is_read_only=True) as run:
        assert power_readings(run) == []


@given(st.lists(st.floats(0, 15), min_size=2))
def test_a_round_goes_forwards_and_backwards_and_opens_and_closes_at_zero(settings_db: list[float]) -> None:
    visits = round_settings_db(settings_db)
    assert visits[0] == visits[-1] == 0.0
    assert visits == visits[::-1]
    assert visits[: len(visits) // 2][-len(settings_db) :] == settings_db


def test_every_planned_reading_is_taken_in_turn(tmp_path: Path) -> None:
    readings = calibrate(choice_of(tmp_path), tmp_path / "run")
    assert [(row.round, row.step) for row in readings] == [(r, step) for r in (0, 1) for step in range(6)]
    assert [row.setting_db for row in readings] == SMOKE_ROUND * 2
    assert [row.readback_db for row in readings] == SMOKE_ROUND * 2
    assert {row.wavelength_nm for row in readings} == {1550.0}
    times_s = [row.taken_s for row in readings]
    # The setting has settled, and the meter has averaged over nothing else.
    assert all(later - before >= 1.5 for before, later in pairwise(times_s))
    assert texts(tmp_path / "run", "lab: patched") == TO_SOURCE_AND_BACK
    assert texts(tmp_path / "run", "lab: source light") == []
    assert texts(tmp_path / "run", "safe state") == ["reference"]
    assert texts(tmp_path / "run", "found unsafe") == []


def test_what_is_measured_is_what_the_emulated_attenuator_does(tmp_path: Path) -> None:
    calibrate(choice_of(tmp_path), tmp_path / "run")
    device = drawn_attenuation("voa", mvoa_profile(), Streams(1), repeatability_db=0.0)
    with RunRecord.open(tmp_path / "run", is_read_only=True) as run:
        seen = seen_attenuations(read_run(run))
    assert len(seen) == 8
    for one in seen:
        # The turning point is not left in between: its side is that of the visit before.
        is_from_below = one.side != "above"
        true_db = device.attenuation_db(one.setting_db, is_from_below=is_from_below, visit=0)
        assert one.true_db == pytest.approx(true_db, abs=0.01)


def test_a_run_of_another_seed_measures_another_attenuator(tmp_path: Path) -> None:
    choice = choice_of(tmp_path)
    first = calibrate(choice, tmp_path / "one")
    assert calibrate(choice, tmp_path / "again") == first
    other = choose(choice.inventory_path, None, "smoke", "emulator", 2)
    assert calibrate(other, tmp_path / "two") != first


def test_records_and_time_are_known_beforehand(tmp_path: Path) -> None:
    choice = choice_of(tmp_path)
    plan, station = choice.plan, choice.station
    assert calibration.record_count(plan, station) == 12
    assert calibration.duration_s(plan, station) == 12 * (1.0 + calibration.AVERAGING_S)
    none = plan.model_copy(update={"calibration": None})
    assert calibration.record_count(none, station) == 0
    assert calibration.duration_s(none, station) == 0.0
    without_zero = CalibrationPlan(settings_db=[3.0, 5.0], rounds=3, settle_s=0.0)
    assert calibration.record_count(plan.model_copy(update={"calibration": without_zero}), station) == 18


def test_the_steps_tell_what_an_operator_is_asked_for(tmp_path: Path) -> None:
    choice = choice_of(tmp_path)
    told = " / ".join(calibration.steps(choice.plan, choice.station))
    assert "cap the attenuator's output, then to connect its input to the source (0 dBm at 1550 nm)" in told
    assert "2 rounds forwards and backwards: set 0, 5, 10 dB" in told
    with pytest.raises(StationError, match="the plan has no calibration"):
        calibration.steps(choice.plan.model_copy(update={"calibration": None}), choice.station)


def test_a_plan_without_it_is_refused(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, calibration=None)
    refused(choice, tmp_path / "run", StationError, "the plan has no calibration")


def test_a_station_without_source_or_meter_is_refused(tmp_path: Path) -> None:
    none = choice_of(tmp_path / "none", {f"{VOA}.calibration_source": None})
    refused(none, tmp_path / "1", StationError, r"gear\.voa\.calibration_source: missing")
    blind = {f"{VOA}.calibration_source": None, f"{VOA}.has_power_meter": False}
    refused(choice_of(tmp_path / "blind", blind), tmp_path / "2", StationError, "with a power meter")


def test_a_device_that_turns_out_to_have_no_meter_is_refused(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, {f"{VOA}.defects": {"has_no_power_meter": True}})
    refused(choice, tmp_path / "run", DeviceError, "this mVOA has no power meter")


def test_power_above_the_damage_limit_is_refused(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, {f"{VOA}.calibration_source.power_dbm": 23.0})
    refused(choice, tmp_path / "run", LimitError, r"up to 23\.1 dBm must not be connected")


def test_settings_below_zero_are_a_mistake_in_the_plan(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="settings_db"):
        choice_of(tmp_path, calibration={"settings_db": [-1, 5], "rounds": 2, "settle_s": 0})


def test_a_setting_above_the_limit_moves_nothing(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, calibration={"settings_db": [0, 20], "rounds": 2, "settle_s": 0})
    refused(choice, tmp_path / "run", LimitError, "20 dB; device and station allow 0 to 15 dB")


def test_a_shutter_that_stays_blocked_is_told_in_words_and_the_link_put_back(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, {f"{VOA}.defects": {"shutter_stuck": True}})
    with pytest.raises(StationError, match="shutter stays blocked though it was told to open"):
        calibrate(choice, tmp_path / "run")
    assert texts(tmp_path / "run", "lab: patched") == TO_SOURCE_AND_BACK
    with RunRecord.open(tmp_path / "run", is_read_only=True) as run:
        assert power_readings(run) == []


def test_light_below_the_meters_range_is_told_in_words_and_what_was_measured_stays(tmp_path: Path) -> None:
    weak = {f"{VOA}.calibration_source.power_dbm": -50.0}
    choice = choice_of(tmp_path, weak)
    with pytest.raises(Underload, match="is there light at its input"):
        calibrate(choice, tmp_path / "run")
    with RunRecord.open(tmp_path / "run", is_read_only=True) as run:
        assert [reading.setting_db for reading in power_readings(run)] == [0.0, 5.0]
        assert "finished_utc_s" not in run.meta()
    assert texts(tmp_path / "run", "lab: patched") == TO_SOURCE_AND_BACK


def test_an_attenuator_that_is_removed_for_zero_is_calibrated_out_of_the_fibre(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, {"reference": {"kind": "attenuator_removed"}})
    readings = calibrate(choice, tmp_path / "run")
    assert [row.setting_db for row in readings] == SMOKE_ROUND * 2
    assert texts(tmp_path / "run", "lab: patched") == [
        "voa: taken out, the fibre joined without it",
        "voa: input connected to source",
        "voa: input connected to nothing",
    ]


def test_the_record_tells_what_it_was_calibrated_with(tmp_path: Path) -> None:
    calibrate(choice_of(tmp_path), tmp_path / "run")
    with RunRecord.open(tmp_path / "run", is_read_only=True) as run:
        facts = read_run(run).facts
    assert facts.calibration.gear == "voa"
    assert facts.calibration.source_power_dbm == 0.0
    assert facts.calibration.source_uncertainty_db == 0.1
    assert facts.calibration.attenuator_uncertainty_db == 0.05
    assert facts.records_planned == 12
    assert facts.is_finished


def test_the_channels_wavelength_is_set_again_after_a_failure(tmp_path: Path) -> None:
    changes = {"wavelength_nm": 1310, "power_dbm": -50.0}
    choice = choice_of(tmp_path, {f"{VOA}.calibration_source.{key}": of for key, of in changes.items()})
    with pytest.raises(Underload):
        calibrate(choice, tmp_path / "run")
    wires = (tmp_path / "run" / "artefacts" / "wires.log").read_text()
    told = [line.partition(":OUTP:WAV 1,")[2] for line in wires.splitlines() if ":OUTP:WAV 1," in line]
    assert [text[:4] for text in told] == ["1310", "1550"]


def test_a_disk_that_fills_up_on_the_way_out_hides_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_event, is_full = RunRecord.add_event, list[bool]()

    def add_event_if_there_is_room(run: RunRecord, lab_time_s: float, kind: str, text: str) -> None:
        if is_full and kind in {"operator asked", "link left dark"}:
            raise RecordError("database or disk is full")
        add_event(run, lab_time_s, kind, text)

    def no_light(_voa: ViaviMvoa) -> float:
        is_full.append(True)
        raise Underload("voa", "FETC:POW?", "is there light at its input")

    monkeypatch.setattr(RunRecord, "add_event", add_event_if_there_is_room)
    monkeypatch.setattr(ViaviMvoa, "power_dbm", no_light)
    with pytest.raises(Underload):
        calibrate(choice_of(tmp_path), tmp_path / "run")
    assert texts(tmp_path / "run", "lab: patched") == TO_SOURCE_AND_BACK[:2]
    assert texts(tmp_path / "run", "safe state")[0].endswith("the link is dark")
