"""The emulated SmartOTDR on a real socket, before a fibre that the test lays, and its driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.facts.connections import VisaSocketConnection
from drivers.facts.defects import OtdrDefects
from drivers.facts.fibre_types import fibre_type
from drivers.facts.gear import ViaviOtdrGear
from drivers.otdr.viavi_smartotdr import open_viavi_smartotdr
from drivers.roles import OtdrSettings
from drivers.wires.byte_log import NO_LOG
from emulators.lab.streams import Streams
from emulators.otdr.viavi_smartotdr import EmulatedSmartOtdr
from emulators.plant.path import Connector, FibreEnd, FibreSpan, OpticalPath, Splice
from tests.attenuators.scpi_lab import DEADLINE_S, LabThread, ThreadClock, resource

if TYPE_CHECKING:
    from drivers.otdr.viavi_smartotdr import ViaviSmartOtdr

G652 = fibre_type("G.652.D")
PATH = OpticalPath(
    (
        FibreSpan(1000.0, G652),
        Connector(0.5, -45.0),
        FibreSpan(4000.0, G652),
        Splice(0.3),
        FibreSpan(3000.0, G652),
    ),
    far=FibreEnd("open_pc"),
)
SETTINGS = OtdrSettings(
    wavelength_nm=1550.0, range_km=10.0, pulse_ns=100.0, averaging_s=10.0, resolution_m=0.32
)


@dataclass
class LaidFibre:
    """The fibre that the OTDR is connected to, and what was told of its light."""

    path: OpticalPath | None = PATH
    told: list[str] = field(default_factory=list[str])

    def path_seen(self, site: str) -> OpticalPath | None:
        assert site == "here"
        return self.path

    def light_on(self, site: str) -> None:
        self.told.append(f"on at {site}")

    def light_off(self, site: str) -> None:
        self.told.append(f"off at {site}")


def gear(wavelengths_nm: tuple[float, ...] = (1310.0, 1550.0), **defects: object) -> ViaviOtdrGear:
    return ViaviOtdrGear(
        role="otdr",
        driver="viavi_smartotdr",
        site="here",
        wavelengths_nm=wavelengths_nm,
        defects=OtdrDefects.model_validate(defects),
    )


class OtdrLab:
    """One emulated SmartOTDR, served; `open` makes a driver for it."""

    def __init__(self, device_gear: ViaviOtdrGear | None = None, seed: int = 1) -> None:
        self.lab = LabThread()
        self.clock = ThreadClock(self.lab)
        self.fibre = LaidFibre()
        noise = Streams(seed).stream("otdr/noise")
        self.device = EmulatedSmartOtdr(device_gear or gear(), self.fibre, self.lab.clock, noise)
        self.server = self.lab.serve(self.device)
        self._opened: list[ViaviSmartOtdr] = []

    @property
    def connection(self) -> VisaSocketConnection:
        return VisaSocketConnection(resource=resource(self.server.port), deadline_s=DEADLINE_S)

    def open(self) -> ViaviSmartOtdr:
        otdr = open_viavi_smartotdr("otdr", self.connection, self.clock, NO_LOG)
        self._opened.append(otdr)
        return otdr

    def measured(self, settings: OtdrSettings = SETTINGS) -> ViaviSmartOtdr:
        """Return a driver whose device has measured."""
        otdr = self.open()
        otdr.set_up(settings)
        otdr.start()
        otdr.wait(settings.averaging_s + 5.0)
        return otdr

    def close(self) -> None:
        for otdr in self._opened:
            otdr.close()
        self.lab.close()
