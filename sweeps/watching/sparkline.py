"""A row of blocks that shows how a quantity went."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-~=+*#"


def sparkline(values: Sequence[float], width: int, blocks: str = BLOCKS) -> str:
    """Return the newest part of `values` in at most `width` characters, each the mean of as many values.

    The lowest block is the least mean, the highest the greatest; one that stands still is in the middle.
    """
    if not values:
        return ""
    per_character = -(-len(values) // width)
    # Whole groups from the end, so that the newest character does not jump.
    firsts = range(len(values) % per_character, len(values), per_character)
    means = [sum(values[first : first + per_character]) / per_character for first in firsts]
    low, high = min(means), max(means)
    if high == low:
        return blocks[len(blocks) // 2] * len(means)
    steps = len(blocks) - 1
    return "".join(blocks[round((mean - low) / (high - low) * steps)] for mean in means)
