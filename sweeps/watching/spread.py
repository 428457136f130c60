"""Many values as five numbers, and a bounded number of them over time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

MOST_BUCKETS = 360


class Spread:
    """How many values there were, their mean, standard deviation, least and greatest, without the values.

    Means and sums of squares are put together as by Chan, Golub and LeVeque (1979).
    """

    __slots__ = ("_squares", "count", "high", "low", "mean")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.low = math.inf
        self.high = -math.inf
        self._squares = 0.0

    def add_all(self, values: Floats) -> None:
        """Take in some values, at least one."""
        batch = Spread()
        batch.count = values.size
        batch.mean = float(values.mean())
        batch.low = float(values.min())
        batch.high = float(values.max())
        batch._squares = float(np.square(values - batch.mean).sum())
        self.merge(batch)

    def merge(self, other: Spread) -> None:
        """Take in all values of `other`."""
        if other.count == 0:
            return
        count = self.count + other.count
        step = other.mean - self.mean
        self._squares += other._squares + step * step * self.count * other.count / count
        self.mean += step * other.count / count
        self.count = count
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    def sd(self) -> float:
        """Return the sample standard deviation; 0 for fewer than two values."""
        return math.sqrt(max(self._squares, 0.0) / (self.count - 1)) if self.count > 1 else 0.0


class Bucket:
    """What was recorded in one stretch of time: the time stamps, and each quantity in its place."""

    __slots__ = ("quantities", "time_s")

    def __init__(self, quantities: int) -> None:
        self.time_s = Spread()
        self.quantities = tuple(Spread() for _ in range(quantities))

    def add_all(self, times_s: Floats, values: Floats) -> None:
        """Take in some records, at least one: a row each in `values`, a column each quantity."""
        self.time_s.add_all(times_s)
        for number, spread in enumerate(self.quantities):
            spread.add_all(values[:, number])

    def merge(self, other: Bucket) -> None:
        """Take in all that is in `other`."""
        self.time_s.merge(other.time_s)
        for mine, theirs in zip(self.quantities, other.quantities, strict=True):
            mine.merge(theirs)


class Buckets:
    """Records over time in at most `most` buckets; all grow to twice their width when the time gets longer.

    Bucket k holds the times in [k * width_s, (k + 1) * width_s), so it does not matter in which order
    records come.
    """

    def __init__(self, width_s: float, quantities: int, most: int = MOST_BUCKETS) -> None:
        self.width_s = width_s
        self._quantities = quantities
        self._most = most
        self._by_index: dict[int, Bucket] = {}
        # The first bucket and the last one; this way round there is none yet.
        self._first, self._last = 0, -1

    def add_all(self, times_s: Floats, values: Floats) -> None:
        """Take in some records, at least one: a row each in `values`, a column each quantity."""
        self._make_room_for(float(times_s.min()))
        self._make_room_for(float(times_s.max()))
        indices = np.floor(times_s / self.width_s).astype(np.int64)
        edges = [0, *(np.flatnonzero(np.diff(indices)) + 1).tolist(), times_s.size]
        for begin, end in pairwise(edges):
            bucket = self._by_index.setdefault(int(indices[begin]), Bucket(self._quantities))
            bucket.add_all(times_s[begin:end], values[begin:end])

    def in_order(self) -> list[Bucket]:
        """Return the buckets that hold anything, oldest first."""
        return [self._by_index[index] for index in sorted(self._by_index)]

    def _make_room_for(self, time_s: float) -> None:
        """Widen the buckets until `time_s` is in reach."""
        index = math.floor(time_s / self.width_s)
        if self._first > self._last:
            self._first = self._last = index
        while max(self._last, index) - min(self._first, index) >= self._most:
            self._widen()
            index //= 2
        self._first, self._last = min(self._first, index), max(self._last, index)

    def _widen(self) -> None:
        self.width_s *= 2
        wider: dict[int, Bucket] = {}
        for index, bucket in self._by_index.items():
            if index // 2 in wider:
                wider[index // 2].merge(bucket)
            else:
                wider[index // 2] = bucket
        self._by_index = wider
        self._first //= 2
        self._last //= 2
