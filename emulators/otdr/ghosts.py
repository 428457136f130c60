"""Ghosts: light that is reflected three times and so arrives later than any way there and back.

Out to reflector j, back to i before it, out again to k, and home: it arrives at t_j + t_k - t_i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulators.plant.sight import Reflector


class Echo(NamedTuple):
    """A pulse that comes back: round-trip delay (ns) and power relative to the launched pulse."""

    delay_ns: float
    power: float


def echoes(reflectors: Sequence[Reflector], faintest: float) -> list[Echo]:
    """Return all three-fold reflections at least as strong as `faintest`; reflectors in order of delay."""
    delay_ns = np.array([reflector.delay_ns for reflector in reflectors])
    returned = np.array([reflector.returned() for reflector in reflectors])
    found: list[Echo] = []
    for index, turn in enumerate(reflectors[:-1]):
        mirror = 10.0 ** (turn.reflectance_db / 10.0 + turn.after_db / 5.0)
        power = mirror * np.outer(returned[index + 1 :], returned[index + 1 :])
        arrival_ns = np.add.outer(delay_ns[index + 1 :], delay_ns[index + 1 :]) - turn.delay_ns
        strong = power >= faintest
        found += [Echo(float(t), float(p)) for t, p in zip(arrival_ns[strong], power[strong], strict=True)]
    return found
