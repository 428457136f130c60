"""The platform port of an emulated SmartOTDR: it tells where the OTDR application listens.

Commands: `drivers/facts/names/viavi_smartotdr.yaml`. Nothing that is asked here changes the instrument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.names import load_names
from emulators.wires.scpi_server import ErrorQueue, ScpiCommands, ScpiError, arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulators.wires.scpi_server import Answer

_LONG_FORMS = {
    "MOD": "MODule",
    "FUNC": "FUNCtion",
    "SEL": "SELect",
    "SYST": "SYSTem",
    "ERR": "ERRor",
}
# ASSUMED: RC-5800.pl, a public script, knows the answer ON only.
_OFF = "OFF"


class EmulatedPlatform:
    """The platform of one instrument; a `ScpiDevice`.

    `otdr_port` is where its OTDR application listens, None while that is not started; `functions` are the
    applications that are installed.
    """

    def __init__(self, otdr_port: int | None, functions: Sequence[str] = ("OTDR",)) -> None:
        self.errors = ErrorQueue()
        self._otdr_port = otdr_port
        self._functions = functions
        self._names = load_names("viavi_smartotdr")
        self._place = self._names["platform_place"].split(",")
        self._commands = self._table()

    def handle(self, command: str) -> Answer | None:
        """Do one command."""
        return self._commands.handle(command)

    def _table(self) -> ScpiCommands:
        names = self._names
        commands = ScpiCommands(self.errors, _LONG_FORMS)
        commands.add(names["platform_remote"], lambda _: None)
        commands.add(names["clear"], lambda _: self.errors.clear())
        commands.add(names["error"], lambda _: self.errors.pop())
        commands.add(names["platform_functions"], self._list)
        commands.add(names["platform_selected"], self._selected)
        commands.add(names["platform_port"], self._port)
        return commands

    def _list(self, given: Sequence[str]) -> str:
        self._refuse_elsewhere(arguments(given, 2))
        return ",".join(f'"{function}"' for function in self._functions)

    def _selected(self, given: Sequence[str]) -> str:
        return _OFF if self._port_of(given) is None else self._names["platform_on"]

    def _port(self, given: Sequence[str]) -> str:
        port = self._port_of(given)
        return self._names["platform_no_port"] if port is None else str(port)

    def _port_of(self, given: Sequence[str]) -> int | None:
        """Return where a function listens; ScpiError for one that is not installed."""
        *place, quoted = arguments(given, 3)
        self._refuse_elsewhere(place)
        function = quoted.strip('"')
        if function not in self._functions:
            raise ScpiError(-224)
        return self._otdr_port if function == self._names["platform_function"] else None

    def _refuse_elsewhere(self, place: Sequence[str]) -> None:
        if [word.upper() for word in place] != self._place:
            raise ScpiError(-224)
