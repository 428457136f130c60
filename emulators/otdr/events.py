"""What the analysis of a trace finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

EventKind = Literal["port", "reflective", "non_reflective", "gainer", "ghost", "end"]
"""port: the OTDR's own connector; gainer: the trace steps up, two fibres scatter differently;
ghost: light that went to and fro between reflectors, nothing is there; end: no fibre behind."""


@dataclass(frozen=True, slots=True)
class SectionFit:
    """A straight line (least squares) through the backscatter of one section, level in dB over m."""

    start_m: float
    end_m: float
    intercept_db: float
    """Level of the line at 0 m."""
    slope_db_per_m: float
    """Attenuation; positive when the level falls."""

    def level_db(self, position_m: float) -> float:
        """Return the line's level in dB at a position, also outside the section."""
        return self.intercept_db - self.slope_db_per_m * position_m

    def attenuation_db_per_km(self) -> float:
        """Return the section's attenuation in dB/km."""
        return 1000.0 * self.slope_db_per_m


@dataclass(frozen=True, slots=True)
class Event:
    """One event: where it begins, and what it does to the light."""

    kind: EventKind
    position_m: float
    loss_db: float | None
    """None for port and end, and in the dead zone of the event before, which then carries both losses."""
    reflectance_db: float | None
    """None for an event that does not reflect."""
    saturated: bool
    """The receiver clipped: the reflectance is at least the one given."""
    cumulated_db: float | None
    """Loss from the port to just before the event; None in a dead zone."""
    before: SectionFit | None
    """The section before the event; None in a dead zone."""
    after: SectionFit | None
    """The section after it; None behind the end and in a dead zone."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The events of a trace in order, and what follows from them."""

    events: tuple[Event, ...]
    noise_rms: float
    """Noise of a point, relative to the power of the launched pulse."""
    orl_db: float
    """Optical return loss of all behind the port's dead zone, by integration."""

    def end(self) -> Event | None:
        """Return the end of fibre, None when the trace is lost in noise or the range ends before it."""
        return self.events[-1] if self.events[-1].kind == "end" else None

    def length_m(self) -> float:
        """Return the distance from the port to the end of fibre in m; nan without an end."""
        end = self.end()
        return math.nan if end is None else end.position_m

    def between_ends(self) -> tuple[Event, ...]:
        """Return the events between port and end that are no ghosts."""
        return tuple(event for event in self.events if event.kind not in {"port", "end", "ghost"})


@dataclass(frozen=True, slots=True)
class LinkResult:
    """The link between launch and tail fibre, both end connectors included."""

    first: Event
    last: Event
    length_m: float
    loss_db: float


class LinkNotFoundError(ValueError):
    """Where the launch or tail fibre should end there is no event that could be measured."""


def link_result(analysis: Analysis, launch_m: float, tail_m: float) -> LinkResult:
    """Measure the link behind a launch fibre and before a tail fibre of given lengths (m).

    LinkNotFoundError when there is no end of fibre, or no event where these lengths say.
    """
    end = analysis.end()
    if end is None:
        raise LinkNotFoundError("no end of fibre in the trace: take a longer range or a longer pulse")
    first = _event_at(analysis, launch_m, "launch")
    last = _event_at(analysis, end.position_m - tail_m, "tail")
    if first.before is None or last.after is None or first is last:
        raise LinkNotFoundError(
            "launch or tail fibre lies in a dead zone: take a shorter pulse or longer fibres"
        )
    loss_db = first.before.level_db(first.position_m) - last.after.level_db(last.position_m)
    return LinkResult(first, last, last.position_m - first.position_m, loss_db)


def _event_at(analysis: Analysis, position_m: float, fibre: str) -> Event:
    events = analysis.between_ends()
    allowed_m = max(20.0, 0.05 * position_m)
    nearest = min(events, key=lambda event: abs(event.position_m - position_m), default=None)
    if nearest is None or abs(nearest.position_m - position_m) > allowed_m:
        raise LinkNotFoundError(f"no event near {position_m:.0f} m, where the {fibre} fibre should end")
    return nearest
