"""The mVOA as the link and its SCPI wire see it: a filter that moves, a shutter, and what may be wrong.

It powers up blocked. The loss of its own zero setting is a matter of its place in line, which is the patch
panel's.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from drivers.facts.names import load_names
from emulators.wires.scpi_server import ErrorQueue, ScpiCommands, ScpiError, arguments, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.facts.defects import MvoaDefects
    from emulators.lab.clock import LabClock
    from emulators.plant.link import Link
    from emulators.wires.scpi_server import Answer

# Range and wavelengths: ModelMAP200_mVoaC1 and K@TE InstrumentMAP200.py (public drivers).
_MAX_DB = 70.0
INSERTION_LOSS_DB = 1.5
"""Loss in line at the zero setting, where none was measured. ASSUMED: no public data sheet gives it."""
_MIN_NM, _MAX_NM = 1260.0, 1650.0
# ASSUMED, all of these: no public data sheet gives them.
_SETTLING_S = 0.3
_STEPS = 4
_POWER_UP_NM = 1550.0
_SLOPE_PER_NM = 4e-4
"""Relative error of the attenuation per nm between the light and the calibration wavelength."""
_FIRMWARE = "4.3.3"

_LONG_FORMS = {"OUTP": "OUTPut", "ATT": "ATTenuation", "WAV": "WAVelength", "SYST": "SYSTem", "ERR": "ERRor"}


class EmulatedMvoa:
    """One attenuator cassette with one device, in line with `link`; a `ScpiDevice`."""

    def __init__(self, gear: str, link: Link, clock: LabClock, defects: MvoaDefects) -> None:
        self.errors = ErrorQueue(no_error="No Error")
        self._gear = gear
        self._link = link
        self._clock = clock
        self._defects = defects
        self._movement = 0
        self._power_up()
        self._commands = self._table()

    def handle(self, command: str) -> Answer | None:
        """Do one SCPI command."""
        return self._commands.handle(command)

    def _power_up(self) -> None:
        self._setting_db = 0.0
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
        self._link.set_inline_db(self._gear, self._loss_db())

    def _loss_db(self) -> float:
        if self._blocked:
            return math.inf
        mismatch_nm = self._wavelength_nm - self._link.wavelength_nm
        return self._filter_db * self._defects.scale * (1 + _SLOPE_PER_NM * mismatch_nm)


def _only_device(text: str) -> None:
    number(text, 1, 1)
