"""The VIAVI SmartOTDR as its SCPI wire sees it: settings that clamp each other, one key, what it measured.

It measures the fibre that the patch panel connects it to as that is when the measurement begins. Commands:
`drivers/facts/names/viavi_smartotdr.yaml`. `OTDS:ACQ AUTO` is refused: how the instrument chooses is not
public.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from drivers.facts.fibre_types import fibre_type
from drivers.facts.names import load_names
from drivers.facts.sor.sup_params import SupParams
from drivers.facts.sor.text import Text
from emulators.otdr.event_table import table_lines
from emulators.otdr.instrument import load_instrument
from emulators.otdr.measurement import OFFSET_DB, STEP_DB, Measurement
from emulators.otdr.smartotdr_commands import settings_commands
from emulators.otdr.smartotdr_settings import SmartOtdrSettings
from emulators.otdr.sor_file import sor_bytes
from emulators.otdr.trace import acquire, dark_trace
from emulators.plant.path import FibreEnd, FibreSpan, OpticalPath
from emulators.wires.scpi_server import ErrorQueue, ScpiCommands, ScpiError, arguments, block_of, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.facts.gear import ViaviOtdrGear
    from emulators.lab.clock import LabClock
    from emulators.lab.streams import Stream
    from emulators.otdr.settings import AcquisitionSettings
    from emulators.wires.scpi_server import Answer

# ASSUMED, both: no public document gives them.
_MEASURING = "STARTED"
_FIRMWARE = "1.0"
# What is left of a measurement that was ended by the key so early is no trace.
_SHORTEST_S = 0.1
# A port with nothing plugged in: glass against air, behind a ferrule's length of fibre.
_BARE_PORT = OpticalPath((FibreSpan(0.01, fibre_type("G.652.D")),), far=FibreEnd("open_pc"))

_LONG_FORMS = {
    "OTDS": "OTDSetting",
    "ACQ": "ACQuisition",
    "LAS": "LASer",
    "RES": "RESolution",
    "PULS": "PULSe",
    "STAT": "STATus",
    "CURV": "CURVe",
    "BUFF": "BUFFer",
    "XSC": "XSCale",
    "XOFF": "XOFFset",
    "YSC": "YSCale",
    "YOFF": "YOFFset",
    "TAB": "TABle",
    "SIZ": "SIZe",
    "LIN": "LINe",
    "OTDR": "OTDResult",
    "SYST": "SYSTem",
    "ERR": "ERRor",
}


class FibreAtPort(Protocol):
    """The fibre at the patch panel, as the OTDR of a site meets it."""

    def path_seen(self, site: str) -> OpticalPath | None:
        """Return what it sees, nearest first; None if nothing is connected."""
        ...

    def light_on(self, site: str) -> None:
        """Take note that it sends light from now on."""
        ...

    def light_off(self, site: str) -> None:
        """Take note that it does not send light any more."""
        ...


@dataclass(frozen=True, slots=True)
class _Run:
    """A measurement that is on."""

    begun_s: float
    path: OpticalPath | None
    ends_by_itself: bool


class EmulatedSmartOtdr:
    """One OTDR at its site's patch panel; a `ScpiDevice`. `noise` is a stream of its own."""

    def __init__(self, gear: ViaviOtdrGear, fibre: FibreAtPort, clock: LabClock, noise: Stream) -> None:
        self.errors = ErrorQueue()
        self._site = gear.site
        self._serial = f"EMULATED-{gear.site}"
        self._defects = gear.defects
        self._fibre = fibre
        self._clock = clock
        self._noise = noise
        self._instrument = load_instrument("viavi_smartotdr")
        fitted_nm = [nm for nm in gear.wavelengths_nm if nm not in gear.defects.missing_nm]
        longest_pulse_ns = gear.defects.longest_pulse_ns or math.inf
        self._settings = SmartOtdrSettings(self._instrument, fitted_nm, longest_pulse_ns)
        self._measured = {True: 0, False: 0}
        """How many measurements ended by themselves, and how many by the key."""
        self._run: _Run | None = None
        self._measurement: Measurement | None = None
        self._lines: Sequence[str] = ()
        self._names = load_names("viavi_smartotdr")
        self._commands = self._table()
        if gear.defects.is_busy:
            self._begin(ends_by_itself=False)

    def handle(self, command: str) -> Answer | None:
        """Do one command."""
        return self._commands.handle(command)

    def _table(self) -> ScpiCommands:
        names = self._names
        identity = f"VIAVI,{names['model']},{self._serial},{_FIRMWARE}"
        commands = ScpiCommands(self.errors, _LONG_FORMS)
        commands.add(names["remote"], lambda _: None)
        commands.add(names["identity"], lambda _: identity)
        commands.add(names["clear"], lambda _: self.errors.clear())
        commands.add("*STB?", lambda _: "0")
        commands.add("*OPC?", lambda _: str(int(self._run is None)))
        commands.add(names["error"], lambda _: self.errors.pop())
        commands.add(names["start_or_stop"], self._key)
        commands.add(names["acquisition"], lambda _: names["stopped"] if self._run is None else _MEASURING)
        commands.add(names["table_size"], lambda _: str(len(self._lines)))
        commands.add(names["table_line"], self._line)
        commands.add(names["sor_file"], lambda _: block_of(self._sor()))
        settings_commands(commands, names, self._settings, self._refuse_while_measuring)
        self._add_curve(commands)
        return commands

    def _add_curve(self, commands: ScpiCommands) -> None:
        answers: dict[str, Callable[[Measurement], Answer]] = {
            "curve": lambda measurement: block_of(measurement.curve_digits()),
            "curve_x_scale": lambda measurement: f"{measurement.settings.spacing_m():.8E}",
            "curve_x_offset": lambda _: f"{0.0:.8E}",
            "curve_y_scale": lambda _: f"{STEP_DB:.8E}",
            "curve_y_offset": lambda _: f"{OFFSET_DB:.8E}",
        }
        for name, answer in answers.items():
            # Public code writes CURVe and CUR, and both are understood.
            for header in (self._names[name], self._names[name].replace("CURVe", "CUR")):
                commands.add(header, partial(self._of_measurement, answer))

    def _of_measurement(self, answer: Callable[[Measurement], Answer], _given: Sequence[str]) -> Answer:
        return answer(self._last())

    def _last(self) -> Measurement:
        if self._measurement is None:
            raise ScpiError(-230)
        return self._measurement

    def _line(self, given: Sequence[str]) -> str:
        (text,) = arguments(given, 1)
        return self._lines[int(number(text, 1, len(self._lines))) - 1]

    def _sor(self) -> bytes:
        identity = SupParams(
            supplier=Text.of("VIAVI"),
            mainframe=Text.of(self._names["model"]),
            mainframe_serial=Text.of(self._serial),
            software=Text.of(_FIRMWARE),
        )
        return sor_bytes(self._last(), self._instrument, identity)

    def _refuse_while_measuring(self) -> None:
        if self._run is not None:
            raise ScpiError(-221)

    def _key(self, given: Sequence[str]) -> None:
        if [key.upper() for key in given] != ["STAR"]:
            raise ScpiError(-224)
        if self._run is None:
            self._begin(ends_by_itself=True)
        else:
            self._end(self._run, by_itself=False)

    def _begin(self, *, ends_by_itself: bool) -> None:
        self._measurement, self._lines = None, ()
        path = self._fibre.path_seen(self._site)
        run = self._run = _Run(self._clock.now_s(), path, ends_by_itself)
        if not self._defects.no_light:
            self._fibre.light_on(self._site)
        if ends_by_itself:
            share = 1.0 if self._defects.stops_at is None else self._defects.stops_at
            self._clock.at(
                run.begun_s + self._settings.averaging_s * share, partial(self._end, run, by_itself=True)
            )

    def _end(self, run: _Run, *, by_itself: bool) -> None:
        if run is not self._run:
            return  # the key has ended it already
        self._run = None
        self._fibre.light_off(self._site)
        averaged_s = self._clock.now_s() - run.begun_s
        if not run.ends_by_itself or averaged_s < _SHORTEST_S:
            return
        settings = self._settings.acquisition(min(averaged_s, self._settings.averaging_s))
        self._measurement = self._measure(settings, run.path or _BARE_PORT, by_itself=by_itself)
        self._lines = table_lines(self._measurement.analysis)

    def _measure(self, settings: AcquisitionSettings, path: OpticalPath, *, by_itself: bool) -> Measurement:
        self._measured[by_itself] += 1
        # Counted apart: one that was broken off and is taken again has the noise that it would have had.
        draw = self._noise.generator(2 * self._measured[by_itself] + int(not by_itself))
        if self._defects.no_light:
            trace = dark_trace(self._instrument, settings, draw)
        else:
            trace = acquire(path, self._instrument, settings, draw)
        return Measurement.of_trace(trace, self._clock.now_s())
