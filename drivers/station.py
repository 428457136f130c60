"""A station: its gear opened by role, its limits kept, its safe state reached."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.added_loss import Place, loss_rule
from drivers.attenuator_ports import AttenuatorPorts, calibration_source, insist_bearable
from drivers.attenuators.fixed_attenuators import FixedAttenuators
from drivers.attenuators.oz_dd100mc import open_oz_dd100mc
from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.cerberis_xgr.web_api import open_cerberis_xgr
from drivers.errors import BenchError, GearError, LimitError, StationError
from drivers.facts.connections import SerialConnection, VisaSocketConnection, WebApiConnection
from drivers.facts.gear import CerberisXgrGear, FixedAttenuatorsGear, MapMvoaGear, OzDd100Gear, ViaviOtdrGear
from drivers.fibre_ends import FibreEndsAsTold
from drivers.otdr.interlock import InterlockedOtdr
from drivers.otdr.opening import no_otdr, otdr_opener
from drivers.roles import LINK_ROLES, Attenuator, PowerMeter, QkdAppliance
from drivers.safe_state import SafeState, insist

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from drivers.added_loss import LossRule
    from drivers.clock import Clock
    from drivers.facts.connections import AnyConnection
    from drivers.facts.gear import AnyGear, CalibrationSource
    from drivers.facts.inventory import Station as StationFacts
    from drivers.facts.lab import FibreEndUse
    from drivers.otdr.opening import OtdrOpener
    from drivers.roles import FaultInjector, Operator, Otdr, PlantEvents, Role
    from drivers.wires.byte_log import ByteLog


@dataclass(frozen=True, slots=True)
class AddedLoss:
    """An attenuation as asked, as set, and as read back from the device, in dB."""

    added_db: float
    setting_db: float
    readback_db: float
    uncertainty_db: float
    """How far the light's attenuation may be from the reading."""


