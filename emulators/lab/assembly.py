"""An emulated lab put together from a station of the inventory: plant, gear and wires on one clock."""

from __future__ import annotations

import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from drivers.facts.inventory import (
    CerberisXgrGear,
    MapMvoaGear,
    SecretReference,
    VisaSocketConnection,
    WebApiConnection,
)
from drivers.facts.lab import LabAddresses
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.cerberis_xgr.appliance import EmulatedAppliance
from emulators.cerberis_xgr.management_server import management_app
from emulators.cerberis_xgr.pair import QkdPair
from emulators.cerberis_xgr.tokens import Account
from emulators.cow4.ledger import KeyLedger
from emulators.cow4.profile import load_profile
from emulators.cow4.statistical import StatisticalSource
from emulators.lab.clock import LabClock
from emulators.lab.control import Control
from emulators.lab.faults import FaultSchedule
from emulators.lab.streams import Streams
from emulators.plant.link import Link
from emulators.wires.https_server import serve_https
from emulators.wires.pki import make_pki
from emulators.wires.scpi_server import serve_scpi

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.inventory import AnyConnection, Plan, Station
    from emulators.cerberis_xgr.pair import End
    from emulators.cow4.profile import Profile
    from emulators.wires.pki import Pki

USER = "bench"


@dataclass(frozen=True, slots=True)
class LabSettings:
    """What a lab is to be: which station, by which plan, from which seed, on which clock."""

    station_name: str
    station: Station
    plan: Plan
    seed: int
    clock_kind: Literal["virtual", "wall"]
    t0_s: float
    factor: float
    folder: Path
    """Where its files go: addresses, certificates, its management password."""
    idle_exit_s: float | None
    """Wall time without a client after which it ends itself; None for never."""


class EmulatedLab:
    """A lab that is being served. `start` it, then run its clock and control until it ends."""

    def __init__(self, settings: LabSettings) -> None:
        self._settings = settings
        station = settings.station
        self.clock = LabClock(settings.clock_kind, settings.t0_s, settings.factor)
        self.faults = FaultSchedule(self.clock.now_s)
        self.control = Control(self.clock, self.faults, station.gear, settings.idle_exit_s)
        self._link = Link(self.clock.now_s, station.fibre.wavelength_nm, station.emulation.extra_loss_db)
        self._streams = Streams(settings.seed)
        profile = _profile_of(station)
        self._pair = QkdPair(
            StatisticalSource(profile, self._streams),
            self._link,
            KeyLedger(profile, settings.t0_s),
            self.clock,
            settings.plan.record_period_s,
        )
        self._stack = AsyncExitStack()

    async def start(self) -> LabAddresses:
        """Serve every device and the control on free ports of loopback; return the addresses."""
        settings = self._settings
        pki = make_pki(settings.folder / "pki", settings.station.gear)
        credentials = _make_credentials(settings.folder / "pki" / "management-password")
        connections: dict[str, AnyConnection] = {}
        for name, gear in settings.station.gear.items():
            if isinstance(gear, MapMvoaGear):
                connections[name] = await self._serve_mvoa(name, gear)
            else:
                connections[name] = await self._serve_appliance(name, gear, pki, credentials)
        control = await self.control.start()
        self._stack.callback(self.control.close)
        return LabAddresses(
            pid=os.getpid(),
            station=settings.station_name,
            control=control,
            clock=settings.clock_kind,
            seed=settings.seed,
            profile=settings.station.emulation.profile,
            fidelity=settings.station.emulation.fidelity,
            connections=connections,
        )

    async def close(self) -> None:
        """Stop serving."""
        await self._stack.aclose()

    async def _serve_mvoa(self, name: str, gear: MapMvoaGear) -> VisaSocketConnection:
        device = EmulatedMvoa(name, self._link, self.clock, gear.defects)
        server = await serve_scpi(name, device, self.clock, self.faults)
        self._stack.callback(server.close)
        return VisaSocketConnection(resource=f"TCPIP::127.0.0.1::{server.port}::SOCKET")

    async def _serve_appliance(
        self, name: str, gear: CerberisXgrGear, pki: Pki, credentials: _Credentials
    ) -> WebApiConnection:
        readings = self._streams.stream(f"{name}/readings")
        appliance = EmulatedAppliance(name, _end_of(gear), self._pair, self.clock, gear.defects, readings)
        account = Account(USER, credentials.password, self.clock.now_s)
        app = management_app(appliance, account, self.faults, self.clock)
        files = pki.servers[name]
        server = await serve_https(app, files.certificate, files.key)
        self._stack.push_async_callback(server.close)
        return WebApiConnection(
            url=f"https://127.0.0.1:{server.port}",
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
