"""An emulated DD-100-MC on a serial line, its light, and the driver that talks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.attenuators.oz_dd100mc import OzDd100, open_oz_dd100mc
from drivers.facts.defects import OzDd100Defects
from drivers.facts.gear import OzDd100Gear
from drivers.wires.byte_log import NO_LOG, ByteLog
from emulators.attenuators.oz_dd100mc import EmulatedOzDd100
from emulators.plant.link import Link
from tests.attenuators.scpi_lab import ThreadClock
from tests.attenuators.serial_lab import SerialLab, connection_to

if TYPE_CHECKING:
    from pathlib import Path

LINK_NM = 1550.0
LEFT_AT_DB = 5.0
"""Where the emulated motor stands at power-up, beyond the insertion loss."""


class OzBench:
    def __init__(self, folder: Path, defects: OzDd100Defects | None = None) -> None:
        self.lab = SerialLab()
        self.clock = ThreadClock(self.lab)
        self.link = Link(self.lab.clock.now_s, LINK_NM)
        self.gear = OzDd100Gear(
            role="attenuator",
            driver="oz_dd100mc",
            site="here",
            calibration_nm=LINK_NM,
            defects=defects or OzDd100Defects(),
        )
        self.device = EmulatedOzDd100("voa", self.gear, self.link, self.lab.clock)
        self.line = self.lab.serve_line(self.device, folder / "voa.port")
        self.voa = self.open()

    def open(self, log: ByteLog = NO_LOG) -> OzDd100:
        connection = connection_to(self.line.port, deadline_s=10.0)
        return open_oz_dd100mc("voa", connection, LINK_NM, self.clock, log)

    def tell(self, command: str) -> list[str]:
        """Let the device do a command, past the line."""
        return list(self.lab.run(self.device.handle(command)))

    def close(self) -> None:
        self.voa.close()
        self.lab.close()
