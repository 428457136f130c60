"""What cannot be read may be anything, an OTDR is opened in its turn, and a step is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.clock import WallClock
from drivers.errors import StationError, TransportTimeout
from drivers.roles import LINK_ROLES
from drivers.safe_state import insist
from drivers.station import open_station
from drivers.wires.byte_log import NO_LOG
from tests.drivers.test_station import CountingClock, PlainAttenuator, facts, station_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.roles import Role

OTDR = {"role": "otdr", "driver": "viavi_smartotdr", "site": "gdc_a", "wavelengths_nm": [1550]}


class SilentAttenuator(PlainAttenuator):
    """Obeys and says nothing of how it stands."""

    def attenuation_db(self) -> float:
        raise TransportTimeout("voa", "ATT?", "no answer by the deadline")

    def shutter_open(self) -> bool:
        raise TransportTimeout("voa", "BBL?", "no answer by the deadline")


def test_what_cannot_be_read_is_unsafe_each_for_itself() -> None:
    assert station_of(SilentAttenuator()).unsafe() == [
        "cannot be read: voa: 'ATT?': no answer by the deadline",
        "cannot be read: voa: 'BBL?': no answer by the deadline",
    ]


class Step:
    """Fails so often, then succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self) -> str:
        self.failures -= 1
        if self.failures >= 0:
            raise TransportTimeout("voa", "ATT", f"{self.failures} more")
        return "done"


def test_a_step_is_insisted_on_after_pauses() -> None:
    clock = CountingClock()
    assert insist(Step(0), clock) == "done"
    assert clock.t_s == 0.0
    assert insist(Step(3), clock) == "done"
    assert clock.t_s > 5.0
    with pytest.raises(TransportTimeout, match="0 more"):
        insist(Step(4), clock)
    other = Step(1)
    with pytest.raises(TransportTimeout):
        insist(other, clock, StationError)


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        (LINK_ROLES, ["alice", "bob", "voa"]),
        (("attenuator",), ["voa"]),
        (("attenuator", "otdr"), ["voa"]),
    ],
)
def test_only_gear_of_the_roles_that_are_asked_for_is_opened_and_no_otdr(
    roles: Sequence[Role], names: list[str]
) -> None:
    shipped = facts().model_dump(mode="json")["gear"]
    gear = {name: one for name, one in shipped.items() if one["role"] != "otdr"}
    with pytest.raises(StationError) as caught:
        open_station("here", facts(gear={**gear, "otdr": OTDR}), {}, WallClock(), NO_LOG, roles=roles)
    first, *rest = str(caught.value).splitlines()
    assert first == f"station here: 0 of {len(names)} devices reached"
    assert [line.strip().partition(":")[0] for line in rest] == names
