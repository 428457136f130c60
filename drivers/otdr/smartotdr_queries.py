"""What can be read of a VIAVI SmartOTDR without changing its settings or its light.

It is under remote control from the first connection on, as all public code does it. Commands and how well
each is known: `drivers/facts/names/viavi_smartotdr.yaml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from drivers.errors import ProtocolError
from drivers.facts.names import load_names
from drivers.otdr.smartotdr_platform import INTERFACE, platform_of
from drivers.otdr.smartotdr_settings import parse_laser, parse_number, parse_pulse, parse_resolution
from drivers.roles import Identity, OtdrSettings
from drivers.wires.scpi_wire import ScpiWire

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.clock import Clock
    from drivers.facts.connections import VisaSocketConnection
    from drivers.otdr.smartotdr_platform import SmartOtdrPlatform
    from drivers.wires.byte_log import ByteLog

T = TypeVar("T")


class SmartOtdrQueries:
    """The queries of one SmartOTDR; `ViaviSmartOtdr` adds settings, light and results."""

    def __init__(self, wire: ScpiWire, platform: SmartOtdrPlatform | None = None) -> None:
        self._wire = wire
        self._platform = platform
        """Still to be asked whether the OTDR application is there; None for nothing to ask."""
        self._names = load_names(INTERFACE)

    def identity(self) -> Identity:
        """Ask the device who it is; ProtocolError naming the device that answered if it is another.

        The first time, its platform is asked first, if it has one: DeviceError or ProtocolError telling why
        no OTDR application listens here.
        """
        if self._platform is not None:
            self._platform.insist_application_listens()
            self._platform = None
        command = self._names["identity"]
        answer = self._ask(command)
        fields = [field.strip() for field in answer.split(",")]
        model = self._names["model"]
        if len(fields) < 2 or _plain(model) not in _plain(fields[1]):
            raise ProtocolError(self._wire.device, command, f"a {model} was expected, {answer!r} answered")
        vendor, found, *rest = fields
        # How many fields follow is not known; the last one holds the firmware where there are several.
        return Identity(vendor, found, serial=rest[0] if rest else "", firmware=",".join(rest[1:]))

    def wavelengths_nm(self) -> tuple[float, ...]:
        """Read the wavelengths in nm of the lasers that are fitted."""
        return self._read(
            "lasers", lambda answer: tuple(parse_laser(word.strip()) for word in answer.split(","))
        )

    def is_running(self) -> bool:
        """Read whether it measures."""
        command = self._names["acquisition"]
        answer = self._ask(command).strip()
        if not answer.isalpha():
            raise ProtocolError(self._wire.device, command, f"{answer!r} is no state of a measurement")
        return answer.upper() != self._names["stopped"]

    def laser_on(self) -> bool:
        """Read whether it sends light, which it does while it measures; no query for the laser is public."""
        return self.is_running()

    def settings(self) -> OtdrSettings:
        """Read how it is set up."""
        wavelength_nm = self._read("laser", parse_laser)
        return OtdrSettings(
            wavelength_nm=wavelength_nm,
            range_km=self._read("range", parse_number),
            pulse_ns=self._read("pulse", parse_pulse),
            averaging_s=self._read("averaging", parse_number),
            resolution_m=self._read("resolution", parse_resolution),
            group_index=self._read("group_index", parse_number, wavelength_nm=wavelength_nm),
            backscatter_db=self._read("backscatter", parse_number, wavelength_nm=wavelength_nm),
        )

    def close(self) -> None:
        """Close the connection; the device goes on."""
        self._wire.close()

    def _read(self, name: str, parse: Callable[[str], T], **words: float) -> T:
        command = self._names[name].format(**words)
        answer = self._ask(command)
        try:
            return parse(answer.strip())
        except ValueError as error:
            raise ProtocolError(self._wire.device, command, f"{answer!r}: {error}") from None

    def _ask(self, command: str) -> str:
        return self._wire.query(command)


def smartotdr_wire(name: str, connection: VisaSocketConnection, clock: Clock, log: ByteLog) -> ScpiWire:
    """Return the wire of the SmartOTDR called `name`; its first use connects and takes remote control."""
    greeting = load_names(INTERFACE)["remote"]
    return ScpiWire(name, connection.resource, clock, connection.deadline_s, log, greeting)


def connect_smartotdr(
    name: str, connection: VisaSocketConnection, clock: Clock, log: ByteLog
) -> SmartOtdrQueries:
    """Return the queries of the SmartOTDR called `name`; the first of them connects."""
    wire = smartotdr_wire(name, connection, clock, log)
    return SmartOtdrQueries(wire, platform_of(name, connection, clock, log))


def _plain(model: str) -> str:
    return "".join(model.split()).lower()
