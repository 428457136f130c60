"""A check as a row of steps: each adds to what is known, and one that fails becomes a problem in words."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, TypeAlias

from drivers.contact.advice import problem_of
from drivers.contact.found import DeviceContact, Latency
from drivers.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.clock import Clock
    from drivers.facts.connections import AnyConnection

    Step: TypeAlias = Callable[[DeviceContact], DeviceContact]

QUESTIONS = 9
"""How often a device is asked for its latency."""


def take_until_failure(
    contact: DeviceContact, connection: AnyConnection, steps: Sequence[Step]
) -> DeviceContact:
    """Take steps that rest on one another; the first that meets a problem is the last."""
    for step in steps:
        contact = _take(contact, connection, step)
        if contact.problems:
            break
    return contact


def take_each(contact: DeviceContact, connection: AnyConnection, steps: Sequence[Step]) -> DeviceContact:
    """Take every step, whatever became of the others."""
    for step in steps:
        contact = _take(contact, connection, step)
    return contact


def latency_of(question: str, ask: Callable[[], object], clock: Clock) -> Latency:
    """Ask `QUESTIONS` times and time the answers; BenchError from the first that fails."""
    durations_s: list[float] = []
    for _ in range(QUESTIONS):
        asked_s = clock.now_s()
        ask()
        durations_s.append(clock.now_s() - asked_s)
    return Latency(question, len(durations_s), statistics.median(durations_s), max(durations_s))


def _take(contact: DeviceContact, connection: AnyConnection, step: Step) -> DeviceContact:
    try:
        return step(contact)
    except BenchError as error:
        return contact.with_problem(problem_of(error, connection, contact.interface))
