"""What is measured in a calibration, on records made up of known attenuations; the figure and the table."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from drivers.facts.inventory import CalibrationPlan, Plan
from hil_tests.acceptance import Acceptance
from hil_tests.measure.calibration import seen_attenuations
from hil_tests.report.calibration_view import calibration_views
from hil_tests.report.summary import render_summary
from hil_tests.run_data import read_run
from hil_tests.verdict import judge
from sweeps.choice import choose
from sweeps.procedures.calibration import round_settings_db
from sweeps.record.measured_rows import add_reading
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import PowerReading
from tests.acceptance.benches import PROJECT
from tests.hil.shipped_limits import LIMITS
from tests.hil.synthetic_runs import T0_S, facts, in_one_commit, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hil_tests.verdict import Check

    TrueDb: TypeAlias = Callable[[PowerReading, bool], float]
    """The true attenuation at a visit: of the setting, the round, and whether it goes forwards."""
    Change: TypeAlias = Callable[[PowerReading], PowerReading]

SETTINGS_DB = (0.0, 3.0, 8.0, 15.0)
SOURCE_DBM, INSERTION_LOSS_DB = -2.0, 1.25


def as_set(reading: PowerReading, _is_forwards: bool) -> float:
    return reading.setting_db


def unchanged(reading: PowerReading) -> PowerReading:
    return reading


def calibration_run(
    folder: Path,
    *,
    true_db: TrueDb = as_set,
    change: Change = unchanged,
    rounds: int = 3,
    settings_db: Sequence[float] = SETTINGS_DB,
    noise_db: float = 0.0,
    only: Callable[[PowerReading], bool] = lambda _reading: True,
    meta: dict[str, Any] | None = None,
) -> RunRecord:
    """Make a calibration of which only some readings were taken."""
    about = facts("calibration", "smoke", (0.0,), 1, 1)
    about["plan"]["calibration"] = {"settings_db": list(settings_db), "rounds": rounds, "settle_s": 1}
    about["calibration"] = {
        "gear": "voa",
        "source_power_dbm": SOURCE_DBM,
        "source_uncertainty_db": 0.1,
        "source_wavelength_nm": 1550.0,
        "source": "test",
        "attenuator_uncertainty_db": 0.05,
    }
    about |= meta or {}
    visits = round_settings_db(settings_db)
    rng = stream(1, "calibration")
    run = RunRecord.create(folder, about)
    with in_one_commit(run):
        for place in range(rounds * len(visits)):
            round_number, step = divmod(place, len(visits))
            setting_db = visits[step]
            plain = PowerReading(round_number, step, setting_db, setting_db, 0.0, 1550.0, T0_S + 2.0 * place)
            power_dbm = SOURCE_DBM - INSERTION_LOSS_DB - true_db(plain, step < len(visits) // 2)
            reading = change(replace(plain, power_dbm=power_dbm + noise_db * float(rng.normal())))
            if only(reading):
                _add(run, reading)
    return run


def _add(run: RunRecord, reading: PowerReading) -> None:
    run._database.execute(
        "INSERT INTO power_reading VALUES (?,?,?,?,?,?,?,?)",
        (
            reading.round,
            reading.step,
            reading.setting_db,
            reading.readback_db,
            reading.power_dbm,
            reading.wavelength_nm,
            reading.taken_s,
            T0_S,
        ),
    )


def checks_of(run: RunRecord) -> dict[str, Check]:
    return {check.name.removeprefix("calibration_"): check for check in judge(LIMITS, run)}


def failed(run: RunRecord) -> set[str]:
    return {name for name, check in checks_of(run).items() if check.verdict == "fail"}


def value(run: RunRecord, name: str) -> float:
    found = checks_of(run)[name].value
    assert found is not None
    return found


def test_an_attenuator_that_does_what_it_is_set_to_passes(tmp_path: Path) -> None:
    checks = checks_of(calibration_run(tmp_path / "run", noise_db=0.001))
    assert {check.verdict for check in checks.values()} == {"pass"}
    assert {"readings", "accuracy_db", "slope", "repeatability_db"} <= checks.keys()


def test_known_errors_are_measured_as_what_they_are(tmp_path: Path) -> None:
    def known(reading: PowerReading, is_forwards: bool) -> float:
        if reading.setting_db == 0.0:
            return 0.0
        per_round_db = (-0.004, 0.0, 0.004)[reading.round]
        return reading.setting_db * 1.002 + per_round_db + (-0.003 if is_forwards else 0.003)

    run = calibration_run(tmp_path / "run", true_db=known)
    assert value(run, "accuracy_db") == pytest.approx(15 * 0.002 + 0.004 + 0.003)
    assert value(run, "slope") == pytest.approx(1.002)
    assert value(run, "repeatability_db") == pytest.approx(0.004)
    assert value(run, "spread_db") == pytest.approx(0.008)
    assert value(run, "hysteresis_db") == pytest.approx(0.006)
    assert value(run, "insertion_loss_db") == pytest.approx(INSERTION_LOSS_DB)
    assert value(run, "readings") == 1.0
    note = checks_of(run)["accuracy_db"].note
    assert note == "set 15 dB, measured 15.037 dB (round 3, not moved)"
    assert checks_of(run)["insertion_loss_db"].note == "uncertainty of the source's power: 0.1 dB"
    assert failed(run) == set()


def test_drift_of_the_source_is_not_taken_for_attenuation(tmp_path: Path) -> None:
    def drifting(reading: PowerReading) -> PowerReading:
        return replace(reading, power_dbm=reading.power_dbm + 0.05 * (reading.taken_s - T0_S))

    run = calibration_run(tmp_path / "run", change=drifting)
    assert value(run, "accuracy_db") == pytest.approx(0.0, abs=1e-9)
    assert value(run, "repeatability_db") == pytest.approx(0.0, abs=1e-9)


def test_a_source_that_was_plugged_in_anew_in_a_round_leaves_no_step(tmp_path: Path) -> None:
    def worse_connector(reading: PowerReading) -> PowerReading:
        is_after = (reading.round, reading.step) >= (1, 3)
        return replace(reading, power_dbm=reading.power_dbm - 0.3 * is_after)

    run = calibration_run(tmp_path / "run", change=worse_connector)
    assert "accuracy_db" in failed(run)
    opened_s = T0_S + 2.0 * (8 + 2) + 1.0
    opened = PowerReading(1, 8, 0.0, 0.0, SOURCE_DBM - INSERTION_LOSS_DB - 0.3, 1550.0, opened_s)
    add_reading(run, opened)
    assert failed(run) == set()
    assert value(run, "accuracy_db") == pytest.approx(0.0, abs=1e-9)
    assert value(run, "readings") == 1.0
    assert len(seen_attenuations(read_run(run))) == 18
    assert "<td>24 of" in render_summary([run], judge(LIMITS, run), [])


WRONG: dict[str, tuple[TrueDb, set[str]]] = {
    "scale": (lambda one, _: one.setting_db * 1.02, {"accuracy_db", "slope"}),
    "one setting": (lambda one, _: one.setting_db + 0.2 * (one.setting_db == 8.0), {"accuracy_db"}),
    "worn motor": (
        lambda one, _: one.setting_db + 0.022 * (one.round - 1) * (one.setting_db > 0),
        {"repeatability_db", "spread_db"},
    ),
    "play": (
        lambda one, forwards: one.setting_db + 0.03 * (one.setting_db > 0 and not forwards),
        {"hysteresis_db"},
    ),
    "insertion loss": (lambda one, _: one.setting_db + 2.0, {"insertion_loss_db"}),
    "stuck": (lambda _one, _: 0.0, {"accuracy_db", "slope"}),
}


@pytest.mark.parametrize(("true_db", "fails"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_attenuator_is_failed_by_its_checks(tmp_path: Path, true_db: TrueDb, fails: set[str]) -> None:
    run = calibration_run(tmp_path / "run", true_db=true_db, noise_db=0.0005)
    assert failed(run) == fails


def test_a_setting_that_is_visited_twice_in_a_row_tells_nothing_of_play(tmp_path: Path) -> None:
    """Between two visits at the turning point the motor does not move."""
    run = calibration_run(tmp_path / "run", settings_db=(0.0, 10.0))
    check = checks_of(run)["hysteresis_db"]
    assert (check.verdict, check.value) == ("incomplete", None)
    assert check.note == "no setting above 0 dB was reached from both sides"
    assert [one.side for one in seen_attenuations(read_run(run))] == ["below", None] * 3


def test_play_is_told_by_side_and_not_by_the_way_of_the_round(tmp_path: Path) -> None:
    settings_db = (0.0, 15.0, 10.0, 5.0)
    # 15 dB from 0 and later from 10 dB, 10 and 5 dB on the way down, and up again.
    from_above = {(2, 10.0), (3, 5.0), (4, 5.0)}

    def played(reading: PowerReading, _is_forwards: bool) -> float:
        return reading.setting_db + 0.03 * ((reading.step, reading.setting_db) in from_above)

    run = calibration_run(tmp_path / "run", settings_db=settings_db, true_db=played)
    first_round = [(one.setting_db, one.side) for one in seen_attenuations(read_run(run))][:6]
    assert first_round == [
        (15.0, "below"),
        (10.0, "above"),
        (5.0, "above"),
        (5.0, None),
        (10.0, "below"),
        (15.0, "below"),
    ]
    assert value(run, "hysteresis_db") == pytest.approx(0.03)
    assert checks_of(run)["hysteresis_db"].note == "at 10 dB"
    (view,) = calibration_views([read_run(run)], [])
    assert [row.hysteresis_db for row in view.rows] == [None, pytest.approx(0.03), None]


def test_what_is_missing_is_incomplete_and_never_passes(tmp_path: Path) -> None:
    first_steps = calibration_run(
        tmp_path / "some",
        only=lambda reading: reading.round == 0 and reading.step < 2,
        meta={"finished_utc_s": None},
    )
    verdicts = {name: check.verdict for name, check in checks_of(first_steps).items() if name[:3] != "app"}
    assert set(verdicts.values()) == {"incomplete"}
    nothing = calibration_run(tmp_path / "none", only=lambda _reading: False)
    assert checks_of(nothing)["accuracy_db"].verdict == "incomplete"
    assert checks_of(nothing)["insertion_loss_db"].note.endswith("no reading at 0 dB")
    assert checks_of(nothing)["readings"].verdict == "incomplete"
    one_short = calibration_run(tmp_path / "short", only=lambda one: (one.round, one.step) != (1, 2))
    assert failed(one_short) == {"readings"}
    headless = calibration_run(tmp_path / "headless", only=lambda reading: reading.step > 0)
    assert seen_attenuations(read_run(headless)) == []


def test_a_run_that_does_not_tell_its_source_has_no_insertion_loss(tmp_path: Path) -> None:
    run = calibration_run(tmp_path / "run", meta={"calibration": None})
    assert checks_of(run)["insertion_loss_db"].verdict == "incomplete"
    (view,) = calibration_views([read_run(run)], [])
    assert view.insertion_loss == "not known: the source's power is not recorded"
    assert view.uncertainty_held.startswith("The worst deviation is")
    assert "stated" not in view.uncertainty_held


def test_one_setting_makes_no_line(tmp_path: Path) -> None:
    check = checks_of(calibration_run(tmp_path / "run", settings_db=(0.0, 5.0)))["slope"]
    assert check.verdict == "incomplete"
    assert "two settings" in check.note


# --- the report


def test_the_table_holds_what_was_measured(tmp_path: Path) -> None:
    def known(reading: PowerReading, is_forwards: bool) -> float:
        above = reading.setting_db > 0
        return reading.setting_db + above * (0.01 * (reading.round == 0) - 0.004 * is_forwards)

    (view,) = calibration_views([read_run(calibration_run(tmp_path / "run", true_db=known))], [])
    assert [row.setting_db for row in view.rows] == [3.0, 8.0, 15.0]
    for row in view.rows:
        assert row.n == 6
        assert row.mean_db == pytest.approx(row.setting_db + 0.01 / 3 - 0.002)
        assert row.worst_deviation_db == pytest.approx(0.01)
        assert row.spread_db == pytest.approx(0.01)
        # The turning point is visited twice from the same side.
        assert row.hysteresis_db == (None if row.setting_db == 15.0 else pytest.approx(0.004))
    assert view.insertion_loss == "1.25 ± 0.1 dB, by what is known of the source's power"


@pytest.mark.parametrize(
    ("error_db", "words"), [(0.04, "±0.05\u00a0dB, holds, by"), (0.06, "does NOT hold, by")]
)
def test_the_report_says_whether_the_stated_uncertainty_holds(
    tmp_path: Path, error_db: float, words: str
) -> None:
    def wrong(reading: PowerReading, _is_forwards: bool) -> float:
        return reading.setting_db + error_db * (reading.setting_db == 8.0)

    (view,) = calibration_views([read_run(calibration_run(tmp_path / "run", true_db=wrong))], [])
    assert words in view.uncertainty_held
    assert view.uncertainty_held.endswith("the device's own power meter, whose linearity nobody states.")


def test_the_figure_tells_rounds_and_sides_apart_and_draws_both_limits(tmp_path: Path) -> None:
    run = calibration_run(tmp_path / "run", noise_db=0.002)
    (view,) = calibration_views([read_run(run)], judge(LIMITS, run))
    svg = str(view.figure)
    for number in (1, 2, 3):
        assert f"round {number}, from below" in svg
        assert f"round {number}, from above" in svg
        assert f"round {number}, not moved" in svg
    assert "acceptance limit" in svg
    assert "stated by the attenuator: ±0.05 dB" in svg
    assert 'role="img"' in svg
    assert re.findall(r'\bid="(?!calibration0-)', svg) == []
    assert view.figure == calibration_views([read_run(run)], judge(LIMITS, run))[0].figure


def test_the_section_is_in_the_report_with_its_numbers(tmp_path: Path) -> None:
    run = calibration_run(tmp_path / "run", noise_db=0.002)
    page = render_summary([run], judge(LIMITS, run), [])
    section = page[
        page.index("<h3>Calibration of the attenuator</h3>") : page.index("<h3>What was tested</h3>")
    ]
    for text in (
        "-2 dBm ± 0.1 dB at 1550 nm (test)",
        "1.25 ± 0.1 dB",
        "15 dB</th>",
        "holds",
    ):
        assert text in section
    assert "<td>24 of" in page


def test_a_report_without_a_calibration_has_no_such_section(tmp_path: Path) -> None:
    run = calibration_run(tmp_path / "run", only=lambda _reading: False)
    assert "<h3>Calibration of the attenuator</h3>" not in render_summary([run], judge(LIMITS, run), [])


def test_a_plan_without_a_calibration_is_not_judged_by_it() -> None:
    plan: Plan = choose(PROJECT / "inventory.yaml", None, "smoke", "emulator", 1).plan
    assert "calibration_slope" in Acceptance(LIMITS, plan).limit_names("calibration")
    none = plan.model_copy(update={"calibration": None})
    assert Acceptance(LIMITS, none).limit_names("calibration") == []


def test_every_figure_of_the_page_is_a_number(tmp_path: Path) -> None:
    (view,) = calibration_views([read_run(calibration_run(tmp_path / "run", rounds=2))], [])
    for row in view.rows:
        assert all(math.isfinite(number) for number in (row.mean_db, row.spread_db or 0.0))


def test_a_plan_needs_two_rounds_of_two_settings() -> None:
    for wrong in ({"rounds": 1}, {"settings_db": [3]}, {"settings_db": [3, -1]}):
        with pytest.raises(ValueError, match=r"rounds|settings_db"):
            CalibrationPlan.model_validate({"settings_db": [0, 3], "rounds": 2, "settle_s": 0} | wrong)


def test_a_calibration_at_another_wavelength_is_failed(tmp_path: Path) -> None:
    run = calibration_run(tmp_path / "run", change=lambda reading: replace(reading, wavelength_nm=1310.0))
    assert failed(run) == {"wavelength_nm"}
    assert value(run, "wavelength_nm") == -240.0
    assert checks_of(run)["wavelength_nm"].note == "read back 1310 nm, fibre 1550 nm"


def test_a_setting_that_was_not_taken_is_failed(tmp_path: Path) -> None:
    def elsewhere(reading: PowerReading) -> PowerReading:
        return replace(reading, readback_db=reading.setting_db - 0.1 * (reading.setting_db == 8.0))

    run = calibration_run(tmp_path / "run", change=elsewhere)
    assert failed(run) == {"setting_db"}
    assert value(run, "setting_db") == pytest.approx(-0.1)
    assert checks_of(run)["setting_db"].note == "set 8 dB, read back 7.9 dB"


def test_no_wavelength_of_the_fibre_leaves_that_check_incomplete(tmp_path: Path) -> None:
    run = calibration_run(tmp_path / "run", meta={"fibre": {"length_km": 19.87}})
    assert checks_of(run)["wavelength_nm"].verdict == "incomplete"
