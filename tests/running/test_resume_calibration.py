"""A calibration that is killed goes on with the next reading, takes none again, and measures the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.attenuators.viavi_mvoa import ViaviMvoa
from drivers.errors import ConnectionLost
from hil_tests.measure.calibration import seen_attenuations
from hil_tests.run_data import read_run
from sweeps.record.measured_rows import power_readings
from sweeps.record.run_record import RunRecord
from tests.running.broken_runs import bench, die, lab_of, make, resume, scpi, texts

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.measure.calibration import Seen
    from sweeps.record.schema import PowerReading

PLANNED = [(number, step) for number in (0, 1) for step in range(6)]
OPENED_AGAIN = 6
"""Step of the first further 0 dB reading of a round."""


def readings(folder: Path) -> list[PowerReading]:
    with RunRecord.open(folder, is_read_only=True) as run:
        return power_readings(run)


def seen(folder: Path) -> list[Seen]:
    with RunRecord.open(folder, is_read_only=True) as run:
        return seen_attenuations(read_run(run))


def is_light_blocked(folder: Path) -> bool:
    """Ask the attenuator of a living lab for its shutter."""
    return scpi(lab_of(folder), ":OUTP:BBL? 1") == "1"


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("unbroken")
    make(bench(place), place / "run", "calibration")
    return place / "run"


@pytest.mark.parametrize("victims", [[], ["--victim=lab"], ["--victim=guard", "--victim=lab"]])
@pytest.mark.parametrize("taken", [4, 8])
def test_it_goes_on_where_it_was(tmp_path: Path, unbroken: Path, victims: list[str], taken: int) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", taken, *victims)
    before = readings(folder)
    assert before == readings(unbroken)[:taken]
    resume(inventory, folder, "calibration")
    after = readings(folder)
    assert [(row.round, row.step) for row in after if row.step < OPENED_AGAIN] == PLANNED
    opened = [row for row in after if row.step >= OPENED_AGAIN]
    assert [(row.round, row.step, row.setting_db) for row in opened] == [(taken // 6, OPENED_AGAIN, 0.0)]
    assert [row for row in after if row in before] == before
    assert all(row.taken_s > before[-1].taken_s for row in after if row not in before)
    # Plugged in anew the source loses another bit in its connector: what is measured must not show it.
    for here, there in zip(seen(folder), seen(unbroken), strict=True):
        assert (here.round, here.setting_db) == (there.round, there.setting_db)
        assert here.true_db == pytest.approx(there.true_db, abs=0.012)


def test_a_setting_is_reached_from_below_after_the_source_was_opened_anew(tmp_path: Path) -> None:
    """Taken up on its way back, at 5 dB behind 10 dB: the attenuator has been at 0 dB in between."""
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", 4)
    resume(inventory, folder, "calibration")
    sides = [(one.setting_db, one.side) for one in seen(folder)]
    assert sides[:4] == [(5.0, "below"), (10.0, "below"), (10.0, None), (5.0, "below")]
    assert sides[4:] == [(5.0, "below"), (10.0, "below"), (10.0, None), (5.0, "above")]


def test_the_guard_tells_where_the_cords_are(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", 4)
    (said,) = texts(folder, "safe state")
    assert said.startswith("by the guard, after the runner was gone; ")
    assert said.endswith(
        "; by what the operator did, the output of voa is connected to nothing, the input of voa is connected"
        " to the light source: the link is dark"
    )
    assert is_light_blocked(folder)


def test_a_break_between_two_rounds_needs_no_further_opening(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", 6, "--victim=lab")
    resume(inventory, folder, "calibration")
    assert [(row.round, row.step) for row in readings(folder)] == PLANNED


def test_a_round_may_be_broken_off_twice(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", 2, "--victim=lab")
    die(inventory, folder, "calibration", 1, "--victim=lab")
    resume(inventory, folder, "calibration")
    steps = [row.step for row in sorted(readings(folder), key=lambda row: (row.round, row.taken_s))]
    assert steps == [0, 1, 6, 2, 7, 3, 4, 5, *range(6)]
    assert len(texts(folder, "operator asked")) == 2 + 2 + 4


def test_all_that_was_taken_and_not_finished_is_only_put_right(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", 12, "--victim=lab")
    before = readings(folder)
    resume(inventory, folder, "calibration")
    assert readings(folder) == before
    with RunRecord.open(folder, is_read_only=True) as run:
        assert "finished_utc_s" in run.meta()
    asked = [text for text in texts(folder, "operator asked") if "connect the input" in text]
    assert [" to the light source" in text for text in asked] == [True, False]


def test_a_session_that_breaks_off_before_it_moves_a_cord_tells_where_an_earlier_one_left_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    die(inventory, folder, "calibration", 4)

    def lost(_voa: ViaviMvoa, _averaging_s: float) -> None:
        raise ConnectionLost("voa", "SENS:POW:ATIM", "lost")

    with monkeypatch.context() as broken:
        broken.setattr(ViaviMvoa, "set_averaging_s", lost)
        with pytest.raises(ConnectionLost):
            resume(inventory, folder, "calibration")
    assert texts(folder, "safe state")[-1] == (
        "reference, the light blocked; by what the operator did, the output of voa is connected to nothing,"
        " the input of voa is connected to the light source: the link is dark"
    )
    resume(inventory, folder, "calibration")
    assert texts(folder, "safe state")[-1] == "reference"


@pytest.mark.parametrize("victims", [[], ["--victim=lab"]])
def test_one_that_is_out_of_the_fibre_is_taken_up_with_the_source_at_it(
    tmp_path: Path, victims: list[str]
) -> None:
    inventory, folder = bench(tmp_path, {"reference": {"kind": "attenuator_removed"}}), tmp_path / "run"
    die(inventory, folder, "calibration", 4, *victims)
    resume(inventory, folder, "calibration")
    assert [(row.round, row.step) for row in readings(folder) if row.step < OPENED_AGAIN] == PLANNED
    assert texts(folder, "lab: patched")[-1] == "voa: input connected to nothing"
