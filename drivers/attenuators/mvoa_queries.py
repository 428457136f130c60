"""What can be read of a VIAVI MAP mVOA without changing anything in it.

Not the error queue: reading an entry takes it out. (A device that does not know a query still notes that.)
Commands and how well each is known: `drivers/facts/names/viavi_map_mvoa.yaml`.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from drivers.errors import Overload, ProtocolError, Underload
from drivers.facts.names import load_names
from drivers.roles import Identity
from drivers.wires.scpi_wire import ScpiWire

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.connections import VisaSocketConnection
    from drivers.wires.byte_log import ByteLog

_TOO_LITTLE = (
    "less light than its power meter measures: is its shutter open, and is there light at its input?"
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


class MvoaQueries:
    """The queries of one attenuator of a MAP mVOA cassette; `ViaviMvoa` adds the settings."""

    def __init__(self, wire: ScpiWire, device_number: int) -> None:
        self._wire = wire
        self._device_number = device_number
        self._names = load_names("viavi_map_mvoa")

    def identity(self) -> Identity:
        """Ask the device who it is; ProtocolError naming the device that answered if it is no mVOA."""
        command = self._names["identity"]
        answer = self._ask(command)
        fields = [field.strip() for field in answer.split(",")]
        model = self._names["model"]
        if len(fields) != 4 or model.lower() not in fields[1].lower():
            raise ProtocolError(self._wire.device, command, f"a {model} was expected, {answer!r} answered")
        return Identity(*fields)

    def attenuation_db(self) -> float:
        """Read the attenuation setting in dB (without insertion loss)."""
        return self._number("attenuation")

    def shutter_open(self) -> bool:
        """Read whether light passes; the mVOA powers up blocked."""
        return not self._flag("shutter")

    def wavelength_nm(self) -> float:
        """Read the wavelength in nm for which the attenuation is calibrated."""
        return self._number("wavelength")

    def averaging_s(self) -> float:
        """Read the averaging time of the power meter in s."""
        return self._number("averaging") / 1000.0

    def power_dbm(self) -> float:
        """Read the power at the output in dBm; Underload or Overload outside the meter's range."""
        command = self._command("power")
        answer = self._ask(command).strip()
        if re.fullmatch(self._names["power_underload"], answer):
            raise Underload(self._wire.device, command, f"{answer!r}: {_TOO_LITTLE}")
        if re.fullmatch(self._names["power_overload"], answer):
            raise Overload(
                self._wire.device, command, f"{answer!r}: more light than its power meter measures"
            )
        return self._as_number(command, answer)

    def close(self) -> None:
        """Close the connection; the device keeps its settings."""
        self._wire.close()

    def _command(self, name: str, **values: float) -> str:
        return self._names[name].format(device=self._device_number, **values)

    def _ask(self, command: str) -> str:
        return self._wire.query(command)

    def _number(self, name: str) -> float:
        command = self._command(name)
        return self._as_number(command, self._ask(command).strip())

    def _as_number(self, command: str, answer: str) -> float:
        if _NUMBER.fullmatch(answer) is None or not math.isfinite(float(answer)):
            raise ProtocolError(self._wire.device, command, f"{answer!r} is no number")
        return float(answer)

    def _flag(self, name: str) -> bool:
        command = self._command(name)
        answer = self._ask(command).strip()
        if answer not in {"0", "1"}:
            raise ProtocolError(self._wire.device, command, f"{answer!r} is neither 0 nor 1")
        return answer == "1"


def connect_mvoa(name: str, connection: VisaSocketConnection, clock: Clock, log: ByteLog) -> MvoaQueries:
    """Return the queries of the mVOA called `name`; the first of them connects."""
    wire = ScpiWire(name, connection.resource, clock, connection.deadline_s, log)
    return MvoaQueries(wire, connection.device)
