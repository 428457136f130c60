"""The verdict on one event: a bound on the limit's other side is neither a pass nor a failure."""

from __future__ import annotations

from typing import Literal

import pytest

from drivers.roles import MarkedDb
from hil_tests.measure.bidirectional import LinkEvent
from hil_tests.measure.event_verdict import loss_verdict, reflectance_verdict


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        (-36.0, None, "pass"),
        (-34.0, None, "fail"),
        (-36.0, "at_least", "incomplete"),
        (-34.0, "at_least", "fail"),
        (-36.0, "at_most", "pass"),
        (-34.0, "at_most", "incomplete"),
    ],
)
def test_a_reflectance(value: float, bound: Literal["at_least", "at_most"] | None, verdict: str) -> None:
    assert reflectance_verdict(MarkedDb(value, bound=bound), -35.0) == verdict


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        (0.2, None, "pass"),
        (0.4, None, "fail"),
        (0.2, "at_least", "incomplete"),
        (0.4, "at_most", "incomplete"),
    ],
)
def test_a_loss(value: float, bound: Literal["at_least", "at_most"] | None, verdict: str) -> None:
    mark = MarkedDb(value, bound=bound)
    assert loss_verdict(LinkEvent(100.0, value, mark, mark, None), 0.3) == verdict
