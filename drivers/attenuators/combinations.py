"""Which fixed attenuators make a wanted attenuation together, and how well that is known."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from drivers.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drivers.facts.gear import FixedAttenuator

# Sums of decimals are compared as they would be written.
_DECIMALS = 6


def values_db(pieces: Mapping[str, FixedAttenuator]) -> tuple[float, ...]:
    """Return every nominal attenuation (dB) that some of `pieces` make together, rising from 0."""
    return tuple(sorted({_nominal_db(pieces, names) for names in _choices(pieces)}))


def pieces_for(pieces: Mapping[str, FixedAttenuator], attenuation_db: float, device: str) -> tuple[str, ...]:
    """Return the fewest of `pieces` whose nominal values make `attenuation_db`; of equals the first listed.

    LimitError naming the values that `device` can make.
    """
    for names in _choices(pieces):
        if abs(_nominal_db(pieces, names) - attenuation_db) < 10**-_DECIMALS:
            return names
    can = ", ".join(f"{value_db:g}" for value_db in values_db(pieces))
    raise LimitError(f"{device}: {attenuation_db:g} dB cannot be made of its attenuators; possible: {can} dB")


def loss_db(pieces: Mapping[str, FixedAttenuator], names: Iterable[str]) -> float:
    """Return what is known of the loss of `names` together, in dB."""
    return round(sum(pieces[name].loss_db() for name in names), _DECIMALS)


def uncertainty_db(pieces: Mapping[str, FixedAttenuator], names: Iterable[str]) -> float:
    """Return how far the true loss of `names` together may be from `loss_db`, in dB.

    Tolerances are bounds and add up: two attenuators of 0.2 dB are known within 0.4 dB (paper, Table 3).
    """
    return round(sum(pieces[name].uncertainty_db() for name in names), _DECIMALS)


def _nominal_db(pieces: Mapping[str, FixedAttenuator], names: Iterable[str]) -> float:
    return round(sum(pieces[name].nominal_db for name in names), _DECIMALS)


def _choices(pieces: Mapping[str, FixedAttenuator]) -> Iterable[tuple[str, ...]]:
    """Give every choice of `pieces`, those of fewer first."""
    for count in range(len(pieces) + 1):
        yield from combinations(pieces, count)
