"""A station: its gear opened by role, its limits kept, its safe state reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.cerberis_xgr.web_api import open_cerberis_xgr
from drivers.errors import BenchError, GearError, LimitError, StationError
from drivers.facts.inventory import CerberisXgrGear, MapMvoaGear, VisaSocketConnection, WebApiConnection
from drivers.roles import Attenuator, QkdAppliance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.clock import Clock
    from drivers.facts.inventory import AnyConnection, AnyGear
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import FaultInjector
    from drivers.wires.byte_log import ByteLog

# Gear that serves one client at a time needs a moment to see that the last connection is gone.
_PAUSES_S = (0.0, 0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class AddedLoss:
    """An attenuation as asked, as set, and as read back from the device, in dB."""

    added_db: float
    setting_db: float
    readback_db: float


class Station:
    """Open gear of one station. Make it with `open_station`; close it when done."""

    def __init__(
        self,
        name: str,
        facts: StationFacts,
        gear: Mapping[str, Attenuator | QkdAppliance],
        clock: Clock,
        faults: FaultInjector | None,
    ) -> None:
        self.name = name
        self.facts = facts
        self.clock = clock
        self.faults = faults
        """Who breaks things here on purpose, where there is such a one."""
        self._gear = gear

    def attenuator(self) -> Attenuator:
        """Return the attenuator in the quantum channel; StationError if the station has none."""
        for gear in self._gear.values():
            if isinstance(gear, Attenuator):
                return gear
        raise StationError(f"station {self.name}: nothing fills the role 'attenuator'")

    def appliances(self) -> dict[str, QkdAppliance]:
        """Return the QKD appliances by gear name."""
        return {name: gear for name, gear in self._gear.items() if isinstance(gear, QkdAppliance)}

    def receiver(self) -> QkdAppliance:
        """Return the appliance whose telemetry is taken: the one with the detectors, by the inventory."""
        for name, gear in self.facts.gear.items():
            opened = self._gear.get(name)
            if isinstance(gear, CerberisXgrGear) and gear.end == "bob" and isinstance(opened, QkdAppliance):
                return opened
        raise StationError(f"station {self.name}: no QKD appliance has the end 'bob'")

    def set_added_db(self, added_db: float) -> AddedLoss:
        """Set the loss added to the fibre, in dB beyond the station's reference of 0 dB.

        LimitError, before anything is sent, above the station's `added_db_max` or below what the
        attenuator can do.
        """
        maximum_db = self.facts.limits.added_db_max
        if not 0 <= added_db <= maximum_db:
            raise LimitError(
                f"station {self.name}: {added_db} dB added; the station allows 0 to {maximum_db}"
            )
        attenuator = self.attenuator()
        attenuator.set_attenuation_db(added_db)
        return AddedLoss(added_db, setting_db=added_db, readback_db=attenuator.attenuation_db())

    def make_safe(self) -> None:
        """Bring the gear into the station's safe state; StationError naming what could not be brought there.

        Every step is tried, and tried again over a fresh connection, whatever became of the others.
        """
        attenuator = self.attenuator()
        is_maximum = self.facts.safe_state.attenuator == "maximum"
        setting_db = self.facts.limits.added_db_max if is_maximum else 0.0
        problems = [
            *self._insist(lambda: attenuator.set_attenuation_db(setting_db)),
            *self._insist(lambda: attenuator.set_shutter_open(is_open=True)),
        ]
        if problems:
            raise StationError("\n  ".join([f"station {self.name}: safe state not reached", *problems]))

    def close(self) -> None:
        """Close every connection; the gear keeps its state."""
        for gear in self._gear.values():
            gear.close()

    def _insist(self, step: Callable[[], None]) -> list[str]:
        """Do `step`, again after each pause if it fails; return the last problem if none succeeded."""
        problem = ""
        for pause_s in _PAUSES_S:
            self.clock.sleep(pause_s)
            try:
                step()
            except GearError as error:
                problem = str(error)
            else:
                return []
        return [problem]


def open_station(
    name: str,
    facts: StationFacts,
    connections: Mapping[str, AnyConnection],
    clock: Clock,
    log: ByteLog,
    faults: FaultInjector | None = None,
) -> Station:
    """Open all gear of a station.

    StationError naming every device that could not be reached, or a station limit beyond the gear.
    """
    opened: dict[str, Attenuator | QkdAppliance] = {}
    problems: list[str] = []
    for gear_name, gear in facts.gear.items():
        try:
            opened[gear_name] = _open_gear(gear_name, gear, connections.get(gear_name), clock, log)
        except BenchError as error:
            problems.append(str(error))
    if problems:
        for gear in opened.values():
            gear.close()
        reached = f"{len(opened)} of {len(facts.gear)} devices reached"
        raise StationError("\n  ".join([f"station {name}: {reached}", *problems]))
    station = Station(name, facts, opened, clock, faults)
    reach_db = station.attenuator().spec.max_db
    if facts.limits.added_db_max > reach_db:
        station.close()
        allowed = f"limits.added_db_max is {facts.limits.added_db_max}"
        raise StationError(f"station {name}: {allowed} dB; its attenuator reaches {reach_db} dB")
    return station


def _open_gear(
    name: str, gear: AnyGear, connection: AnyConnection | None, clock: Clock, log: ByteLog
) -> Attenuator | QkdAppliance:
    if isinstance(gear, MapMvoaGear) and isinstance(connection, VisaSocketConnection):
        return open_viavi_mvoa(name, connection, clock, log)
    if isinstance(gear, CerberisXgrGear) and isinstance(connection, WebApiConnection):
        return open_cerberis_xgr(name, connection, clock, log)
    if connection is None:
        raise StationError(f"{name}: no address for this target")
    raise StationError(f"{name}: {gear.driver} cannot use a {type(connection).__name__}")
