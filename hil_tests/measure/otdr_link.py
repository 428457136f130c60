"""The link in an OTDR's table of events: what lies between the launch fibre and the tail fibre.

Both connectors belong to the link. What the table does not hold is told in words (`LinkNotFound`) and never
guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.roles import MarkedDb, OtdrEvent

# What lies below the threshold of events is in the total losses alone: a splice of 0.06 dB each 2 km.
_UNSEEN_DB = 0.1
_UNSEEN_DB_PER_KM = 0.03
# How far a lead fibre's end may be from where its length says: its index and its length are known to that.
_LEAD_TOLERANCE_M = 20.0
_LEAD_TOLERANCE = 0.05


class LinkNotFound(Exception):
    """The table does not hold what was asked for; the text says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Link:
    """The events of a link, nearest first, its own two connectors included and ghosts left out."""

    events: tuple[OtdrEvent, ...]
    has_launch: bool
    """Whether fibre lies before the first connector, so that its loss is in the trace."""
    has_tail: bool
    """Whether fibre lies behind the last one."""

    @property
    def near(self) -> OtdrEvent:
        """The connector at the launch fibre's end; the OTDR's own port without one."""
        return self.events[0]

    @property
    def far(self) -> OtdrEvent:
        """The connector at the tail fibre's begin; the end of fibre without one."""
        return self.events[-1]

    @property
    def length_m(self) -> float:
        """From the first connector to the last in m."""
        return self.far.distance_m - self.near.distance_m

    def with_loss(self) -> tuple[OtdrEvent, ...]:
        """Return the events that have fibre on both sides, so that their loss can be measured."""
        return self.events[0 if self.has_launch else 1 : len(self.events) if self.has_tail else -1]


def link_of(events: Sequence[OtdrEvent], launch_m: float, tail_m: float) -> Link:
    """Find the link behind a launch fibre and before a tail fibre of given lengths (m, 0 for none).

    LinkNotFound if the table has no end of fibre, or no event where these lengths say.
    """
    real = [event for event in events if not event.is_ghost]
    if not real:
        raise LinkNotFound("the table of events is empty")
    end = real[-1]
    if not end.is_end:
        raise LinkNotFound(
            f"no end of fibre: the last event, at {end.distance_m:.0f} m, is called {end.kind!r};"
            " take a longer range or a longer pulse"
        )
    near, far = real[0], end
    inner = [event for event in real if event.distance_m > 0.0 and event is not end]
    where = f"the fibre ends {end.distance_m:.0f} m from the OTDR"
    if launch_m > 0.0:
        near = _event_at(inner, launch_m, launch_m, f"the launch fibre should end; {where}")
    if tail_m > 0.0:
        far = _event_at(inner, end.distance_m - tail_m, tail_m, f"the tail fibre should begin; {where}")
    if far.distance_m <= near.distance_m:
        raise LinkNotFound(f"nothing lies between launch and tail fibre; {where}")
    first, last = real.index(near), real.index(far)
    return Link(tuple(real[first : last + 1]), has_launch=launch_m > 0.0, has_tail=tail_m > 0.0)


def _event_at(events: Sequence[OtdrEvent], position_m: float, lead_m: float, where: str) -> OtdrEvent:
    allowed_m = max(_LEAD_TOLERANCE_M, _LEAD_TOLERANCE * lead_m)
    nearest = min(events, key=lambda event: abs(event.distance_m - position_m), default=None)
    if nearest is None or abs(nearest.distance_m - position_m) > allowed_m:
        raise LinkNotFound(f"no event near {position_m:.0f} m, where {where}")
    return nearest


def end_to_end_loss_db(link: Link) -> float:
    """Return the loss from before the first connector to behind the last one in dB.

    Taken from the table's total losses: they hold what lies below the threshold of events too, which the sum
    of losses and slopes leaves out. LinkNotFound without lead fibres, where a figure is not plain, or where
    the total losses are not those before each event.
    """
    needs_lead_fibres(link)
    needs_totals_before_events(link)
    before_db = plain_db(link.near.total_loss_db, link.near, "total loss")
    until_db = plain_db(link.far.total_loss_db, link.far, "total loss")
    return until_db + plain_db(link.far.loss_db, link.far, "loss") - before_db


def needs_lead_fibres(link: Link) -> None:
    """Raise LinkNotFound for a link whose two connectors cannot both be measured."""
    for has_it, fibre, which in (
        (link.has_launch, "launch", "first"),
        (link.has_tail, "tail", "last"),
    ):
        if not has_it:
            raise LinkNotFound(
                f"no {fibre} fibre: what the link's {which} connector loses and reflects cannot be seen"
            )


def needs_totals_before_events(link: Link) -> None:
    """Raise LinkNotFound where a total loss is not that from the panel to just before the event.

    From one event to the next it has to grow by the loss of the first and the fibre between them.
    """
    for event, following in pairwise(link.events):
        section_km = (following.distance_m - event.distance_m) / 1000.0
        figures = (event.total_loss_db, following.total_loss_db, event.loss_db, following.slope_db_per_km)
        plain = [figure.value for figure in figures if figure is not None and is_plain(figure)]
        if len(plain) < len(figures):
            continue
        before_db, until_db, loss_db, slope_db_per_km = plain
        grows_db, parts_db = until_db - before_db, loss_db + slope_db_per_km * section_km
        if abs(grows_db - parts_db) > _UNSEEN_DB + _UNSEEN_DB_PER_KM * section_km:
            raise LinkNotFound(
                f"the total loss grows by {grows_db:.3f} dB from {event.distance_m:.0f} m to"
                f" {following.distance_m:.0f} m, the first event's loss and the fibre are {parts_db:.3f} dB:"
                " the table's total losses are not those before each event, as is assumed"
            )


def is_plain(figure: MarkedDb) -> bool:
    """Tell whether a figure has no mark: it is neither approximate nor a bound."""
    return figure.bound is None and not figure.is_approximate


def plain_db(figure: MarkedDb | None, event: OtdrEvent, what: str) -> float:
    """Return a figure of the table; LinkNotFound if it is not there, approximate, or only a bound."""
    where = f"the event at {event.distance_m:.0f} m"
    if figure is None:
        raise LinkNotFound(f"{where} has no {what}: it lies in a dead zone; take a shorter pulse")
    if not is_plain(figure):
        mark = "only a bound" if figure.bound is not None else "only approximate"
        raise LinkNotFound(f"the {what} of {where} is {mark}: an event is too near; take a shorter pulse")
    return figure.value
