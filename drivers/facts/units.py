"""Decibels, shares and light: the few conversions that the bench needs, each in one place."""

from __future__ import annotations

import math

LIGHT_M_PER_S = 299_792_458.0
LIGHT_M_PER_NS = LIGHT_M_PER_S / 1e9


def db_to_transmission(loss_db: float) -> float:
    """Return the share of light (0 to 1) that passes a loss of `loss_db` (0 or more; inf gives 0)."""
    return 10.0 ** (-loss_db / 10.0)


def transmission_to_db(transmission: float) -> float:
    """Return the loss in dB of a transmission in (0, 1]; inf for 0."""
    if transmission == 0.0:
        return math.inf
    return -10.0 * math.log10(transmission)
