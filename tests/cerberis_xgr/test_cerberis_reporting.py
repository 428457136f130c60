from __future__ import annotations

import json
from typing import Any

import pytest

from drivers.facts.defects import CerberisXgrDefects
from drivers.facts.names import load_names
from emulators.cerberis_xgr.pair import PairRecord
from emulators.cerberis_xgr.readings import SteadyReadings
from emulators.cerberis_xgr.reporting import RecordReporter
from emulators.cow4.sample import LinkSample
from emulators.lab.streams import Stream

NAMES = load_names("cerberis_xgr_web_api")
MEASURED = ["secret_key_rate", "key_rate", "qber", "dcc_visibility", "total_detection_count"]


def record(sequence: int) -> PairRecord:
    sample = LinkSample(2400.0 + sequence, 0.019, 0.985, 31000.0)
    return PairRecord(sequence, 1000.0 + 10.0 * sequence, 1.0, sample, 2390.0)


def reports(count: int, **defects: object) -> list[dict[str, Any]]:
    reporter = RecordReporter(
        CerberisXgrDefects.model_validate(defects), SteadyReadings("bob", Stream(7, "bob"))
    )
    return [json.loads(reporter.report(record(number), record(1))) for number in range(1, count + 1)]


def test_a_right_bench_reports_what_was() -> None:
    (report,) = reports(1)
    readings = report.pop("readings")
    assert report == {
        "sequence": 1,
        "window_start": 1010.0,
        "window": 1.0,
        "secret_key_rate": 2401.0,
        "key_rate": 2390.0,
        "qber": 0.019,
        "dcc_visibility": 0.985,
        "total_detection_count": 31000.0,
    }
    assert readings.keys() >= {"IF_Temperature", "DataDetector_Temperature", "MonitorDetector_BiasCurrent"}


def test_the_same_record_gives_the_same_report_whenever_it_is_asked_for() -> None:
    reporter = RecordReporter(CerberisXgrDefects(), SteadyReadings("alice", Stream(7, "alice")))
    late = reporter.report(record(9), record(1))
    reporter.report(record(3), record(1))
    assert reporter.report(record(9), record(1)) == late


def test_readings_are_noisy_and_steady() -> None:
    temperatures = [report["readings"]["IF_Temperature"] for report in reports(200)]
    assert len(set(temperatures)) > 20
    assert all(34.9 < temperature < 35.1 for temperature in temperatures)


def test_the_two_ends_have_readings_of_their_own_parts() -> None:
    stream = Stream(7, "x")
    alice, bob = SteadyReadings("alice", stream).at(1), SteadyReadings("bob", stream).at(1)
    assert "Laser_Temperature" in alice
    assert not alice.keys() & bob.keys()


def test_every_reading_has_a_documented_name() -> None:
    documented = {entry.name for entry in NAMES.entries.values() if entry.status == "documented"}
    stream = Stream(7, "x")
    for readings in (SteadyReadings("alice", stream).at(1), SteadyReadings("bob", stream).at(1)):
        assert readings.keys() <= documented


def test_rates_in_kilobits() -> None:
    (report,) = reports(1, rate_unit="kbps")
    assert report["secret_key_rate"] == pytest.approx(2.401)
    assert report["key_rate"] == pytest.approx(2.39)
    assert report["total_detection_count"] == 31000.0


def test_errors_in_percent() -> None:
    (report,) = reports(1, error_unit="percent")
    assert report["qber"] == pytest.approx(1.9)
    assert report["dcc_visibility"] == 0.985


def test_a_record_that_repeats_itself_under_rising_numbers() -> None:
    shown = reports(4, repeats_record=True)
    assert [report["sequence"] for report in shown] == [1, 2, 3, 4]
    assert [report["window_start"] for report in shown] == [1010.0, 1020.0, 1030.0, 1040.0]
    for report in shown:
        assert [report[name] for name in [*MEASURED, "readings"]] == [
            shown[0][name] for name in [*MEASURED, "readings"]
        ]


def test_zeros_every_third_record() -> None:
    shown = reports(7, zeros_every=3)
    zeros = [report["sequence"] for report in shown if all(report[name] == 0 for name in MEASURED)]
    assert zeros == [3, 6]
    assert set(shown[2]["readings"].values()) == {0.0}
    assert shown[2]["window_start"] == 1030.0


def test_windows_labelled_late() -> None:
    (report,) = reports(1, late_s=3.5)
    assert report["window_start"] == 1013.5


def test_defects_add_up() -> None:
    shown = reports(2, zeros_every=2, rate_unit="kbps", repeats_record=True)
    assert shown[0]["secret_key_rate"] == pytest.approx(2.401)
    assert shown[1]["secret_key_rate"] == 0.0
