"""Sessions with devices: what was called then, what came of it, and the byte log of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drivers.attenuators.viavi_mvoa import open_viavi_mvoa
from drivers.clock import WallClock
from drivers.facts.connections import VisaSocketConnection

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.wires.byte_log import ByteLog

FOLDER = Path(__file__).parent / "sessions"
DEVICE = "voa"


class QuickClock(WallClock):
    """A clock on which waiting takes no time: what is waited for is on the record."""

    def sleep(self, duration_s: float) -> None:
        del duration_s


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
