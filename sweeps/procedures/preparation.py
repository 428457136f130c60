"""What every procedure does first: look at who is there, then put the link at its reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import StationError
from drivers.roles import POWER_OFF, RUNNING
from sweeps.record.schema import APPLIANCE_STARTED, FOUND_UNSAFE

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import QkdAppliance
    from drivers.station import Station
    from sweeps.record.run_record import RunRecord

# Start-up of such systems takes 10 to 20 minutes (assumed; no public figure for this one).
_COMING_UP_S = 1800.0
_ASK_EVERY_S = 5.0
_HINT = (
    "is each end of the fibre connected to its appliance, and the attenuator to its place in the link? A run"
    " of 'fibre' or 'calibration' that was broken off leaves them as its journal says, maybe with the light"
    " source on the attenuator: that comes off first"
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A link at its reference, both ends making key."""

    offset_s: float
    """The receiver's clock less the station's, in s."""


def prepare_steps(station: StationFacts) -> list[str]:
    """Return what `prepare_link` would do, a line a step."""
    steps = [
        "ask every device who it is; bring what is unsafe into the safe state",
        "set the channel's wavelength, open the attenuator at 0 dB",
        "start appliances that are off, wait until both ends run",
    ]
    if station.reference.kind == "attenuator_removed":
        steps[1] = "set the channel's wavelength, ask an operator to take the attenuator out: 0 dB"
    return steps


def is_at_reference(station: Station) -> bool:
    """Read whether the link is where `prepare_link` would put it."""
    is_right_wavelength = station.attenuator().wavelength_nm() == station.facts.fibre.wavelength_nm
    return station.is_at_reference() and is_right_wavelength


def prepare_link(station: Station, run: RunRecord) -> Prepared:
    """Make unsafe gear safe, put the attenuator at 0 dB for the channel's wavelength, see both ends running.

    StationError if an appliance does not run.
    """
    put_at_reference(station, run)
    see_running(station, run)
    return Prepared(station.receiver().status().clock_offset_s)


def put_at_reference(station: Station, run: RunRecord) -> None:
    """Make unsafe gear safe, put the attenuator at 0 dB for the channel's wavelength."""
    unsafe = station.unsafe()
    if unsafe:
        run.add_event(station.clock.now_s(), FOUND_UNSAFE, "; ".join(unsafe))
        station.make_safe()
    station.attenuator().set_wavelength_nm(station.facts.fibre.wavelength_nm)
    station.set_added_db(0.0)


def see_running(station: Station, run: RunRecord) -> None:
    """Start appliances that are off and return when both ends run; StationError if one does not."""
    for name, appliance in station.appliances().items():
        if appliance.status().state == POWER_OFF:
            run.add_event(
                station.clock.now_s(), APPLIANCE_STARTED, f"{name} was {POWER_OFF}; key making started"
            )
            appliance.start()
    for name, appliance in station.appliances().items():
        _wait_until_running(station.clock, name, appliance)


def _wait_until_running(clock: Clock, name: str, appliance: QkdAppliance) -> None:
    """Let an appliance come up by itself; whatever else it is busy with is not ours to interrupt."""
    deadline_s = clock.now_s() + _COMING_UP_S
    while (state := appliance.status().state) != RUNNING:
        if clock.now_s() >= deadline_s:
            raise StationError(f"{name} is {state}; not {RUNNING} within {_COMING_UP_S:g} s; {_HINT}")
        clock.sleep(_ASK_EVERY_S)
