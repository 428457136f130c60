"""The events of one fibre from its two ends: the mean of both losses is free of gainers.

Where two fibres scatter differently, one direction sees half of the difference too much, one too little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.facts.units import LIGHT_M_PER_NS
from hil_tests.measure.otdr_link import LinkNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drivers.roles import MarkedDb, OtdrEvent
    from hil_tests.measure.otdr_link import Link

_POSITION_M = 5.0
LARGEST_SHIFT_DB = 0.4
"""How far what one direction shows may be from an event's own loss, in dB.

Half of the largest step of backscatter: 0.7 dB between G.652.D and G.657.A1 at 1550 nm, by the fibre types
in `drivers/facts/fibre_types.yaml`; and 0.05 dB, the threshold of events and what a reading may be off.
Assumed is that no two fibres of a link differ by more: ITU-T bounds their mode fields, not their backscatter.
"""
# So far an event may hide the loss of the next: its pulse, and what the receiver takes to recover.
_DEAD_ZONE_PULSES = 4.0
_DEAD_ZONE_M = 10.0


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """What one direction shows of an event; m from where the link begins for it."""

    position_m: float
    extent_m: float
    """From the first to the last of the events that share one loss; 0 for a single one."""
    loss_db: MarkedDb
    reflectance_db: MarkedDb | None
    """The largest of all."""


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """An event of the link; m from its near end."""

    position_m: float
    loss_db: float
    """Mean of both directions; what one shows, where only one was measured."""
    near_loss_db: MarkedDb | None
    """None where that direction reports nothing here: it counts as 0 dB, if fibres may differ so much."""
    far_loss_db: MarkedDb | None
    reflectance_db: MarkedDb | None
    """The larger of both directions."""
    is_from_one_end: bool = False
    """Whether nothing was measured from the other end: nothing is known of a step of backscatter then."""

    @property
    def is_seen_once(self) -> bool:
        """Whether one direction alone reports it, the other measured or not."""
        return self.near_loss_db is None or self.far_loss_db is None

    @property
    def least_db(self) -> float:
        """What it loses of its own at least; -inf where nothing bounds it."""
        if self._has_bound("at_most"):
            return -math.inf
        if not self.is_seen_once:
            return self.loss_db
        return self._seen_db() - LARGEST_SHIFT_DB

    @property
    def most_db(self) -> float:
        """What it loses of its own at most; inf where nothing bounds it.

        Where one direction of two is silent its threshold may hide the event (the mean holds) or its noise
        (the event may lose all that the other shows).
        """
        if self.is_from_one_end or self._has_bound("at_least"):
            return math.inf
        return max(self.loss_db, self._seen_db()) if self.is_seen_once else self.loss_db

    def _seen_db(self) -> float:
        return sum(loss.value for loss in (self.near_loss_db, self.far_loss_db) if loss is not None)

    def _has_bound(self, bound: str) -> bool:
        return any(loss is not None and loss.bound == bound for loss in (self.near_loss_db, self.far_loss_db))

    @property
    def is_approximate(self) -> bool:
        """Whether a loss of it is not its own alone."""
        losses = (self.near_loss_db, self.far_loss_db)
        return any(loss is not None and (loss.is_approximate or loss.bound is not None) for loss in losses)


def pulse_m(pulse_ns: float, group_index: float) -> float:
    """Return the length of a pulse on the distance axis in m."""
    return pulse_ns * LIGHT_M_PER_NS / (2.0 * group_index)


def matching_m(pulse_length_m: float) -> float:
    """Return how far apart (m) two directions may put one event.

    Each may be off by the larger of 5 m and half a pulse. What lies within a pulse is one event, and begins
    at the part that is nearer: a patch cord at its one connector from here, at the other from there.
    """
    return max(_POSITION_M, pulse_length_m / 2.0) + pulse_length_m


def needs_losses(link: Link, pulse_length_m: float) -> None:
    """Raise LinkNotFound for an event whose loss is not there, and is not in that of an event just before it.

    Just before is within four pulses, or 10 m with short ones; the OTDR's own port hides losses as any other.
    """
    dead_zone_m = max(_DEAD_ZONE_M, _DEAD_ZONE_PULSES * pulse_length_m)
    hidden_until_m = -math.inf if link.has_launch else link.near.distance_m + dead_zone_m
    for event in link.with_loss():
        if event.loss_db is None and event.distance_m > hidden_until_m:
            raise LinkNotFound(f"the event at {event.distance_m:.0f} m has no loss")
        hidden_until_m = event.distance_m + dead_zone_m


def seen_events(link: Link) -> list[SeenEvent]:
    """Return the link's events, with those in a dead zone put to the one that carries their loss.

    `needs_losses` tells whether that is so of each event without a loss.
    """
    groups: list[list[OtdrEvent]] = []
    for event in link.with_loss():
        if event.loss_db is not None:
            groups.append([event])
        elif groups:
            groups[-1].append(event)
    return [_seen(group, link.near.distance_m) for group in groups]


def _seen(group: Sequence[OtdrEvent], begin_m: float) -> SeenEvent:
    first, last = group[0], group[-1]
    assert first.loss_db is not None  # noqa: S101 - a group begins with an event that has one
    return SeenEvent(
        position_m=first.distance_m - begin_m,
        extent_m=last.distance_m - first.distance_m,
        loss_db=first.loss_db,
        reflectance_db=strongest(event.reflectance_db for event in group),
    )


def from_one_end(link: Link) -> list[LinkEvent]:
    """Return the events as the only direction shows them: gainers and their like are in their losses."""
    return [
        LinkEvent(
            seen.position_m, seen.loss_db.value, seen.loss_db, None, seen.reflectance_db, is_from_one_end=True
        )
        for seen in seen_events(link)
    ]


def average(near: Link, far: Link, within_m: float) -> list[LinkEvent]:
    """Return the events of both ends with their mean losses, in order from the near end.

    Two are one if they lie within `within_m`, and how far each extends, of each other; the nearest pairs
    first. An event that one direction alone reports counts as 0 dB in the other, or as the least that fibres
    allow there; what it may lose at most is another figure (`LinkEvent.most_db`).
    """
    length_m = (near.length_m + far.length_m) / 2.0
    from_near, from_far = seen_events(near), seen_events(far)
    distances = sorted(
        (abs(length_m - there.position_m - here.position_m) - here.extent_m - there.extent_m, one, other)
        for one, here in enumerate(from_near)
        for other, there in enumerate(from_far)
    )
    partner_of: dict[int, int] = {}
    for distance_m, one, other in distances:
        if distance_m <= within_m and one not in partner_of and other not in partner_of.values():
            partner_of[one] = other
    alone = [there for other, there in enumerate(from_far) if other not in partner_of.values()]
    found = [
        _both(here.position_m, here, from_far[partner_of[one]] if one in partner_of else None)
        for one, here in enumerate(from_near)
    ]
    found += [_both(length_m - there.position_m, None, there) for there in alone]
    return sorted(found, key=lambda event: event.position_m)


def _both(position_m: float, here: SeenEvent | None, there: SeenEvent | None) -> LinkEvent:
    seen = [event for event in (here, there) if event is not None]
    loss_db = sum(event.loss_db.value for event in seen) / 2.0
    if len(seen) == 1:
        # No step of backscatter is so large that more than this were only apparent.
        loss_db = max(loss_db, seen[0].loss_db.value - LARGEST_SHIFT_DB)
    return LinkEvent(
        position_m=position_m,
        loss_db=loss_db,
        near_loss_db=None if here is None else here.loss_db,
        far_loss_db=None if there is None else there.loss_db,
        reflectance_db=strongest(event.reflectance_db for event in seen),
    )


def strongest(reflectances_db: Iterable[MarkedDb | None]) -> MarkedDb | None:
    """Return the largest reflectance; None if nothing reflects."""
    there_are = [each for each in reflectances_db if each is not None]
    return max(there_are, key=lambda each: each.value, default=None)
