"""Sessions with devices: what was called then, what came of it, and the byte log of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drivers.attenuators.oz_dd100mc import open_oz_dd100mc
from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.clock import WallClock
from drivers.errors import NotHomed
from drivers.facts.connections import SerialConnection, VisaSocketConnection
from drivers.otdr.viavi_smartotdr import open_viavi_smartotdr
from drivers.roles import OtdrSettings

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.wires.byte_log import ByteLog

FOLDER = Path(__file__).parent / "sessions"
DEVICE = "voa"
OTDR = "otdr"
CALIBRATION_NM = 1550.0
SETTINGS = OtdrSettings(
    wavelength_nm=1550.0, range_km=5.0, pulse_ns=100.0, averaging_s=5.0, resolution_m=0.64
)
"""Of few points, since all of them are in the transcript twice."""


class QuickClock(WallClock):
    """A clock that jumps where others wait: what is waited for is on the record."""

    def __init__(self) -> None:
        super().__init__()
        self._jumped_s = 0.0

    def now_s(self) -> float:
        return super().now_s() + self._jumped_s

    def wait_until(self, t_s: float) -> None:
        self._jumped_s += max(0.0, t_s - self.now_s())


def mvoa_session(port: int, clock: Clock, log: ByteLog) -> list[object]:
    """Open an mVOA, go through all that its driver does, and return what was read."""
    connection = VisaSocketConnection(resource=f"TCPIP::127.0.0.1::{port}::SOCKET")
    voa = open_viavi_mvoa(DEVICE, connection, clock, log)
    try:
        read: list[object] = [voa.identity(), voa.shutter_open()]
        voa.set_shutter_open(is_open=True)
        voa.set_wavelength_nm(1550)
        for setting_db in (12.0, 3.25, 0.0):
            voa.set_attenuation_db(setting_db)
            read.append(voa.attenuation_db())
        voa.close()
        return [*read, voa.shutter_open(), voa.wavelength_nm()]
    finally:
        voa.close()


def smartotdr_session(port: int, clock: Clock, log: ByteLog) -> list[object]:
    """Open a SmartOTDR, measure once, and return all that was read; the log has to keep whole messages."""
    connection = VisaSocketConnection(resource=f"TCPIP::127.0.0.1::{port}::SOCKET")
    otdr = open_viavi_smartotdr(OTDR, connection, clock, log)
    try:
        read: list[object] = [otdr.identity(), otdr.wavelengths_nm(), otdr.set_up(SETTINGS)]
        otdr.start()
        otdr.wait(SETTINGS.averaging_s + 5.0)
        read += [[(event.kind, event.distance_m, event.loss_db) for event in otdr.events()], otdr.curve()]
        otdr.close()
        return [*read, otdr.sor()]  # over a new connection, which begins with the greeting again
    finally:
        otdr.close()


def oz_session(port: str, clock: Clock, log: ByteLog) -> list[object]:
    """Open a DD-100-MC that was not homed, go through all that its driver does, return what was read."""
    voa = open_oz_dd100mc(DEVICE, SerialConnection(port=port), CALIBRATION_NM, clock, log)
    try:
        read: list[object] = [voa.identity(), voa.spec.max_db]
        try:
            voa.attenuation_db()
        except NotHomed as error:
            read.append(type(error))
        for setting_db in (12.0, 3.25, 0.0):
            voa.set_attenuation_db(setting_db)
            read += [voa.attenuation_db(), voa.position_steps()]
        voa.set_position_steps(240)
        voa.close()
        return [*read, voa.attenuation_db()]
    finally:
        voa.close()
