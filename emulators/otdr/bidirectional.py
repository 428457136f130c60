"""Two traces of one fibre, one from each end: the mean of both losses is free of gainers.

Where two fibres scatter differently, one direction sees half of the difference too much, one too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulators.otdr.events import Analysis, Event


@dataclass(frozen=True, slots=True)
class TwoWayEvent:
    """An event seen from both ends; position in m from the near end."""

    position_m: float
    loss_db: float
    """Mean of both directions."""
    near_loss_db: float
    far_loss_db: float
    reflectance_db: float | None
    """The larger of both directions."""


def average(near: Analysis, far: Analysis, within_m: float) -> list[TwoWayEvent]:
    """Return events from both ends with their mean losses, in order from the near end.

    An event that one direction alone reports lies below the other's threshold, and counts there as 0 dB:
    analyse with a low threshold for exact means. Events in dead zones are left out. ValueError if no end.
    """
    if near.end() is None or far.end() is None:
        raise ValueError("both traces must reach the end of fibre")
    length_m = (near.length_m() + far.length_m()) / 2.0
    waiting = [event for event in far.between_ends() if event.loss_db is not None]
    found: list[TwoWayEvent] = []
    for event in near.between_ends():
        if event.loss_db is None:
            continue
        mirror_m = length_m - event.position_m
        partner = min(waiting, key=lambda other: abs(other.position_m - mirror_m), default=None)
        if partner is not None and abs(partner.position_m - mirror_m) <= within_m:
            waiting.remove(partner)
            found.append(_two_way(event.position_m, event, partner))
        else:
            found.append(_two_way(event.position_m, event, None))
    found += [_two_way(length_m - event.position_m, None, event) for event in waiting]
    return sorted(found, key=lambda one: one.position_m)


def _two_way(position_m: float, near: Event | None, far: Event | None) -> TwoWayEvent:
    seen = [event for event in (near, far) if event is not None]
    reflectances_db = [event.reflectance_db for event in seen if event.reflectance_db is not None]
    near_db = 0.0 if near is None or near.loss_db is None else near.loss_db
    far_db = 0.0 if far is None or far.loss_db is None else far.loss_db
    return TwoWayEvent(
        position_m=position_m,
        loss_db=(near_db + far_db) / 2.0,
        near_loss_db=near_db,
        far_loss_db=far_db,
        reflectance_db=max(reflectances_db, default=None),
    )
