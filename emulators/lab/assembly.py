"""An emulated lab put together from a station of the inventory: plant, gear and wires on one clock."""

from __future__ import annotations

import math
import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from drivers.facts.connections import (
    SecretReference,
    SerialConnection,
    SmartOtdrConnection,
    VisaSocketConnection,
    WebApiConnection,
)
from drivers.facts.gear import CerberisXgrGear, FixedAttenuatorsGear, MapMvoaGear, OzDd100Gear, ViaviOtdrGear
from drivers.facts.lab import LabAddresses
from emulators.attenuators.fixed_attenuators import true_losses_db
from emulators.attenuators.mvoa_profile import mvoa_profile
from emulators.attenuators.oz_dd100mc import INSERTION_LOSS_DB as OZ_DD100_INSERTION_LOSS_DB
from emulators.attenuators.oz_dd100mc import EmulatedOzDd100
from emulators.attenuators.power_meter import LightSource, OutputPowerMeter
from emulators.attenuators.true_attenuation import drawn_attenuation
from emulators.attenuators.viavi_mvoa import INSERTION_LOSS_DB as MVOA_INSERTION_LOSS_DB
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.cerberis_xgr.appliance import EmulatedAppliance
from emulators.cerberis_xgr.management_server import management_app
from emulators.cerberis_xgr.pair import QkdPair
from emulators.cerberis_xgr.tokens import Account
from emulators.cow4.ledger import KeyLedger
from emulators.cow4.profile import load_profile
from emulators.cow4.statistical import StatisticalSource
from emulators.lab.acts import LabActs
from emulators.lab.clock import LabClock, host_time_s
from emulators.lab.control import Control
from emulators.lab.faults import FaultSchedule
from emulators.lab.folder import take_folder
from emulators.lab.history import FILE_NAME, History
from emulators.lab.journal import Journal
from emulators.lab.remembered import RememberedDevice
from emulators.lab.streams import Streams
from emulators.otdr.smartotdr_platform import EmulatedPlatform
from emulators.otdr.viavi_smartotdr import EmulatedSmartOtdr
from emulators.plant.changed_path import with_hidden_loss
from emulators.plant.description import path_of_fibre
from emulators.plant.fibre_ends import FibreEnds
from emulators.plant.fibre_plant import FibrePlant
from emulators.plant.link import Link
from emulators.plant.patch_panel import PatchPanel
from emulators.wires.https_server import serve_https
from emulators.wires.pki import make_pki
from emulators.wires.places import CONTROL, FREE_PLACE, listening_at, refuse_taken
from emulators.wires.scpi_server import serve_scpi
from emulators.wires.serial_server import serve_serial

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drivers.facts.connections import AnyConnection
    from drivers.facts.gear import InLineGear
    from drivers.facts.inventory import Plan, Station
    from emulators.cerberis_xgr.pair import End
    from emulators.cow4.profile import Profile
    from emulators.wires.pki import Pki
    from emulators.wires.places import Place
    from emulators.wires.scpi_server import ScpiDevice

USER = "bench"


@dataclass(frozen=True, slots=True)
class LabSettings:
    """What a lab is to be: which station, by which plan, from which seed, on which clock."""

    station_name: str
    station: Station
    plan: Plan
    seed: int
    clock_kind: Literal["virtual", "wall"]
    t0_s: float | None
    """Lab time at which it begins, in s since the Unix epoch; None for the host's time of that moment."""
    factor: float
    folder: Path
    """Where its files go: addresses, certificates, its management password."""
    idle_exit_s: float | None
    """Wall time without a client after which it ends itself; None for never."""
    go_on_at_s: float | None = None
    """Lab time at which an earlier lab of the same folder is taken up again (virtual clock only); None for
    a new lab."""
    places: Mapping[str, Place] = field(default_factory=dict[str, "Place"])
    """Where to listen, by the name of the gear or `control`; a free port of loopback for all others."""


