"""The slots of a schedule that have no record, as stretches: a night without telemetry is one of them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

NOT_YET = "no record yet; a later reading may still bring it"
"""The reason of a slot that was passed over: gap rows are written only when a schedule ends."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots `first` to `last` (both included) without a record, for one reason."""

    first: int
    last: int
    reason: str

    def slots(self) -> int:
        """Return how many slots it has."""
        return self.last - self.first + 1


class EmptySlots:
    """The stretches of one schedule, in order and apart from each other."""

    def __init__(self) -> None:
        self._stretches: list[Stretch] = []
        self.count = 0

    def stretches(self) -> list[Stretch]:
        """Return them, first slot first."""
        return list(self._stretches)

    def pass_over(self, first: int, last: int) -> None:
        """Note slots `first` to `last` as empty so far; those known to be empty keep their reason."""
        place = max(bisect_right(self._stretches, first, key=_first_of) - 1, 0)
        known = [old for old in self._stretches[place:] if first <= old.last and old.first <= last]
        for old in known:
            if first < old.first:
                self._insert(first, old.first - 1, NOT_YET)
            first = old.last + 1
        if first <= last:
            self._insert(first, last, NOT_YET)

    def forget_passed_over(self, after: int) -> None:
        """Forget slots beyond `after` that were only passed over; gap rows among them stay."""
        place = len(self._stretches)
        while place and self._stretches[place - 1].last > after:
            place -= 1
        tail = self._stretches[place:]
        del self._stretches[place:]
        for old in tail:
            if old.reason != NOT_YET:
                self._stretches.append(old)
                continue
            if old.first <= after:
                self._stretches.append(replace(old, last=after))
            self.count -= old.last - max(old.first - 1, after)

    def miss(self, slot: int, reason: str) -> None:
        """Note `slot` as empty for good, for `reason`."""
        self.fill(slot)
        self._insert(slot, slot, reason)

    def _insert(self, first: int, last: int, reason: str) -> None:
        place = bisect_right(self._stretches, first, key=_first_of)
        self.count += last - first + 1
        before = self._stretches[place - 1] if place else None
        if before is not None and before.last == first - 1 and before.reason == reason:
            self._stretches[place - 1] = replace(before, last=last)
        else:
            self._stretches.insert(place, Stretch(first, last, reason))

    def fill(self, slot: int) -> bool:
        """Note that `slot` has a record now; return whether it was empty."""
        if not self._stretches or slot > self._stretches[-1].last:
            return False  # as nearly always
        place = bisect_right(self._stretches, slot, key=_first_of) - 1
        if place < 0 or self._stretches[place].last < slot:
            return False
        old = self._stretches[place]
        left = [replace(old, last=slot - 1)] if old.first < slot else []
        right = [replace(old, first=slot + 1)] if slot < old.last else []
        self._stretches[place : place + 1] = left + right
        self.count -= 1
        return True


def _first_of(stretch: Stretch) -> int:
    return stretch.first
