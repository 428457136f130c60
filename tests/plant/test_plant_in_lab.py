"""A whole lab process: what happens to its fibre moves the telemetry, and leaves no trace when mended."""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING

import pytest

from drivers.errors import LabError
from drivers.facts.plant_events import DirtyConnector, FibreBend, FibreCut, FibreTemperature
from tests.plant.lab_bench import Bench, bench
from tests.plant.plants import SITE_A, SITE_B

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drivers.facts.telemetry import TelemetryRecord

BEND = FibreBend(distance_m=9_000.0, loss_db=5.0)
DIRT = DirtyConnector(connector=3, loss_db=2.0, reflectance_db=-30.0)
CUT = FibreCut(distance_m=9_000.0)


def counts(records: Sequence[TelemetryRecord]) -> float:
    return fmean(record.detection_count for record in records)


def optics(records: Sequence[TelemetryRecord]) -> list[tuple[float, ...]]:
    """Return what each window saw, without the ledger of key, which remembers."""
    return [
        (record.window_start_s, record.skr_bps, record.qber, record.visibility, record.detection_count)
        for record in records
    ]


def test_a_bend_is_for_the_appliance_what_the_attenuator_would_be(tmp_path: Path) -> None:
    taken: list[Sequence[TelemetryRecord]] = []
    for name in ("bend", "attenuator"):
        with bench(tmp_path / name) as here:
            if name == "bend":
                here.plant.happen(BEND)
            else:
                here.station.set_added_db(5.0)
            here.to(10.0)
            here.station.receiver().skip_telemetry()
            here.to(40.0)
            taken.append(here.records())
    bent, attenuated = taken
    assert len(bent) == 30
    # The bend's loss is 5 dB but for the last bits of its turns.
    for left, right in zip(optics(bent), optics(attenuated), strict=True):
        assert left == pytest.approx(right, rel=1e-6)


def test_each_event_moves_skr_and_counts_and_mending_brings_back_an_undisturbed_lab(
    tmp_path: Path,
) -> None:
    with bench(tmp_path / "undisturbed") as here:
        here.to(65.0)
        undisturbed = here.records()
    with bench(tmp_path / "disturbed") as here:
        rows: dict[str, Sequence[TelemetryRecord]] = {}
        for until_s, name, act in (
            (15.0, "before", None),
            (25.0, "dirt", lambda: here.plant.happen(DIRT)),
            (35.0, "dirt and bend", lambda: here.plant.happen(BEND)),
            (45.0, "bend", lambda: here.plant.mend(DIRT)),
            (55.0, "cut", lambda: here.plant.happen(CUT)),
            (65.0, "mended", here.plant.mend),
        ):
            if act is not None:
                act()
            here.to(until_s)
            rows[name] = here.records()
        told = here.journal("plant")
    assert [len(records) for records in rows.values()] == [10] * 6
    mean = {name: counts(records) for name, records in rows.items()}
    assert mean["before"] > mean["dirt"] > mean["bend"] > mean["dirt and bend"] > mean["cut"]
    skr = {name: fmean(record.skr_bps for record in records) for name, records in rows.items()}
    assert skr["before"] > skr["dirt"] > skr["bend"] > skr["dirt and bend"] > skr["cut"]
    assert rows["before"] == undisturbed[:10]
    assert optics(rows["mended"]) == optics(undisturbed[50:])
    assert [round(t_s) for t_s, _ in told] == [15, 25, 35, 45, 55]
    assert [text for _, text in told][-2:] == ["cut at 9000 m", "mended: everything"]


def test_bends_move_the_qber_as_published_down_at_first_and_up_at_last(tmp_path: Path) -> None:
    """It falls from 0 to 5 dB (the paper's Table 2) and rises when dark counts win; a cut leaves 1/2.

    A record's QBER comes of few disclosed bits, so it takes many records to see it move.
    """
    qber: dict[float, list[float]] = {}
    with bench(tmp_path / "lab") as here:
        for number, loss_db in enumerate((0.0, 5.0, 18.0)):
            here.plant.mend()
            if loss_db:
                here.plant.happen(FibreBend(distance_m=9_000.0, loss_db=loss_db))
            here.to(5.0 + 200.0 * (number + 1))
            qber[loss_db] = [record.qber for record in here.records()]
        here.plant.happen(CUT)
        here.to(610.0)
        assert [record.qber for record in here.records()] == [0.5] * 5
    for less, more in ((5.0, 0.0), (0.0, 18.0)):
        scatter = math.hypot(stdev(qber[less]), stdev(qber[more])) / math.sqrt(200)
        assert fmean(qber[more]) - fmean(qber[less]) > 5.0 * scatter


