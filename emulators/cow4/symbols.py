"""Statistics of the four COW-4 symbols: how often a slot is lit, and how often neighbours are.

States (early, late): 0 = (lit, unlit), 1 = (unlit, lit), decoy = (lit, lit), vacuum = (unlit, unlit).
Decoy and vacuum are equally likely, so half of all slots are lit, and signal and noise clicks are
sifted in the same proportion.
"""

from __future__ import annotations

from dataclasses import dataclass

LIT_SHARE = 0.5
"""Share of slots that are lit."""


@dataclass(frozen=True, slots=True)
class PairShares:
    """Shares of neighbouring slot pairs by how many of the two are lit; they sum to 1."""

    both: float
    lone: float
    none: float


def sifted_share(bit_state_probability: float) -> float:
    """Return the share of D_bit clicks that fall on a symbol 0 or 1."""
    return 2.0 * bit_state_probability


def pair_shares(bit_state_probability: float) -> PairShares:
    """Return the shares of slot pairs that meet in the monitoring interferometer.

    Every second pair lies within a symbol, every other one across two independent symbols.
    """
    decoy = 0.5 - bit_state_probability
    across_both = LIT_SHARE**2
    across_lone = 2.0 * LIT_SHARE * (1.0 - LIT_SHARE)
    both = (decoy + across_both) / 2.0
    lone = (2.0 * bit_state_probability + across_lone) / 2.0
    return PairShares(both, lone, none=1.0 - both - lone)
