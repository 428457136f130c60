"""What every procedure does first: look at who is there, then put the link at its reference."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.station import Station
    from sweeps.record import RunRecord

RUNNING = "Running"


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


def prepare_link(station: Station, run: RunRecord) -> None:
    """Set the attenuator for the channel's wavelength, open it at 0 dB, and start idle appliances."""
    attenuator = station.attenuator()
    attenuator.set_wavelength_nm(station.facts.fibre.wavelength_nm)
    station.set_added_db(0.0)
    if not attenuator.shutter_open():
        run.add_event(station.clock.now_s(), "shutter", "the attenuator was blocked; opened")
        attenuator.set_shutter_open(is_open=True)
    for name, appliance in station.appliances().items():
        state = appliance.status().state
        if state != RUNNING:
            run.add_event(station.clock.now_s(), "appliance", f"{name} was {state}; key making started")
            appliance.start()