class Station:
    """Open gear of one station. Make it with `open_station`; close it when done."""

    def __init__(
        self,
        name: str,
        facts: StationFacts,
        gear: Mapping[str, Attenuator | QkdAppliance],
        clock: Clock,
        faults: FaultInjector | None,
        operator: Operator | None = None,
        plant: PlantEvents | None = None,
        opened_otdr: OtdrOpener = no_otdr,
    ) -> None:
        self.name = name
        self.facts = facts
        self.clock = clock
        self.faults = faults
        """Who breaks things here on purpose, where there is such a one."""
        self.operator = operator
        """Who does by hand what no wire can, where there is such a one."""
        self.plant = plant
        """Who harms and mends the fibre here on purpose, where there is such a one."""
        self._place = Place(name, operator)
        self._fibre_ends = FibreEndsAsTold(name, facts, operator)
        self._ports = AttenuatorPorts(name, facts, operator)
        self._gear = gear
        self._opened_otdr = opened_otdr
        self._otdrs: dict[str, Otdr] = {}
        """The one that is open, if one is: two of the inventory may be one instrument."""
        self._otdr_stack = ExitStack()

    def attenuator(self) -> Attenuator:
        """Return the attenuator in the quantum channel; StationError if the station has none."""
        return self._named_attenuator()[1]

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

    def open_otdr(self, site: str) -> Otdr:
        """Reach the OTDR at `site` and return it, which keeps dark as `otdr_may_shine` says.

        StationError if there is none, if it is not reached, or while one is open: both may be one instrument.
        It may be found shining; from now on it belongs to the safe state, until `close_otdr`.
        """
        if self._otdrs:
            raise StationError(f"station {self.name}: {', '.join(self._otdrs)} is open; close it first")
        name = self._otdr_at(site)
        otdr = self._otdr_stack.enter_context(self._opened_otdr(name))
        self._otdrs[name] = otdr
        return InterlockedOtdr(f"station {self.name}: {name}", otdr, lambda: self.otdr_may_shine(site))

    def close_otdr(self) -> None:
        """See that the OTDR that is open sends no light, and close it; nothing if none is open.

        GearError if it goes on or cannot be read: then it stays open.
        """
        for otdr in self._otdrs.values():
            insist(otdr.stop, self.clock)
        self._otdrs.clear()
        self._otdr_stack.close()

    def set_added_db(self, added_db: float) -> AddedLoss:
        """Set the loss added to the fibre, in dB beyond the station's reference of 0 dB.

        LimitError, before anything is sent or asked, above the station's `added_db_max` or for what the
        attenuator cannot do. Where 0 dB means that it is removed, the operator is asked to take it out or
        to put it in: OperatorAbort if they do not, StationError if there is none.
        """
        setting_db = self.setting_for(added_db)
        attenuator = self.attenuator()
        rule = self._loss_rule()
        is_removed = rule.removes_for(added_db)
        if rule.is_removable:
            self._place.bring_about(rule.task_for(added_db), in_line=not is_removed)
        attenuator.set_attenuation_db(setting_db)
        return AddedLoss(
            added_db,
            setting_db=setting_db,
            readback_db=attenuator.attenuation_db(),
            uncertainty_db=attenuator.uncertainty_db(),
        )

    def setting_for(self, added_db: float) -> float:
        """Return the attenuator's setting (dB) that makes `added_db`; LimitError if nothing may or can."""
        maximum_db = self.facts.limits.added_db_max
        if not 0 <= added_db <= maximum_db:
            raise LimitError(
                f"station {self.name}: {added_db} dB added; the station allows 0 to {maximum_db}"
            )
        rule = self._loss_rule()
        return 0.0 if rule.removes_for(added_db) else rule.setting_db(added_db)

    def power_meter(self) -> PowerMeter:
        """Return the meter of the light behind the attenuator; StationError if it has none."""
        name, attenuator = self._named_attenuator()
        if not isinstance(attenuator, PowerMeter):
            raise StationError(f"station {self.name}: {name} has no power meter")
        return attenuator

    def calibration_source(self) -> CalibrationSource:
        """Return the light source for the attenuator's input, as the inventory has it.

        StationError if it has none; LimitError if the attenuator does not bear it.
        """
        source = calibration_source(self.facts)
        name, attenuator = self._named_attenuator()
        insist_bearable(name, source, attenuator.spec)
        return source

    def put_attenuator_on_source(self) -> None:
        """Have the operator cap the attenuator's output and connect its input to the light source.

        The link is dark from then on, and the shutter is blocked. StationError and LimitError, before anybody
        is asked, as `calibration_source`; StationError while an OTDR sends light or without an operator;
        OperatorAbort.
        """
        self._insist_no_otdr_shines()
        self.calibration_source()
        self._ports.put_on_source(self.attenuator().spec, self._blocked_in_words())
        self._insist_no_otdr_shines()

    def take_attenuator_for_off_link(self) -> None:
        """Take the attenuator's ports for off the link: an operator moved them in an earlier process."""
        self._ports.take_for_off_link()

    def put_attenuator_back(self) -> None:
        """Have the operator take the source off and connect the attenuator as before; errors likewise.

        The shutter is blocked meanwhile.
        """
        self._insist_no_otdr_shines()
        self._ports.put_back(self._blocked_in_words())
        self._insist_no_otdr_shines()
        with suppress(GearError):  # the safe state looks at it again
            self.attenuator().set_shutter_open(is_open=True)

    def connect_fibre_end(self, site: str, to: FibreEndUse) -> None:
        """Have the operator connect the end of the fibre at `site`, unless it is known to be so connected.

        StationError for a site without an end, for an appliance or an OTDR unless it is known that the other
        is not at the far end, if an OTDR sends light before or after, or without an operator; OperatorAbort
        if they do not.
        """
        self._insist_no_otdr_shines()
        self._fibre_ends.connect(site, to)
        self._insist_no_otdr_shines()  # its key can be pressed at the device

    def fibre_ends_in_words(self) -> str | None:
        """Return what each end of the fibre is connected to, by what the operator said; None if unasked."""
        return self._fibre_ends.in_words() if self._fibre_ends.was_asked else None

    def otdr_may_shine(self, site: str) -> str | None:
        """Return why an OTDR at `site` must not shine now, by what the operator said; None if it may."""
        if self._ports.is_off_link:
            return "the attenuator is on its calibration source, or half-way there; have it put back first"
        return self._fibre_ends.why_dark(site)

    def make_safe(self) -> None:
        """Bring the gear into the station's safe state; StationError naming what could not be brought there.

        Every step is tried, and tried again over a fresh connection, whatever became of the others. No
        operator is asked: an attenuator that is in line stays there, at the setting of the safe state, and
        fixed ones and the ends of the fibre stay as they are.
        """
        problems = self._safe_state().reach()
        if problems:
            raise StationError("\n  ".join([f"station {self.name}: safe state not reached", *problems]))

    def unsafe(self) -> list[str]:
        """Read the gear and return in words what is not in the station's safe state, or cannot be read."""
        return self._safe_state().unsafe()

    def safe_state_in_words(self) -> str:
        """Return what the safe state is here and now, for the run's journal."""
        return self._safe_state().in_words()

    def is_at_reference(self) -> bool:
        """Read whether the link is as 0 dB added leaves it; False where only an operator could tell."""
        return self._safe_state().is_at_reference()

    def close(self) -> None:
        """Close every connection; the gear keeps its state."""
        self._otdrs.clear()
        self._otdr_stack.close()
        for gear in self._gear.values():
            gear.close()

    def limit_problem(self) -> str | None:
        """Return why the station's limits or safe state are beyond its attenuator; None if they are not."""
        allowed = f"limits.added_db_max is {self.facts.limits.added_db_max} dB"
        rule = self._loss_rule()
        reach_db = self.attenuator().spec.max_db + rule.least_in_line_db
        if self.facts.limits.added_db_max > reach_db:
            return f"{allowed}; its attenuator reaches {reach_db} dB"
        is_maximum = self.facts.safe_state.attenuator == "maximum"
        if is_maximum and self.facts.limits.added_db_max < rule.least_in_line_db:
            return f"{allowed} and the safe state; its attenuator adds {rule.least_in_line_db} dB and more"
        return None

    def _safe_state(self) -> SafeState:
        return SafeState(
            self.facts,
            self.attenuator(),
            self._loss_rule(),
            self._otdrs,
            self.clock,
            is_off_link=self._ports.is_off_link,
        )

    def _blocked_in_words(self) -> str:
        """Block the attenuator's shutter before cords are moved; return a warning if it does not do so."""
        attenuator = self.attenuator()
        if self.operator is None:
            return ""  # nobody is going to move any
        try:
            attenuator.set_shutter_open(is_open=False)
            is_open = attenuator.shutter_open()
        except GearError as error:
            return f"Beware, the attenuator could not be told to block the light: {error}."
        return "Beware, the attenuator's shutter stays open." if is_open else ""

    def _insist_no_otdr_shines(self) -> None:
        lit = [name for name, otdr in self._otdrs.items() if otdr.laser_on()]
        if lit:
            raise StationError(f"station {self.name}: {', '.join(lit)} sends light; stop it first")

    def _otdr_at(self, site: str) -> str:
        for name, gear in self.facts.gear.items():
            if isinstance(gear, ViaviOtdrGear) and gear.site == site:
                return name
        raise StationError(f"station {self.name}: there is no OTDR at {site!r}")

    def _named_attenuator(self) -> tuple[str, Attenuator]:
        for name, gear in self._gear.items():
            if isinstance(gear, Attenuator):
                return name, gear
        raise StationError(f"station {self.name}: nothing fills the role 'attenuator'")

    def _loss_rule(self) -> LossRule:
        name, attenuator = self._named_attenuator()
        return loss_rule(self.facts, name, attenuator.spec)


