from __future__ import annotations

import math

import numpy as np
import pytest

from emulators.cow4.drift import Drift
from emulators.cow4.expectation import expected_record
from emulators.cow4.profile import load_profile
from emulators.cow4.rates import bit_arm
from emulators.cow4.sample import LinkSample, LossSegment
from emulators.cow4.statistical import StatisticalSource
from emulators.lab.streams import Streams

PROFILE = load_profile("cerberis_xgr_paper")
T0_S = 1_704_067_200.0


def source(seed: int = 1) -> StatisticalSource:
    return StatisticalSource(PROFILE, Streams(seed))


def draw(segments: list[LossSegment], records: int, seed: int = 1) -> list[LinkSample]:
    made = source(seed)
    return [made.sample(index, T0_S + 10.0 * index, segments) for index in range(records)]


def at(added_db: float) -> list[LossSegment]:
    return [LossSegment(1.0, added_db)]


def test_a_window_depends_on_nothing_but_seed_index_time_and_loss() -> None:
    forwards = draw(at(5.0), 50)
    other = source()
    backwards = [other.sample(index, T0_S + 10.0 * index, at(5.0)) for index in reversed(range(50))]
    assert forwards == backwards[::-1]
    assert forwards[17] == source().sample(17, T0_S + 170.0, at(5.0))


def test_another_seed_or_index_draws_another_window() -> None:
    here = source().sample(3, T0_S, at(0.0))
    assert source(2).sample(3, T0_S, at(0.0)) != here
    assert source().sample(4, T0_S, at(0.0)) != here


def test_cutting_a_stretch_in_two_changes_nothing() -> None:
    whole = draw(at(3.0), 20)
    cut = draw([LossSegment(0.25, 3.0), LossSegment(0.75, 3.0)], 20)
    for one, other in zip(whole, cut, strict=True):
        assert other.detection_count == pytest.approx(one.detection_count, abs=1.0)
        assert other.visibility == one.visibility


def test_a_window_across_a_step_mixes_its_stretches_by_duration() -> None:
    mixed = draw([LossSegment(0.25, 0.0), LossSegment(0.75, 10.0)], 2000)
    near, far = bit_arm(PROFILE, 0.0), bit_arm(PROFILE, 10.0)
    clicks = 0.25 * near.click_rate_cps + 0.75 * far.click_rate_cps
    wrong = 0.25 * near.click_rate_cps * near.qber + 0.75 * far.click_rate_cps * far.qber
    counts = np.array([sample.detection_count for sample in mixed])
    qber = np.array([sample.qber for sample in mixed])
    assert counts.mean() == pytest.approx(clicks, rel=0.002)
    assert qber.mean() == pytest.approx(wrong / clicks, abs=4.0 * float(qber.std()) / math.sqrt(2000))


def test_counts_are_per_second_whatever_the_window() -> None:
    counts = [sample.detection_count for sample in draw([LossSegment(0.2, 0.0)], 500)]
    assert np.mean(counts) == pytest.approx(bit_arm(PROFILE, 0.0).click_rate_cps, rel=0.002)


@pytest.mark.parametrize("added_db", [20.0, 40.0, math.inf])
def test_records_in_the_dark_are_defined(added_db: float) -> None:
    for sample in draw(at(added_db), 200):
        values = (sample.skr_bps, sample.qber, sample.visibility, sample.detection_count)
        assert all(math.isfinite(value) for value in values)
        assert sample.skr_bps == 0.0
        assert sample.detection_count >= 0.0


def test_no_light_reads_as_no_information() -> None:
    samples = draw(at(math.inf), 300)
    assert {sample.qber for sample in samples} == {0.5}
    assert {sample.visibility for sample in samples} == {0.0}
    darks = [sample.detection_count for sample in samples]
    assert np.mean(darks) == pytest.approx(PROFILE.dark_count_rate_cps, rel=0.03)


@pytest.mark.parametrize("segments", [[], [LossSegment(0.0, 0.0)]])
def test_an_empty_window_is_refused(segments: list[LossSegment]) -> None:
    with pytest.raises(ValueError, match="empty"):
        source().sample(0, T0_S, segments)


@pytest.mark.parametrize("added_db", [0.0, 5.0, 10.0])
def test_means_of_the_records_are_the_expected_ones(added_db: float) -> None:
    records = 3000
    samples = draw(at(added_db), records)
    expected = expected_record(PROFILE, added_db)
    skr = np.array([sample.skr_bps for sample in samples])
    qber = np.array([sample.qber for sample in samples])
    assert skr.mean() == pytest.approx(expected.skr_bps, abs=4.0 * float(skr.std()) / math.sqrt(records))
    assert qber.mean() == pytest.approx(expected.qber, abs=4.0 * float(qber.std()) / math.sqrt(records))


def test_displayed_rate_and_displayed_qber_come_from_different_data() -> None:
    """One common sample would tie them: each wrong bit more would cost key."""
    samples = draw(at(0.0), 4000)
    correlation = np.corrcoef([s.skr_bps for s in samples], [s.qber for s in samples])[0, 1]
    assert abs(correlation) < 4.0 / math.sqrt(4000)


def test_the_rate_follows_the_visibility_of_its_own_record() -> None:
    samples = draw(at(0.0), 1000)
    correlation = np.corrcoef([s.skr_bps for s in samples], [s.visibility for s in samples])[0, 1]
    assert correlation > 0.95


def test_wrong_benches_show() -> None:
    dim = StatisticalSource(PROFILE.with_changes(visibility=0.97), Streams(1))
    noisy = StatisticalSource(PROFILE.with_changes(dark_count_factor=10.0), Streams(1))
    right = source().sample(0, T0_S, at(5.0))
    assert dim.sample(0, T0_S, at(5.0)).visibility < right.visibility - 0.01
    assert noisy.sample(0, T0_S, at(5.0)).qber > right.qber + 0.01


# --- drift


def test_drift_has_the_same_variance_between_knots_as_on_them() -> None:
    drift = Drift(Streams(1).stream("test"), interval_s=60.0)
    for phase in (0.0, 0.25, 0.5):
        values = [drift.at(60.0 * (index + phase)) for index in range(4000)]
        assert np.mean(values) == pytest.approx(0.0, abs=0.08)
        assert np.var(values) == pytest.approx(1.0, abs=0.1)


def test_drift_is_slow_and_forgets() -> None:
    drift = Drift(Streams(1).stream("test"), interval_s=60.0)
    values = np.array([drift.at(10.0 * index) for index in range(12_000)])
    assert np.corrcoef(values[:-1], values[1:])[0, 1] > 0.9
    assert abs(np.corrcoef(values[:-12], values[12:])[0, 1]) < 0.1


def test_drift_is_a_function_of_time_only() -> None:
    times_s = [T0_S + 7.0 * index for index in range(200)]
    first, second = (Drift(Streams(5).stream("test"), 60.0) for _ in range(2))
    assert [first.at(t) for t in times_s] == [second.at(t) for t in reversed(times_s)][::-1]
