r"""Optical return loss of a whole link from its event table, by the integral of what comes back.

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

from drivers.facts.units import LIGHT_M_PER_NS
from hil_tests.measure.otdr_link import (
    is_plain,
    needs_lead_fibres,
    needs_totals_before_events,
    plain_db,
)

if TYPE_CHECKING:
    from drivers.roles import OtdrEvent
    from hil_tests.measure.otdr_link import Link

_TWO_WAY_NEPER_PER_DB = math.log(10.0) / 5.0


@dataclass(frozen=True, slots=True)
class ReturnLoss:
    """Return loss in dB; where a reflection is only a bound, the true one is lower."""

    value_db: float
    is_upper_bound: bool


def return_loss(link: Link, backscatter_db: float, group_index: float) -> ReturnLoss:
    """Return the link's return loss.

    LinkNotFound without lead fibres, without the first connector's total loss, or where the total losses are
    not those before each event.
    """
    needs_lead_fibres(link)
    needs_totals_before_events(link)
    start_db = plain_db(link.near.total_loss_db, link.near, "total loss")
    backscatter_per_m = 2.0 * group_index / LIGHT_M_PER_NS * 10.0 ** (backscatter_db / 10.0)
    returned, is_upper_bound = 0.0, False
    behind_db, position_m = 0.0, link.near.distance_m
    for event in link.events:
        section_m = event.distance_m - position_m
        before_db = _level_before_db(event, start_db, behind_db, section_m)
        if section_m > 0.0:
            lost_db = _section_loss_db(event, before_db - behind_db, section_m)
            seen_m = section_m * _mean_share(lost_db)
            returned += backscatter_per_m * 10.0 ** (-(before_db - lost_db) / 5.0) * seen_m
        if event.reflectance_db is not None:
            returned += 10.0 ** (event.reflectance_db.value / 10.0 - before_db / 5.0)
            is_upper_bound |= event.reflectance_db.bound == "at_least"
        behind_db = before_db + (0.0 if event.loss_db is None else event.loss_db.value)
        position_m = event.distance_m
    return ReturnLoss(-10.0 * math.log10(returned), is_upper_bound)


def _level_before_db(event: OtdrEvent, start_db: float, behind_db: float, section_m: float) -> float:
    """Return the loss from the link's begin to just before an event in dB.

    By the total loss; where the table gives none that can be used, as in a dead zone, by the level behind the
    event before and the fibre since. Without a slope either, that fibre loses nothing, so that no light is
    left out.
    """
    if event.total_loss_db is not None and is_plain(event.total_loss_db):
        return event.total_loss_db.value - start_db
    return behind_db + (_by_slope_db(event, section_m) or 0.0)


def _section_loss_db(event: OtdrEvent, between_db: float, section_m: float) -> float:
    """Return what the section that leads to an event loses: by its slope, else by the levels at its ends."""
    by_slope_db = _by_slope_db(event, section_m)
    return between_db if by_slope_db is None else by_slope_db


def _by_slope_db(event: OtdrEvent, section_m: float) -> float | None:
    slope = event.slope_db_per_km
    return None if slope is None or not is_plain(slope) else slope.value * section_m / 1000.0


def _mean_share(loss_db: float) -> float:
    """Return the mean over a section of the share of light that goes there and back; `loss_db` one way."""
    decay = _TWO_WAY_NEPER_PER_DB * loss_db
    return 1.0 if abs(decay) < 1e-9 else -math.expm1(-decay) / decay
