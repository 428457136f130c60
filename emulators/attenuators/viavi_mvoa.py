"""The mVOA as the link and its SCPI wire see it: a filter that moves, a shutter, and what may be wrong.

It powers up blocked. The loss of its own zero setting is a matter of its place in line, which is the patch
panel's.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from drivers.facts.names import load_names
from emulators.attenuators.mvoa_profile import mvoa_profile
from emulators.wires.scpi_server import ErrorQueue, ScpiCommands, ScpiError, arguments, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.facts.defects import MvoaDefects
    from emulators.attenuators.power_meter import OutputPowerMeter
    from emulators.attenuators.true_attenuation import TrueAttenuation
    from emulators.lab.clock import LabClock
    from emulators.plant.link import Link
    from emulators.wires.scpi_server import Answer

# Range and wavelengths: ModelMAP200_mVoaC1 and K@TE InstrumentMAP200.py (public drivers).
_MAX_DB = 70.0
INSERTION_LOSS_DB = 1.5
"""Loss in line at the zero setting, where none was measured. ASSUMED: no public data sheet gives it."""
_MIN_NM, _MAX_NM = 1260.0, 1650.0
_MIN_AVERAGING_MS, _MAX_AVERAGING_MS = 2, 5000
# ASSUMED, all of these: no public data sheet gives them.
_SETTLING_S = 0.3
_STEPS = 4
_POWER_UP_NM = 1550.0
_FIRMWARE = "4.3.3"

_LONG_FORMS = {
    "OUTP": "OUTPut",
    "ATT": "ATTenuation",
    "WAV": "WAVelength",
    "SYST": "SYSTem",
    "ERR": "ERRor",
} | {"FETC": "FETCh", "POW": "POWer", "SENS": "SENSe", "ATIM": "ATIMe"}


class EmulatedMvoa:
    """One attenuator cassette with one device, in line with `link`; a `ScpiDevice`.

    Without `true_attenuation` it attenuates by what it is set to.
    """

    def __init__(
        self,
        gear: str,
        link: Link,
        clock: LabClock,
        defects: MvoaDefects,
        true_attenuation: TrueAttenuation | None = None,
    ) -> None:
        self.errors = ErrorQueue(no_error="No Error")
        self._gear = gear
        self._link = link
        self._clock = clock
        self._defects = defects
        self._true_attenuation = true_attenuation
        self._movement = 0
        self._visit = 0
        self._is_from_below = True
        self._power_up()
        self._commands = self._table()

    def handle(self, command: str) -> Answer | None:
        """Do one SCPI command."""
        return self._commands.handle(command)

    def fit_power_meter(self, meter: OutputPowerMeter) -> None:
        """Give it a power meter at its output."""
        names = load_names("viavi_map_mvoa")

        def power(given: Sequence[str]) -> str:
            _only_device(*arguments(given, 1))
            return meter.reading()

        def averaging(given: Sequence[str]) -> str:
            _only_device(*arguments(given, 1))
            return f"{meter.averaging_s * 1000.0:.0f}"

        def set_averaging(given: Sequence[str]) -> None:
            device, value = arguments(given, 2)
            _only_device(device)
            meter.averaging_s = round(number(value, _MIN_AVERAGING_MS, _MAX_AVERAGING_MS)) / 1000.0

        self._commands.add(names["power"], power)
        self._commands.add(names["averaging"], averaging)
        self._commands.add(names["set_averaging"], set_averaging)

    def loss_db(self, light_nm: float) -> float:
        """Return what it takes off light of a wavelength now, beyond its insertion loss; inf if blocked."""
        if self._blocked:
            return math.inf
        set_db = self._filter_db
        if self._true_attenuation is not None:
            set_db = self._true_attenuation.attenuation_db(
                self._filter_db, is_from_below=self._is_from_below, visit=self._visit
            )
        mismatch_nm = self._wavelength_nm - light_nm
        return set_db * self._defects.scale * (1 + mvoa_profile().wavelength_slope_per_nm * mismatch_nm)

    def _power_up(self) -> None:
        self._setting_db: float = 0.0
        self._filter_db = 0.0
        self._blocked = True
        self._wavelength_nm = self._defects.wavelength_stuck_nm or _POWER_UP_NM
        self._stop_moving()
        self._show()

    def _table(self) -> ScpiCommands:
        names = load_names("viavi_map_mvoa")
        identity = f"Viavi Solutions,{names['model']},EMULATED,{_FIRMWARE}"
        commands = ScpiCommands(self.errors, _LONG_FORMS)
        commands.add(names["identity"], lambda _: identity)
        commands.add(names["clear"], lambda _: self.errors.clear())
        commands.add("*RST", lambda _: self._power_up())
        commands.add("*OPC?", lambda _: str(int(not self._moving)))
        commands.add(names["error"], lambda _: self.errors.pop())
        commands.add(names["busy"], lambda _: str(int(self._moving)))
        commands.add(names["attenuation"], self._attenuation)
        commands.add(names["set_attenuation"], self._set_attenuation)
        commands.add(names["shutter"], self._shutter)
        commands.add(names["set_shutter"], self._set_shutter)
        commands.add(names["wavelength"], self._wavelength)
        commands.add(names["set_wavelength"], self._set_wavelength)
        return commands

    def _attenuation(self, given: Sequence[str]) -> str:
        _only_device(*arguments(given, 1))
        return f"{self._setting_db:.3f}"

    def _set_attenuation(self, given: Sequence[str]) -> None:
        device, value = arguments(given, 2)
        _only_device(device)
        setting_db = round(number(value, 0.0, _MAX_DB), 3)
        breaks_at_db = self._defects.breaks_at_db
        if breaks_at_db is not None and setting_db >= breaks_at_db:
            raise ScpiError(-200)
        if setting_db != self._setting_db:
            self._visit += 1
            self._is_from_below = setting_db > self._setting_db
        self._setting_db = setting_db
        self._start_moving()

    def _shutter(self, given: Sequence[str]) -> str:
        _only_device(*arguments(given, 1))
        return str(int(self._blocked))

    def _set_shutter(self, given: Sequence[str]) -> None:
        device, value = arguments(given, 2)
        _only_device(device)
        if value not in {"0", "1"}:
            raise ScpiError(-224)
        if not self._defects.shutter_stuck:
            self._blocked = value == "1"
        self._show()

    def _wavelength(self, given: Sequence[str]) -> str:
        _only_device(*arguments(given, 1))
        return f"{self._wavelength_nm:.3f}"

    def _set_wavelength(self, given: Sequence[str]) -> None:
        device, value = arguments(given, 2)
        _only_device(device)
        wavelength_nm = number(value, _MIN_NM, _MAX_NM)
        if self._defects.wavelength_stuck_nm is None:
            self._wavelength_nm = wavelength_nm
        self._show()

    def _start_moving(self) -> None:
        self._movement += 1
        self._moving = True
        now_s = self._clock.now_s()
        for step in range(1, _STEPS + 1):
            share = step / _STEPS
            filter_db = self._filter_db + (self._setting_db - self._filter_db) * share
            moved = partial(self._moved, self._movement, filter_db, is_last=step == _STEPS)
            self._clock.at(now_s + _SETTLING_S * share, moved)

    def _moved(self, movement: int, filter_db: float, *, is_last: bool) -> None:
        if movement != self._movement:
            return  # a newer setting has taken over
        if not self._defects.stuck:
            self._filter_db = filter_db
        if is_last:
            self._moving = False
        self._show()

    def _stop_moving(self) -> None:
        self._movement += 1
        self._moving = False

    def _show(self) -> None:
        self._link.set_inline_db(self._gear, self.loss_db(self._link.wavelength_nm))


def _only_device(text: str) -> None:
    number(text, 1, 1)