def test_a_cut_gives_no_key_and_the_block_in_work_is_given_up(tmp_path: Path) -> None:
    """The profile gives a block up after 600 s; a full one takes about 245 s at 0 dB."""
    with bench(tmp_path / "lab") as here:
        here.to(605.0)
        made = here.records()
        here.plant.happen(CUT)
        here.to(1305.0)
        dark = here.records()
        here.plant.mend()
        here.to(2305.0)
        back = here.records()
    assert made[-1].key_rate_bps > 0.0
    assert len(dark) == 700
    assert {record.skr_bps for record in dark} == {0.0}
    assert {record.visibility for record in dark} == {0.0}
    # The last finished block's rate stands until the one in work is given up.
    assert dark[0].key_rate_bps == made[-1].key_rate_bps
    assert dark[-1].key_rate_bps == 0.0
    assert back[0].key_rate_bps == 0.0
    assert back[-1].key_rate_bps == pytest.approx(made[-1].key_rate_bps, rel=0.05)


def test_a_cut_within_a_window_counts_by_its_share(tmp_path: Path) -> None:
    with bench(tmp_path / "lab") as here:
        here.to(9.25)
        here.plant.happen(CUT)
        here.to(9.75)
        here.plant.mend()
        here.to(11.0)
        records = here.records()
    before, cut, after = counts(records[:4]), records[4].detection_count, records[5].detection_count
    assert cut == pytest.approx(before / 2.0, rel=0.1)
    assert after == pytest.approx(before, rel=0.1)


def test_an_end_that_is_moved_away_makes_no_key_until_it_is_back(tmp_path: Path) -> None:
    with bench(tmp_path / "undisturbed") as here:
        here.to(30.0)
        undisturbed = here.records()
    with bench(tmp_path / "moved") as here:
        here.to(10.0)
        here.station.connect_fibre_end(SITE_B, "nothing")
        here.station.connect_fibre_end(SITE_A, "otdr")
        assert here.station.otdr_may_shine(SITE_A) is None
        here.to(20.0)
        here.station.connect_fibre_end(SITE_A, "qkd")
        here.station.connect_fibre_end(SITE_B, "qkd")
        here.to(30.0)
        records = here.records()
        told = [text for _, text in here.journal("patched")]
    assert {record.skr_bps for record in records[5:15]} == {0.0}
    assert optics(records)[:5] == optics(undisturbed)[:5]
    assert optics(records)[15:] == optics(undisturbed)[15:]
    assert told == [
        "fibre end at gdc_b: connected to nothing",
        "fibre end at gdc_a: connected to otdr",
        "fibre end at gdc_a: connected to qkd",
        "fibre end at gdc_b: connected to qkd",
    ]


def test_a_lab_that_died_is_started_with_its_events_and_patches(tmp_path: Path) -> None:
    def disturb_until(
        here_folder: str, *, dies: bool
    ) -> tuple[Sequence[TelemetryRecord], list[tuple[float, str]]]:
        folder = tmp_path / here_folder
        with bench(folder) as here:
            here.plant.happen(BEND)
            here.to(8.5)
            here.plant.happen(CUT)
            here.plant.happen(FibreTemperature(temperature_c=35.0))
            with pytest.raises(LabError):
                here.plant.happen(FibreCut(distance_m=1e6))
            here.station.connect_fibre_end(SITE_B, "nothing")
            here.to(12.0)
            if not dies:
                return finish(here)
        with bench(folder, go_on_at_s=12.0) as again:
            again.station.receiver().skip_telemetry()
            return finish(again)

    def finish(here: Bench) -> tuple[Sequence[TelemetryRecord], list[tuple[float, str]]]:
        here.station.receiver().skip_telemetry()
        here.to(15.0)
        here.plant.mend(CUT)
        here.station.connect_fibre_end(SITE_B, "nothing")
        here.station.connect_fibre_end(SITE_A, "qkd")
        here.station.connect_fibre_end(SITE_B, "qkd")
        here.to(25.0)
        return here.records(), here.journal("plant")

    lived, died = disturb_until("lived", dies=False), disturb_until("died", dies=True)
    assert lived == died
    records, told = died
    assert [record.skr_bps for record in records[:3]] == [0.0] * 3
    assert min(record.skr_bps for record in records[3:]) > 0.0
    assert [text for _, text in told] == [
        "bend of 5 dB at 9000 m",
        "cut at 9000 m",
        "35 degrees Celsius",
        "mended: cut at 9000 m",
    ]


def test_what_the_fibre_does_not_have_is_refused_with_the_reason(tmp_path: Path) -> None:
    with bench(tmp_path / "lab") as here:
        with pytest.raises(LabError, match="refused plant: 20000 m lies beyond the fibre"):
            here.plant.happen(FibreCut(distance_m=20_000.0))
        with pytest.raises(LabError, match="refused plant: no such fault: cut at 9000 m; there is: nothing"):
            here.plant.mend(CUT)
        assert here.journal("plant") == []
        here.to(8.0)
        assert counts(here.records()) > 0.0
