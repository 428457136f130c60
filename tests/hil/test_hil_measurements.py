"""What single measurements give where a whole run would not show it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hil_tests.measure.estimates import share_below
from hil_tests.measure.sweep import outlier_distance
from tests.hil.shipped_limits import checks_of
from tests.hil.synthetic_runs import MODEL, T0_S, PowerDrift, draw, stability_run, stream

if TYPE_CHECKING:
    from pathlib import Path


def test_a_value_at_the_threshold_is_not_below_it() -> None:
    assert share_below(np.array([0.028, 0.029, 0.030, 0.031]), 0.029).value == 0.25


def test_an_outlier_is_measured_in_shot_noise_and_drift() -> None:
    counts = np.array([9_900.0, 10_000.0, 10_000.0, 10_000.0, 10_500.0])
    two_s = np.full(5, 2.0)
    shot_only = outlier_distance(counts, two_s, 1e-9)
    assert shot_only[4] == pytest.approx(500 / math.sqrt(10_000 / 2))
    with_drift = outlier_distance(counts, two_s, 0.015)
    assert with_drift[4] == pytest.approx(500 / math.hypot(math.sqrt(10_000 / 2), 150))
    assert with_drift[0] == pytest.approx(with_drift[4] / 5)


def test_two_records_in_one_slot_cover_one_slot(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run", 1, missing=frozenset({3, 4}))
    rng = stream(1, "more")
    drift = PowerDrift(rng, 1.0)
    run._database.execute("DROP INDEX telemetry_slot")  # a record that no program of ours writes
    for _ in range(2):
        run.add_record(5, None, draw(rng, MODEL[0.0], drift, 60, T0_S + 5.0))
    coverage = checks_of(run)["stability_coverage"]
    assert coverage.note == "58 of 60"
    assert coverage.verdict == "fail"


def test_a_clock_that_was_not_read_is_incomplete(tmp_path: Path) -> None:
    def unread(meta: dict[str, Any]) -> None:
        del meta["appliances"]["alice"]["clock_offset_s"]

    offset = checks_of(stability_run(tmp_path / "run", 1, meta=unread))["appliance_clock_offset_s"]
    assert offset.verdict == "incomplete"
    assert offset.value is None


def test_an_appliance_that_does_not_say_its_end_is_incomplete(tmp_path: Path) -> None:
    def mute(meta: dict[str, Any]) -> None:
        del meta["appliances"]["bob"]["end"]

    by_name = checks_of(stability_run(tmp_path / "run", 1, meta=mute))
    assert by_name["appliance_bob_end"].verdict == "incomplete"
    assert by_name["appliance_alice_end"].verdict == "pass"