class EmulatedLab:
    """A lab that is being served. `start` it, then run its clock and control until it ends."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        station = settings.station
        # Asked right before the clock is made: what lies between is how far the lab is behind its host.
        t0_s = host_time_s() if settings.t0_s is None else settings.t0_s
        self.clock = LabClock(settings.clock_kind, t0_s, settings.factor)
        journal = Journal(self.clock.now_s)
        self._faults = FaultSchedule(self.clock.now_s, journal)
        self._link = Link(self.clock.now_s, station.fibre.wavelength_nm, station.emulation.extra_loss_db)
        self._panel = PatchPanel(self._link, station.reference, journal.note)
        self._stack = AsyncExitStack()
        self._history = History(settings.folder / FILE_NAME, self.clock.now_s)
        self._stack.callback(self._history.close)
        self._faults.remember_in(self._history)
        built = with_hidden_loss(path_of_fibre(station.fibre), station.emulation.extra_loss_db)
        plant = FibrePlant(built, self._link, journal.note)
        self._ends = FibreEnds(station, plant, self._link, journal.note)
        acts = LabActs(self._faults, self._panel, self._ends, plant, station.gear, self._history)
        self._lab_id = secrets.token_hex(8)
        self.control = Control(self._lab_id, self.clock, journal, acts, settings.idle_exit_s)
        self._streams = Streams(settings.seed)
        profile = _profile_of(station)
        self._pair = QkdPair(
            StatisticalSource(profile, self._streams),
            self._link,
            KeyLedger(profile, t0_s),
            self.clock,
            settings.plan.record_period_s,
        )

    async def start(self) -> LabAddresses:
        """Serve every device and the control; return the addresses.

        PlaceError where one cannot listen, FolderTaken if another lab has the folder, both before any file
        there is touched; HistoryError if there is no going on from what an earlier lab left.
        """
        settings = self._settings
        refuse_taken(settings.places)
        self._stack.callback(take_folder(settings.folder).release)
        if settings.go_on_at_s is None:
            self._history.begin()
        hosts = {name: place.host for name, place in settings.places.items()}
        pki = make_pki(settings.folder / "pki", settings.station.gear, hosts)
        credentials = _make_credentials(settings.folder / "pki" / "management-password")
        connections: dict[str, AnyConnection] = {}
        for name, gear in settings.station.gear.items():
            if isinstance(gear, MapMvoaGear):
                connections[name] = await self._serve_mvoa(name, gear)
            elif isinstance(gear, OzDd100Gear):
                connections[name] = await self._serve_oz_dd100(name, gear)
            elif isinstance(gear, FixedAttenuatorsGear):
                for piece, loss_db in true_losses_db(name, gear, self._streams).items():
                    self._panel.mount(piece, loss_db, in_line=False)
            elif isinstance(gear, ViaviOtdrGear):
                connections[name] = await self._serve_smartotdr(name, gear)
            else:
                connections[name] = await self._serve_appliance(name, gear, pki, credentials)
        if settings.go_on_at_s is not None:
            await self._catch_up(settings.go_on_at_s)
        control = await self.control.start(self._place_of(CONTROL))
        self._stack.callback(self.control.close)
        return LabAddresses(
            lab_id=self._lab_id,
            pid=os.getpid(),
            station=settings.station_name,
            control=control,
            clock=settings.clock_kind,
            seed=settings.seed,
            profile=settings.station.emulation.profile,
            fidelity=settings.station.emulation.fidelity,
            connections=connections,
        )

    async def _catch_up(self, t_s: float) -> None:
        """Do again what was done to the earlier lab, each act at its time, and go on to `t_s`."""
        for act in self._history.recover():
            await self.clock.wait_until(act.t_s)
            self._history.do_again(act)
        await self.clock.wait_until(t_s)

    async def close(self) -> None:
        """Stop serving."""
        await self._stack.aclose()

    def _place_of(self, name: str) -> Place:
        return self._settings.places.get(name, FREE_PLACE)

    async def _serve_mvoa(self, name: str, gear: MapMvoaGear) -> VisaSocketConnection:
        insertion_loss_db = _insertion_loss_db(gear, MVOA_INSERTION_LOSS_DB)
        self._panel.mount(name, insertion_loss_db)
        profile, defects = mvoa_profile(), gear.defects
        drawn = drawn_attenuation(name, profile, self._streams, defects.repeatability_db)
        is_ideal = self._settings.station.emulation.has_ideal_attenuator
        device = EmulatedMvoa(name, self._link, self.clock, defects, None if is_ideal else drawn)
        if gear.has_power_meter and not defects.has_no_power_meter:
            device.fit_power_meter(self._power_meter(name, gear, device, insertion_loss_db))
        return await self._serve_scpi(name, device)

    def _power_meter(
        self, name: str, gear: MapMvoaGear, device: EmulatedMvoa, insertion_loss_db: float
    ) -> OutputPowerMeter:
        """Return the meter at the device's output; what lights it is a source that may be at its input."""
        facts, profile = gear.calibration_source, mvoa_profile()
        source = None if facts is None else LightSource(name, facts, profile, self._streams)

        def light_dbm() -> float:
            mating = self._panel.source_mating(name)
            if source is None or not mating:
                return -math.inf
            input_dbm = source.power_dbm(self.clock.now_s(), mating)
            return input_dbm - insertion_loss_db - device.loss_db(source.wavelength_nm)

        noise = self._streams.stream(f"{name}/power_meter")
        return OutputPowerMeter(profile, noise, self.clock.now_s, light_dbm)

    async def _serve_smartotdr(self, name: str, gear: ViaviOtdrGear) -> SmartOtdrConnection:
        noise = self._streams.stream(f"{name}/noise")
        device = EmulatedSmartOtdr(gear, self._ends, self.clock, noise)
        connection = await self._serve_scpi(name, device)
        otdr = SmartOtdrConnection(resource=connection.resource)
        # At any free port of the same host. Faults of the gear are those of the application, not of this.
        host = self._place_of(name).host
        platform = EmulatedPlatform(otdr.port())
        server = await serve_scpi(f"{name}/platform", platform, self.clock, self._faults, host)
        self._stack.callback(server.close)
        return otdr.model_copy(update={"platform_port": server.port})

    async def _serve_scpi(self, name: str, device: ScpiDevice) -> VisaSocketConnection:
        remembered = RememberedDevice(name, device, self._history)
        place = self._place_of(name)
        with listening_at(name, place):
            server = await serve_scpi(name, remembered, self.clock, self._faults, place.host, place.port)
        self._stack.callback(server.close)
        return VisaSocketConnection(resource=f"TCPIP::{place.host}::{server.port}::SOCKET")

    async def _serve_oz_dd100(self, name: str, gear: OzDd100Gear) -> SerialConnection:
        self._panel.mount(name, _insertion_loss_db(gear, OZ_DD100_INSERTION_LOSS_DB))
        device = EmulatedOzDd100(name, gear, self._link, self.clock)
        device.remember_in(self._history)
        port = self._settings.folder.absolute() / f"{name}.port"
        server = await serve_serial(name, device, self.clock, self._faults, port)
        self._stack.push_async_callback(server.close)
        return SerialConnection(port=str(port))

    async def _serve_appliance(
        self, name: str, gear: CerberisXgrGear, pki: Pki, credentials: _Credentials
    ) -> WebApiConnection:
        readings = self._streams.stream(f"{name}/readings")
        appliance = EmulatedAppliance(name, _end_of(gear), self._pair, self.clock, gear.defects, readings)
        appliance.remember_in(self._history)
        account = Account(USER, credentials.password, self.clock.now_s)
        app = management_app(appliance, account, self._faults, self.clock)
        files = pki.servers[name]
        place = self._place_of(name)
        with listening_at(name, place):
            server = await serve_https(app, files.certificate, files.key, place.host, place.port)
        self._stack.push_async_callback(server.close)
        return WebApiConnection(
            url=f"https://{place.host}:{server.port}",
            ca_file=pki.ca_file,
            user=USER,
            password=SecretReference(file=credentials.file),
        )


@dataclass(frozen=True, slots=True)
class _Credentials:
    file: Path
    password: str = field(repr=False)


def _make_credentials(path: Path) -> _Credentials:
    """Make a password and leave it in a file that nobody else may read."""
    password = secrets.token_urlsafe(24)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    return _Credentials(path, password)


def _insertion_loss_db(gear: InLineGear, typical_db: float) -> float:
    """Return what was measured of this very device, else what its kind has."""
    return typical_db if gear.insertion_loss is None else gear.insertion_loss.loss_db


def _end_of(gear: CerberisXgrGear) -> End:
    """Return the end that stands at this address, right or wrong."""
    if gear.defects.is_other_end:
        return "alice" if gear.end == "bob" else "bob"
    return gear.end


def _profile_of(station: Station) -> Profile:
    """Return the profile of the pair; defects that act in the optics are those of either end together."""
    profile = load_profile(station.emulation.profile)
    for gear in station.gear.values():
        if isinstance(gear, CerberisXgrGear):
            profile = profile.with_changes(gear.defects.visibility, gear.defects.dark_count_factor)
    return profile
