"""Many values as five numbers, and a bounded number of them over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BUCKETS = 360


class Spread:
    """How many values there were, their mean, standard deviation, least and greatest, without the values.

    Mean and sum of squares are updated as by Welford (1962) and put together as by Chan et al. (1979).
    """

    __slots__ = ("_squares", "count", "high", "low", "mean")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.low = math.inf
        self.high = -math.inf
        self._squares = 0.0

    def add(self, value: float) -> None:
        """Take in one value."""
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self._squares += step * (value - self.mean)
        # Plain comparisons: this is done some hundred thousand times, and calls cost twice as much.
        if value < self.low:  # noqa: PLR1730
            self.low = value
        if value > self.high:  # noqa: PLR1730
            self.high = value

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
        self._first = 0
        self._last = 0

    def add(self, time_s: float, values: Sequence[float]) -> None:
        """Take in one record, `values` in the order of the quantities."""
        index = math.floor(time_s / self.width_s)
        bucket = self._by_index.get(index)
        if bucket is None:
            index = self._make_room_for(index)
            bucket = self._by_index.setdefault(index, Bucket(self._quantities))
        bucket.time_s.add(time_s)
        for spread, value in zip(bucket.quantities, values, strict=True):
            spread.add(value)

    def in_order(self) -> list[Bucket]:
        """Return the buckets that hold anything, oldest first."""
        return [self._by_index[index] for index in sorted(self._by_index)]

    def _make_room_for(self, index: int) -> int:
        """Widen the buckets until `index` is in reach; return its index then."""
        if not self._by_index:
            self._first = self._last = index
            return index
        while max(self._last, index) - min(self._first, index) >= self._most:
            self._widen()
            index //= 2
        self._first, self._last = min(self._first, index), max(self._last, index)
        return index

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
