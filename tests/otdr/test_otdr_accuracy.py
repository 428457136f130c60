"""How far off the analysis is, over seeds: the paper's link, and links drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emulators.otdr.settings import AcquisitionSettings
from tests.otdr.accuracy import measure, paper_link
from tests.otdr.links import random_link

if TYPE_CHECKING:
    from collections.abc import Callable

# What a technician would choose for 20 km: about 10 m of pulse, range beyond twice the length, half a minute.
SETTINGS = AcquisitionSettings(1550.0, 100.0, 40.0, 3.125, 30.0)


def the_papers(_seed: int) -> list[dict[str, Any]]:
    return paper_link()


def a_random(seed: int) -> list[dict[str, Any]]:
    return random_link(np.random.default_rng([seed, 1]))


@pytest.mark.parametrize("link", [the_papers, a_random])
def test_ten_seeds_without_a_miss(link: Callable[[int], list[dict[str, Any]]]) -> None:
    assert [miss for seed in range(10) for miss in measure(link(seed), seed, SETTINGS).misses] == []


@pytest.mark.slow
def test_a_hundred_seeds_of_the_papers_link() -> None:
    assert [miss for seed in range(100) for miss in measure(the_papers(seed), seed, SETTINGS).misses] == []


@pytest.mark.slow
def test_a_hundred_random_links() -> None:
    assert [miss for seed in range(100) for miss in measure(a_random(seed), seed, SETTINGS).misses] == []
