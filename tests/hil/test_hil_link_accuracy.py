"""How far off the link's figures are through the printed table, over seeds: no miss for the paper's link."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hil.fibre_runs import SETTINGS, papers_link
from tests.hil.link_accuracy import Errors, a_random_link, measure


def over(seeds: int, *, is_random: bool) -> Errors:
    into = Errors()
    for seed in range(seeds):
        measure(a_random_link(seed) if is_random else papers_link(), seed, SETTINGS, into)
    return into


def assert_as_wanted(into: Errors, seeds: int) -> None:
    assert into.misses == []
    assert len(into.errors["length / m"]) == 2 * seeds
    assert max(abs(error) for error in into.errors["end-to-end loss, mean / dB"]) < 0.1
    assert max(abs(error) for error in into.errors["return loss / dB"]) < 0.2


def test_a_few_seeds_of_the_papers_link() -> None:
    into = over(5, is_random=False)
    assert_as_wanted(into, 5)
    # Both ends of the paper's link show every event: nothing may be left out of the comparison.
    assert len(into.errors["event loss, one way / dB"]) == 5 * 2 * 12
    assert len(into.errors["event loss, mean / dB"]) == 5 * 12


def test_a_few_random_links() -> None:
    assert_as_wanted(over(5, is_random=True), 5)


def test_total_losses_hold_what_the_sum_of_the_parts_leaves_out() -> None:
    """Splices below the threshold are in no event, and so in no sum of events."""
    into = over(8, is_random=True)
    total, parts = (
        float(np.sqrt(np.mean(np.square(into.errors[what]))))
        for what in ("end-to-end loss, mean / dB", "(sum of losses and slopes, mean / dB)")
    )
    assert parts > 3.0 * total


@pytest.mark.slow
@pytest.mark.parametrize("is_random", [False, True], ids=["the paper's", "random"])
def test_a_hundred_seeds(is_random: bool) -> None:
    assert_as_wanted(over(100, is_random=is_random), 100)
