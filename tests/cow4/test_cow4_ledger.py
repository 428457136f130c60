from __future__ import annotations

import math

import numpy as np
import pytest

from emulators.cow4.ledger import KeyBlock, KeyLedger
from emulators.cow4.profile import load_profile
from emulators.cow4.sample import LinkSample, LossSegment
from emulators.cow4.secret_fraction import block_bits_per_click, block_time_s
from emulators.cow4.statistical import StatisticalSource
from emulators.lab.streams import Streams

PROFILE = load_profile("cerberis_xgr_paper")
T0_S = 1_704_067_200.0


def steady(click_rate_cps: float, skr_bps: float) -> LinkSample:
    return LinkSample(skr_bps, qber=0.01, visibility=0.99, detection_count=click_rate_cps)


def rate_that_fills_in(seconds: float) -> float:
    return PROFILE.block_bits / (seconds * block_bits_per_click(PROFILE))


def test_a_block_ends_when_it_is_full_between_two_records() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    sample = steady(rate_that_fills_in(125.0), skr_bps=2000.0)
    blocks: list[KeyBlock] = []
    for end_s in range(10, 131, 10):
        assert ledger.key_rate_bps() == 0.0
        blocks += ledger.advance(T0_S + end_s, sample)
    (block,) = blocks
    assert block.start_s == T0_S
    assert block.end_s == pytest.approx(T0_S + 125.0, abs=1e-3)
    assert block.key_bits == pytest.approx(125 * 2000, abs=2)
    assert ledger.key_rate_bps() == pytest.approx(2000.0, rel=1e-4)


def test_a_block_adds_up_its_records() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    clicks = rate_that_fills_in(100.0)
    ledger.advance(T0_S + 60.0, steady(clicks, 1000.0))
    (block,) = ledger.advance(T0_S + 100.5, steady(clicks, 2000.0))
    assert block.key_bits == pytest.approx(60 * 1000 + 40 * 2000, abs=2)


def test_a_long_step_finishes_several_blocks_and_keeps_the_rest() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    sample = steady(rate_that_fills_in(100.0), 1500.0)
    assert len(ledger.advance(T0_S + 350.0, sample)) == 3
    assert ledger.advance(T0_S + 399.0, sample) == []
    assert len(ledger.advance(T0_S + 401.0, sample)) == 1


def test_the_rate_stands_until_the_supervisor_gives_the_next_block_up() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    ledger.advance(T0_S + 100.0, steady(rate_that_fills_in(100.0), 1500.0))
    ledger.advance(T0_S + 101.0, steady(rate_that_fills_in(100.0), 1500.0))
    limit_s = PROFILE.supervisor_block_limit_s
    slow = steady(rate_that_fills_in(2.0 * limit_s), 0.0)
    assert ledger.advance(T0_S + 99.0 + limit_s, slow) == []
    assert ledger.key_rate_bps() == pytest.approx(1500.0, rel=0.01)
    assert ledger.advance(T0_S + 101.0 + limit_s, slow) == []
    assert ledger.key_rate_bps() == 0.0


@pytest.mark.parametrize("clicks", [0.0, 100.0])
def test_no_light_no_block_for_days(clicks: float) -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    for hour in range(1, 49):
        assert ledger.advance(T0_S + 3600.0 * hour, steady(clicks, 0.0)) == []
    assert ledger.key_rate_bps() == 0.0


def test_a_block_given_up_leaves_nothing_to_the_next() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    limit_s = PROFILE.supervisor_block_limit_s
    ledger.advance(T0_S + limit_s, steady(rate_that_fills_in(1.01 * limit_s), 500.0))
    blocks = ledger.advance(T0_S + limit_s + 101.0, steady(rate_that_fills_in(100.0), 1500.0))
    assert [block.key_bits for block in blocks] == [pytest.approx(150_000, abs=2)]


def test_restart_forgets() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    sample = steady(rate_that_fills_in(100.0), 1500.0)
    ledger.advance(T0_S + 190.0, sample)
    ledger.restart(T0_S + 1000.0)
    assert ledger.key_rate_bps() == 0.0
    assert ledger.advance(T0_S + 1099.0, sample) == []
    assert len(ledger.advance(T0_S + 1101.0, sample)) == 1


def test_time_moves_forward_only() -> None:
    ledger = KeyLedger(PROFILE, T0_S)
    ledger.advance(T0_S + 10.0, steady(1e4, 1e3))
    with pytest.raises(ValueError, match="end_s"):
        ledger.advance(T0_S + 9.0, steady(1e4, 1e3))


@pytest.mark.parametrize("added_db", [0.0, 10.0])
def test_blocks_and_records_tell_the_same_mean_rate(added_db: float) -> None:
    source = StatisticalSource(PROFILE, Streams(1))
    ledger = KeyLedger(PROFILE, T0_S)
    skr_bps: list[float] = []
    key_rate_bps: list[float] = []
    block_s = 0.0
    for index in range(20_000):
        start_s = T0_S + 10.0 * index
        sample = source.sample(index, start_s, [LossSegment(1.0, added_db)])
        ledger.advance(start_s + 1.0, sample)
        if ledger.key_rate_bps() > 0.0:
            skr_bps.append(sample.skr_bps)
            key_rate_bps.append(ledger.key_rate_bps())
            block_s = block_time_s(PROFILE, sample.detection_count)
    # The ledger lags by a block at either end, so a block's worth of records is all that differs.
    records = len(skr_bps)
    lagging = 2.0 * block_s / 10.0
    error_bps = float(np.std(skr_bps)) * math.sqrt(2.0 * lagging) / records
    assert records > 19_900
    assert np.mean(key_rate_bps) == pytest.approx(np.mean(skr_bps), abs=4.0 * error_bps)