def open_station(
    name: str,
    facts: StationFacts,
    connections: Mapping[str, AnyConnection],
    clock: Clock,
    log: ByteLog,
    faults: FaultInjector | None = None,
    operator: Operator | None = None,
    plant: PlantEvents | None = None,
    roles: Collection[Role] = LINK_ROLES,
    opened_otdr: OtdrOpener | None = None,
) -> Station:
    """Open the gear of a station that fills one of `roles`, but no OTDR: `Station.open_otdr` does that.

    With `opened_otdr` that is how. StationError naming every device that could not be reached, or a station
    limit beyond the gear.
    """
    wanted = {
        gear_name: gear
        for gear_name, gear in facts.gear.items()
        if gear.role in roles and not isinstance(gear, ViaviOtdrGear)
    }
    opened: dict[str, Attenuator | QkdAppliance] = {}
    problems: list[str] = []
    for gear_name, gear in wanted.items():
        try:
            if isinstance(gear, FixedAttenuatorsGear):
                site = facts.sites[gear.site].name
                opened[gear_name] = FixedAttenuators(gear_name, site, gear, operator)
            else:
                opened[gear_name] = _open_gear(gear_name, gear, connections.get(gear_name), clock, log)
        except BenchError as error:
            problems.append(str(error))
    if problems:
        for gear in opened.values():
            gear.close()
        reached = f"{len(opened)} of {len(wanted)} devices reached"
        raise StationError("\n  ".join([f"station {name}: {reached}", *problems]))
    if opened_otdr is None:
        opened_otdr = otdr_opener(facts, connections, clock, log)
    station = Station(name, facts, opened, clock, faults, operator, plant, opened_otdr)
    problem = station.limit_problem() if "attenuator" in roles else None
    if problem is not None:
        station.close()
        raise StationError(f"station {name}: {problem}")
    return station


def _open_gear(
    name: str, gear: AnyGear, connection: AnyConnection | None, clock: Clock, log: ByteLog
) -> Attenuator | QkdAppliance:
    if isinstance(gear, MapMvoaGear) and isinstance(connection, VisaSocketConnection):
        return open_viavi_mvoa(name, connection, clock, log)
    if isinstance(gear, OzDd100Gear) and isinstance(connection, SerialConnection):
        return open_oz_dd100mc(name, connection, gear.calibration_nm, clock, log)
    if isinstance(gear, CerberisXgrGear) and isinstance(connection, WebApiConnection):
        return open_cerberis_xgr(name, connection, clock, log)
    if connection is None:
        raise StationError(f"{name}: no address for this target")
    raise StationError(f"{name}: {gear.driver} cannot use a {type(connection).__name__}")
