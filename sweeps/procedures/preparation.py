"""What every procedure does first: look at who is there, then put the link at its reference."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from drivers.errors import StationError
from drivers.roles import POWER_OFF, RUNNING

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.roles import QkdAppliance
    from drivers.station import Station
    from sweeps.record.run_record import RunRecord

# Start-up of such systems takes 10 to 20 minutes (assumed; no public figure for this one).
_COMING_UP_S = 1800.0
_ASK_EVERY_S = 5.0


def note_identities(station: Station, run: RunRecord) -> None:
    """Write who answers at each address, and which end the inventory expects there, into the run."""
    appliances = {}
    for name, appliance in station.appliances().items():
        status = appliance.status()
        appliances[name] = {
            **asdict(status.identity),
            "end": status.end,
            "expected_end": getattr(station.facts.gear[name], "end", None),
            "protocol": status.protocol,
            "wavelength_nm": status.wavelength_nm,
            "state": status.state,
            "clock_offset_s": status.clock_offset_s,
        }
    run.set_meta("appliances", appliances)
    run.set_meta("attenuator", asdict(station.attenuator().identity()))


def prepare_link(station: Station, run: RunRecord) -> float:
    """Set the attenuator for the channel's wavelength, open it at 0 dB, and see both appliances running.

    Returns the receiver's clock less the station's, in s. StationError if an appliance does not run.
    """
    attenuator = station.attenuator()
    attenuator.set_wavelength_nm(station.facts.fibre.wavelength_nm)
    station.set_added_db(0.0)
    if not attenuator.shutter_open():
        run.add_event(station.clock.now_s(), "shutter", "the attenuator was blocked; opened")
        attenuator.set_shutter_open(is_open=True)
    for name, appliance in station.appliances().items():
        if appliance.status().state == POWER_OFF:
            run.add_event(station.clock.now_s(), "appliance", f"{name} was {POWER_OFF}; key making started")
            appliance.start()
    for name, appliance in station.appliances().items():
        _wait_until_running(station.clock, name, appliance)
    return station.receiver().status().clock_offset_s


def _wait_until_running(clock: Clock, name: str, appliance: QkdAppliance) -> None:
    """Let an appliance come up by itself; whatever else it is busy with is not ours to interrupt."""
    deadline_s = clock.now_s() + _COMING_UP_S
    while (state := appliance.status().state) != RUNNING:
        if clock.now_s() >= deadline_s:
            raise StationError(f"{name} is {state}; not {RUNNING} within {_COMING_UP_S:g} s")
        clock.sleep(_ASK_EVERY_S)
