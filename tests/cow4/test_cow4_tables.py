"""Tables 2 and 3 of the paper, from drawn records: 100 a point in a sweep, 20,000 for the stability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from emulators.cow4.profile import load_profile
from emulators.cow4.sample import LinkSample, LossSegment
from emulators.cow4.statistical import StatisticalSource
from emulators.lab.streams import Streams
from hil_tests.paper import Published, load_paper

PROFILE = load_profile("cerberis_xgr_paper")
T0_S = 1_704_067_200.0
PERIOD_S = 10.0
RECORDS_PER_POINT = 100
SWEEP_DB = (0.0, 3.0, 5.0, 7.0, 8.0, 10.0, 12.0)
MEANS = [row for row in load_paper().rows if row.published_sd is not None]
MISSED = (3.0, "skr_bps")


def name_of(row: Published) -> str:
    return f"{row.quantity} at {row.added_db:g} dB"


@dataclass(frozen=True)
class Columns:
    """Records of one point, a column a quantity."""

    records: list[LinkSample]

    def values(self, quantity: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([getattr(record, quantity) for record in self.records])

    def z(self, row: Published) -> float:
        assert row.published_sd is not None
        return float((self.values(row.quantity).mean() - row.published) / row.published_sd)


def sweep(seed: int) -> dict[float, Columns]:
    """Visit the paper's points with 100 records each, as the plan `paper` does."""
    source = StatisticalSource(PROFILE, Streams(seed))
    points: dict[float, Columns] = {}
    for number, added_db in enumerate(SWEEP_DB):
        first = number * (RECORDS_PER_POINT + 1)
        points[added_db] = Columns(
            [
                source.sample(index, T0_S + PERIOD_S * index, [LossSegment(1.0, added_db)])
                for index in range(first, first + RECORDS_PER_POINT)
            ]
        )
    return points


def misses(points: dict[float, Columns], limit: float) -> list[tuple[float, str]]:
    return [(row.added_db, row.quantity) for row in MEANS if abs(points[row.added_db].z(row)) > limit]


@pytest.fixture(scope="module")
def one_sweep() -> dict[float, Columns]:
    return sweep(seed=1)


@pytest.fixture(scope="module")
def stability() -> Columns:
    source = StatisticalSource(PROFILE, Streams(1))
    return Columns(
        [source.sample(index, T0_S + PERIOD_S * index, [LossSegment(1.0, 0.0)]) for index in range(20_000)]
    )


@pytest.mark.parametrize("row", MEANS, ids=name_of)
def test_each_mean_lies_within_one_published_deviation(
    one_sweep: dict[float, Columns], row: Published
) -> None:
    z = one_sweep[row.added_db].z(row)
    if (row.added_db, row.quantity) == MISSED:
        # No smooth curve through the other points comes nearer: the step from 0 to 3 dB is too small.
        assert -1.7 < z < -1.0
    else:
        assert abs(z) <= 0.93


def test_that_is_not_this_seeds_luck() -> None:
    """The points at 7 and 8 dB pull apart, and both stay near 0.85: nine seeds in ten keep below 1."""
    missed = [misses(sweep(seed), limit=1.0) for seed in range(30)]
    alright = sum(set(miss) <= {MISSED} for miss in missed)
    assert alright >= 25


def test_12_db_gives_no_key(one_sweep: dict[float, Columns]) -> None:
    assert set(one_sweep[12.0].values("skr_bps")) == {0.0}


def test_10_db_always_gives_key(one_sweep: dict[float, Columns]) -> None:
    assert one_sweep[10.0].values("skr_bps").min() > 0.0


@pytest.mark.parametrize("row", [row for row in MEANS if row.added_db == 0.0], ids=name_of)
def test_stability_means_and_deviations(stability: Columns, row: Published) -> None:
    assert row.published_sd is not None
    assert abs(stability.z(row)) < 0.1
    assert stability.values(row.quantity).std() == pytest.approx(row.published_sd, rel=0.11)


@pytest.mark.parametrize("row", [row for row in MEANS if row.added_db > 0.0], ids=name_of)
def test_deviations_under_loss_are_predicted(one_sweep: dict[float, Columns], row: Published) -> None:
    """None of these was fitted; the QBER at 3 dB has a published one twice that of its neighbours."""
    assert row.published_sd is not None
    ratio = one_sweep[row.added_db].values(row.quantity).std() / row.published_sd
    if (row.added_db, row.quantity) == (3.0, "qber"):
        assert 0.4 < ratio < 0.7
    else:
        assert 1.0 / 1.5 < ratio < 1.5


def test_the_tail_of_the_qber(stability: Columns) -> None:
    qber = stability.values("qber")
    assert (qber < 0.029).mean() > 0.97
    assert qber.max() < 0.06
    # As narrow as a binomial sample; an emulator with a rounded-off tail would stop at 3 %.
    assert qber.max() > 0.035
