"""Whether one event of the link is within a limit: one answer for the checks and for the report's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.roles import MarkedDb
    from hil_tests.measure.bidirectional import LinkEvent
    from hil_tests.verdict import Verdict


def loss_verdict(event: LinkEvent, high_db: float) -> Verdict:
    """Judge an event's own loss by the most that is allowed in dB: incomplete where it may be either."""
    if event.least_db > high_db:
        return "fail"
    return "incomplete" if event.most_db > high_db else "pass"


def reflectance_verdict(reflectance: MarkedDb, high_db: float) -> Verdict:
    """Judge a reflectance by the most that is allowed in dB: incomplete for a bound that tells nothing."""
    if reflectance.value > high_db:
        return "incomplete" if reflectance.bound == "at_most" else "fail"
    return "incomplete" if reflectance.bound == "at_least" else "pass"
