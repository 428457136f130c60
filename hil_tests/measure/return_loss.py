r"""Optical return loss of a link from its event table (the OTDR method of IEC 61300-3-6).

All steady light that comes back to where it enters the link: each reflection, and the backscatter of each
section, weakened twice by the loss on the way there. With the one-way loss A from the link's begin in dB, K
the backscatter of a pulse of 1 ns in dB and 2 n / c the round trip of a metre in ns:

    ORL = -10 log10(sum_j 10^((R_j - 2 A_j) / 10) + 2 n / c 10^(K / 10) integral 10^(-2 A(z) / 10) dz)

Launch and tail fibre are left out. A wrong K shifts backscatter and reflectances alike; levels are as the
trace shows them, so that differences of K between fibres cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil_tests.measure.otdr_link import needs_lead_fibres, plain_db

if TYPE_CHECKING:
    from hil_tests.measure.otdr_link import Link

_LIGHT_M_PER_NS = 0.299792458
_TWO_WAY_NEPER_PER_DB = math.log(10.0) / 5.0


@dataclass(frozen=True, slots=True)
class ReturnLoss:
    """Return loss in dB; where a reflection is only a bound, the true one is lower."""

    value_db: float
    is_upper_bound: bool


def return_loss(link: Link, backscatter_db: float, group_index: float) -> ReturnLoss:
    """Return the link's return loss; LinkNotFound without lead fibres or the first connector's total loss."""
    needs_lead_fibres(link)
    start_db = plain_db(link.near.total_loss_db, link.near, "total loss")
    backscatter_per_m = 2.0 * group_index / _LIGHT_M_PER_NS * 10.0 ** (backscatter_db / 10.0)
    returned, is_upper_bound = 0.0, False
    level_db, position_m = 0.0, link.near.distance_m
    for event in link.events:
        section_m = event.distance_m - position_m
        slope_db_per_m = 0.0 if event.slope_db_per_km is None else event.slope_db_per_km.value / 1000.0
        # In a dead zone the table gives no level: it is then that behind the event before.
        here_db = level_db + slope_db_per_m * section_m
        if event.total_loss_db is not None:
            here_db = event.total_loss_db.value - start_db
        if section_m > 0.0:
            begins_db = here_db - slope_db_per_m * section_m
            seen_m = section_m * _mean_share(slope_db_per_m * section_m)
            returned += backscatter_per_m * 10.0 ** (-begins_db / 5.0) * seen_m
        if event.reflectance_db is not None:
            returned += 10.0 ** (event.reflectance_db.value / 10.0 - here_db / 5.0)
            is_upper_bound |= event.reflectance_db.bound is not None
        level_db = here_db + (0.0 if event.loss_db is None else event.loss_db.value)
        position_m = event.distance_m
    return ReturnLoss(-10.0 * math.log10(returned), is_upper_bound)


def _mean_share(loss_db: float) -> float:
    """Return the mean over a section of the share of light that goes there and back; `loss_db` one way."""
    decay = _TWO_WAY_NEPER_PER_DB * loss_db
    return 1.0 if abs(decay) < 1e-9 else -math.expm1(-decay) / decay
