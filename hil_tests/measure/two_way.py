"""The events of one fibre from its two ends: the mean of both losses is free of gainers.

Where two fibres scatter differently, one direction sees half of the difference too much, one too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drivers.roles import MarkedDb, OtdrEvent
    from hil_tests.measure.otdr_link import Link

LIGHT_M_PER_NS = 0.299792458
_POSITION_M = 5.0


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
    """None where that direction reports nothing here: it counts as 0 dB."""
    far_loss_db: MarkedDb | None
    reflectance_db: MarkedDb | None
    """The larger of both directions."""

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


def seen_events(link: Link) -> list[SeenEvent]:
    """Return the link's events, with those in a dead zone put to the one that carries their loss."""
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
        LinkEvent(seen.position_m, seen.loss_db.value, seen.loss_db, None, seen.reflectance_db)
        for seen in seen_events(link)
    ]


def average(near: Link, far: Link, within_m: float) -> list[LinkEvent]:
    """Return the events of both ends with their mean losses, in order from the near end.

    Two are one if they lie within `within_m`, and how far each extends, of each other; the nearest pairs
    first. An event that one direction alone reports lies below the other's threshold: 0 dB there.
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
    return LinkEvent(
        position_m=position_m,
        loss_db=sum(event.loss_db.value for event in seen) / 2.0,
        near_loss_db=None if here is None else here.loss_db,
        far_loss_db=None if there is None else there.loss_db,
        reflectance_db=strongest(event.reflectance_db for event in seen),
    )


def strongest(reflectances_db: Iterable[MarkedDb | None]) -> MarkedDb | None:
    """Return the largest reflectance; None if nothing reflects."""
    there_are = [each for each in reflectances_db if each is not None]
    return max(there_are, key=lambda each: each.value, default=None)
