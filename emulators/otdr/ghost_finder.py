"""Which reflections are ghosts: without loss, and where and as strong as an echo of others would be."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulators.otdr.events import Event
    from emulators.otdr.settings import AcquisitionSettings

_WITHIN_DB = 4.0


class _Mirror(NamedTuple):
    position_m: float
    reflectance_db: float
    before_db: float
    after_db: float
    saturated: bool


def mark_ghosts(events: Sequence[Event], settings: AcquisitionSettings, loss_db: float) -> list[Event]:
    """Return the events with ghosts marked as such.

    A ghost is a reflection with a loss below `loss_db` either way, where three reflections at other events
    would arrive (z_j + z_k - z_i), and within 4 dB of the power that their reflectances make. Of a clipped
    peak only a lower limit is known: then the echo may be stronger.
    """
    marked = list(events)
    for index, event in enumerate(events):
        if event.kind != "reflective" or event.loss_db is None or abs(event.loss_db) >= loss_db:
            continue
        mirrors = [_mirror(other) for other in marked[:index] if other.kind in {"port", "reflective"}]
        if _is_echo(event, mirrors, settings):
            marked[index] = replace(event, kind="ghost")
    return marked


def _mirror(event: Event) -> _Mirror:
    reflectance_db = -np.inf if event.reflectance_db is None else event.reflectance_db
    before_db = event.cumulated_db or 0.0
    return _Mirror(
        event.position_m,
        float(reflectance_db),
        before_db,
        before_db + (event.loss_db or 0.0),
        event.saturated,
    )


def _is_echo(event: Event, mirrors: Sequence[_Mirror], settings: AcquisitionSettings) -> bool:
    if event.reflectance_db is None or event.cumulated_db is None:
        return False
    seen_db = event.reflectance_db - 2.0 * event.cumulated_db
    within_m = max(settings.pulse_m() / 2.0, 3.0 * settings.spacing_m())
    total = 0.0
    clipped = False
    for turn, outer in _turns(mirrors):
        back_db = turn.reflectance_db + 2.0 * turn.after_db
        out = [(m.position_m, m.reflectance_db - 2.0 * m.before_db) for m in outer]
        positions_m = np.add.outer([p for p, _ in out], [p for p, _ in out]) - turn.position_m
        power_db = np.add.outer([r for _, r in out], [r for _, r in out]) + back_db
        there = np.abs(positions_m - event.position_m) <= within_m
        clipped |= bool(there.any()) and any(mirror.saturated for mirror in (turn, *outer))
        total += float((10.0 ** (power_db[there] / 10.0)).sum())
    if total == 0.0:
        return False
    stronger_db = seen_db - 10.0 * float(np.log10(total))
    return stronger_db >= -_WITHIN_DB and (clipped or stronger_db <= _WITHIN_DB)


def _turns(mirrors: Sequence[_Mirror]) -> list[tuple[_Mirror, Sequence[_Mirror]]]:
    """Return each reflector with all those behind it."""
    return [(first, mirrors[index + 1 :]) for index, (first, _) in enumerate(pairwise(mirrors))]
