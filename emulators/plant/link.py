"""The one optical truth of the quantum channel: the fibre and what is in line with it, over time.

Everything that attenuates registers here under its gear name; the patch panel says whether it is in line and
whether both ends are connected; the fibre says what has happened to it; everything that looks at the quantum
channel's light asks here. Loss is counted beyond the profile's reference fibre (the paper's
12.47 dB), so 0 dB added on a right bench is 0 dB here.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

from emulators.cow4.sample import LossSegment

if TYPE_CHECKING:
    from collections.abc import Callable

# Older changes than this are folded into the first one: nobody asks for windows that far back.
_KEPT_S = 60.0


class Link:
    """Loss of the quantum channel as a step function of lab time."""

    def __init__(self, now_s: Callable[[], float], wavelength_nm: float, extra_loss_db: float = 0.0) -> None:
        self.wavelength_nm = wavelength_nm
        """Wavelength of the light in the channel."""
        self._now_s = now_s
        self._extra_loss_db = extra_loss_db
        self._fibre_db = 0.0
        self._is_joined = True
        self._inline_db: dict[str, float] = {}
        self._place_db: dict[str, float] = {}
        self._taken_out: set[str] = set()
        self._watchers: list[Callable[[], None]] = []
        self._times_s = [now_s()]
        self._added_db = [extra_loss_db]

    def when_set(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called whenever something was set here, also if the loss stays the same."""
        self._watchers.append(watcher)

    def set_inline_db(self, gear: str, loss_db: float) -> None:
        """Set the loss (dB, inf for a blocked path) to which one device is set, from now on.

        It counts while the device is in line; insertion loss is a matter of its place.
        """
        self._inline_db[gear] = loss_db
        self._note_change()

    def set_place(self, gear: str, place_db: float, *, in_line: bool) -> None:
        """Say, as the patch panel, whether a device is in line, and what its place adds in dB either way."""
        self._inline_db.setdefault(gear, 0.0)
        self._place_db[gear] = place_db
        if in_line:
            self._taken_out.discard(gear)
        else:
            self._taken_out.add(gear)
        self._note_change()

    def set_fibre_db(self, change_db: float) -> None:
        """Set what has happened to the fibre since it was built, in dB (inf for a cut), from now on."""
        self._fibre_db = change_db
        self._note_change()

    def set_joined(self, *, is_joined: bool) -> None:
        """Say whether both ends of the fibre are connected to the QKD pair; no light passes if not."""
        self._is_joined = is_joined
        self._note_change()

    def counted_db(self, gear: str) -> float:
        """Return what one device and its place add now, in dB beyond the reference fibre."""
        set_db = 0.0 if gear in self._taken_out else self._inline_db[gear]
        return set_db + self._place_db.get(gear, 0.0)

    def added_db(self) -> float:
        """Return the present loss beyond the reference fibre."""
        return self._added_db[-1]

    def segments(self, start_s: float, end_s: float) -> list[LossSegment]:
        """Return the stretches of constant loss in [start_s, end_s), in order; end_s at most now."""
        first = max(bisect_right(self._times_s, start_s) - 1, 0)
        stretches: list[LossSegment] = []
        for index in range(first, len(self._times_s)):
            begin_s = max(start_s, self._times_s[index])
            is_last = index + 1 == len(self._times_s)
            until_s = end_s if is_last else min(end_s, self._times_s[index + 1])
            if index == first:
                begin_s = start_s
            if until_s > begin_s:
                stretches.append(LossSegment(until_s - begin_s, self._added_db[index]))
        return stretches

    def _note_change(self) -> None:
        self._note_loss()
        for watcher in self._watchers:
            watcher()

    def _note_loss(self) -> None:
        total_db = self._total_db()
        # What is set again to what it is must not split a window: the parts' sums round differently.
        if total_db == self._added_db[-1]:
            return
        self._times_s.append(self._now_s())
        self._added_db.append(total_db)
        self._forget_old()

    def _total_db(self) -> float:
        if not self._is_joined:
            return math.inf
        inline_db = sum(self.counted_db(gear) for gear in self._inline_db)
        return self._extra_loss_db + self._fibre_db + inline_db

    def _forget_old(self) -> None:
        keep_from = bisect_right(self._times_s, self._now_s() - _KEPT_S) - 1
        if keep_from > 0:
            del self._times_s[:keep_from]
            del self._added_db[:keep_from]
