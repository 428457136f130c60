"""The platform port of VIAVI's test sets (8000): which applications there are, and where they listen.

A SmartOTDR is driven at its OTDR application's port (8002) and need not be asked for it. Where the inventory
names a platform port, it is, and what is wrong is said in words instead of "connection refused". Commands and
how well each is known: `drivers/facts/names/viavi_smartotdr.yaml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import DeviceError, ProtocolError
from drivers.facts.connections import SmartOtdrConnection
from drivers.facts.names import load_names
from drivers.wires.scpi_wire import ScpiWire

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.connections import VisaSocketConnection
    from drivers.wires.byte_log import ByteLog

INTERFACE = "viavi_smartotdr"


class SmartOtdrPlatform:
    """The platform of one instrument, whose OTDR application should listen on `expected_port`."""

    def __init__(self, wire: ScpiWire, expected_port: int) -> None:
        self._wire = wire
        self._expected_port = expected_port
        self._names = load_names(INTERFACE)
        self._place = self._names["platform_place"]
        self._function = self._names["platform_function"]

    def insist_application_listens(self) -> None:
        """Ask where the OTDR application listens, and hang up.

        DeviceError if it is not started, ProtocolError if there is none or it listens on another port.
        """
        try:
            self._insist_it_is_there()
            self._insist_it_is_started()
            self._insist_it_is_where_expected()
        finally:
            self._wire.close()

    def _insist_it_is_there(self) -> None:
        command, answer = self._ask("platform_functions")
        if f'"{self._function}"' not in answer:
            problem = f"there is no OTDR application: the instrument has {answer or 'none at all'}"
            raise ProtocolError(self._wire.device, command, problem)

    def _insist_it_is_started(self) -> None:
        command, answer = self._ask("platform_selected")
        if answer != self._names["platform_on"]:
            raise self._not_started(command, f"it is {answer!r}")

    def _insist_it_is_where_expected(self) -> None:
        command, answer = self._ask("platform_port")
        if answer == self._names["platform_no_port"]:
            raise self._not_started(command, "it has no port")
        if not (answer.isascii() and answer.isdecimal()):
            raise ProtocolError(self._wire.device, command, f"{answer!r} is no port")
        if int(answer) != self._expected_port:
            problem = (
                f"the OTDR application listens on port {answer}, not on {self._expected_port};"
                " correct the resource in the inventory"
            )
            raise ProtocolError(self._wire.device, command, problem)

    def _not_started(self, command: str, answer: str) -> DeviceError:
        text = f"the OTDR application is not started ({answer}); start it on the instrument"
        return DeviceError(self._wire.device, command, int(self._names["platform_no_port"]), text)

    def _ask(self, name: str) -> tuple[str, str]:
        """Return the command, for what may have to be said of its answer, and the answer."""
        command = self._names[name].format(place=self._place, function=self._function)
        return command, self._wire.query(command).strip()


def platform_of(
    name: str, connection: VisaSocketConnection, clock: Clock, log: ByteLog
) -> SmartOtdrPlatform | None:
    """Return the platform of the SmartOTDR called `name`, None if its connection names no platform port."""
    if not isinstance(connection, SmartOtdrConnection) or connection.platform_port is None:
        return None
    resource = f"TCPIP::{connection.host()}::{connection.platform_port}::SOCKET"
    # Its own name in the byte log: two wires' messages must not be taken for one's.
    wire = ScpiWire(
        f"{name}/platform",
        resource,
        clock,
        connection.deadline_s,
        log,
        load_names(INTERFACE)["platform_remote"],
    )
    return SmartOtdrPlatform(wire, connection.port())
