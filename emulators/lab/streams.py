"""Named random streams: seed, stream and index settle a draw, and nothing else does.

Counter-based (Philox), so no stream has a state that somebody's extra question could move, and a
restarted lab draws the same values for the same indices.
"""

from __future__ import annotations

import hashlib

import numpy as np


class Stream:
    """One named stream of a seed."""

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._key = np.frombuffer(digest[:16], dtype=np.uint64)

    def generator(self, index: int) -> np.random.Generator:
        """Return a fresh generator for `index` (0 or more); the same index always draws the same values."""
        # The index fills the two high words of the counter, so neighbouring indices never overlap.
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, index, 0]))


class Streams:
    """All streams of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str) -> Stream:
        """Return the stream called `name`."""
        return Stream(self.seed, name)
