"""Dark-count corrected (Dcc) visibility from the counts of one dark-port detector.

`V = 1 - (y_both - y_none) / (2 (y_lone - y_none))`, y = counts per slot pair of a class. The maker's
own definition is not public; this one needs no second detector, because COW-4's vacuum state shows
the dark counts in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulators.cow4.symbols import PairShares

FEWEST_COUNTS = 20
"""With fewer events an estimator says nothing: visibility 0, QBER 1/2."""


@dataclass(frozen=True, slots=True)
class VisibilityEstimate:
    """A visibility as estimated, and as the key rate may use it."""

    value: float
    """The estimate as it is: shot noise takes it to 1 and above now and then. 0 if counts are too few."""
    for_rate: float
    """In [0, 1): an estimate that leaves less than one net count of two lit pulses is taken as one count."""


def dcc_visibility(both: float, lone: float, none: float, shares: PairShares) -> VisibilityEstimate:
    """Estimate the visibility from the counts of D_mon on pairs with both, one and none of the slots lit."""
    lone_per_pair = lone / shares.lone - none / shares.none
    if lone < FEWEST_COUNTS or lone_per_pair <= 0:
        return VisibilityEstimate(0.0, 0.0)
    value = 1.0 - (both / shares.both - none / shares.none) / (2.0 * lone_per_pair)
    with_one_count = 1.0 - 1.0 / (2.0 * shares.both * lone_per_pair)
    return VisibilityEstimate(value, max(0.0, min(value, with_one_count)))
