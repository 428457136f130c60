"""The ledger of key blocks: sifted bits gather, a full block becomes key, a slow one is given up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulators.cow4.secret_fraction import block_bits_per_click

if TYPE_CHECKING:
    from emulators.cow4.profile import Profile
    from emulators.cow4.sample import LinkSample


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """A finished key block."""

    start_s: float
    end_s: float
    key_bits: int

    @property
    def rate_bps(self) -> float:
        """Key bits over the time that the block took."""
        return self.key_bits / (self.end_s - self.start_s)


class KeyLedger:
    """Key blocks over lab time, fed with one telemetry record after the other.

    A record stands for all the time since the one before. Each stretch of bits is compressed as its own
    record allows, so a block's key is the sum over its records.
    """

    def __init__(self, profile: Profile, start_s: float) -> None:
        self._block_bits = profile.block_bits
        self._bits_per_click = block_bits_per_click(profile)
        self._limit_s = profile.supervisor_block_limit_s
        self._now_s = start_s
        self._start_block()
        self._rate_bps = 0.0

    def advance(self, end_s: float, sample: LinkSample) -> list[KeyBlock]:
        """Let time pass to `end_s`, the end of the record's window, and return the blocks that got finished.

        ValueError if `end_s` lies before the end of the last record.
        """
        if end_s < self._now_s:
            raise ValueError(f"end_s: {end_s} lies before {self._now_s}")
        bits_per_s = self._bits_per_click * sample.detection_count
        finished: list[KeyBlock] = []
        while True:
            to_full_s, to_limit_s = self._time_to_full_s(bits_per_s), self._time_to_limit_s()
            if min(to_full_s, to_limit_s) > end_s - self._now_s:
                break
            if to_full_s <= to_limit_s:
                self._gather(to_full_s, bits_per_s, sample.skr_bps)
                finished.append(self._finish_block())
            else:
                self._gather(to_limit_s, bits_per_s, sample.skr_bps)
                self._give_up_block()
        self._gather(end_s - self._now_s, bits_per_s, sample.skr_bps)
        return finished

    def key_rate_bps(self) -> float:
        """Return the rate of the last finished block in bit/s; 0 before the first and after one given up."""
        return self._rate_bps

    def restart(self, now_s: float) -> None:
        """Forget the block in work and the rate, as when key making is stopped and started again."""
        self._now_s = now_s
        self._give_up_block()

    def _time_to_full_s(self, bits_per_s: float) -> float:
        if bits_per_s <= 0.0:
            return math.inf
        return max(0.0, self._block_bits - self._bits) / bits_per_s

    def _time_to_limit_s(self) -> float:
        return max(0.0, self._started_s + self._limit_s - self._now_s)

    def _gather(self, duration_s: float, bits_per_s: float, skr_bps: float) -> None:
        self._now_s += duration_s
        self._bits += bits_per_s * duration_s
        self._key_bits += skr_bps * duration_s

    def _finish_block(self) -> KeyBlock:
        block = KeyBlock(self._started_s, self._now_s, int(self._key_bits))
        self._rate_bps = block.rate_bps
        self._start_block()
        return block

    def _give_up_block(self) -> None:
        self._rate_bps = 0.0
        self._start_block()

    def _start_block(self) -> None:
        self._started_s = self._now_s
        self._bits = 0.0
        self._key_bits = 0.0
