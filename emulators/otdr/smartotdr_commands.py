"""The commands and queries of a SmartOTDR's settings (`OTDS:...`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulators.wires.scpi_server import ScpiError, arguments, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.facts.names import InterfaceNames
    from emulators.otdr.smartotdr_settings import SmartOtdrSettings
    from emulators.wires.scpi_server import ScpiCommands

_NS_PER_US = 1000.0
_LONGEST_NS = 1e6
# Any number that could be meant: what there is not becomes the nearest that there is.
_ANY = (1e-3, 1e6)


def settings_commands(
    commands: ScpiCommands, names: InterfaceNames, settings: SmartOtdrSettings, refuse: Callable[[], None]
) -> None:
    """Add them to `commands`; `refuse` raises ScpiError while nothing may be set."""
    table = _Settings(settings)
    answers: dict[str, Callable[[Sequence[str]], str]] = {
        "laser": lambda _: f"L{settings.wavelength_nm:.0f}",
        "lasers": lambda _: ",".join(f"L{nm:.0f}" for nm in settings.fitted_nm),
        "range": lambda _: f"{settings.range_km:g}",
        "resolution": lambda _: table.resolution(),
        "pulse": lambda _: _pulse_word(settings.pulse_ns),
        "averaging": lambda _: f"{settings.averaging_s:g}",
        "group_index": table.group_index,
        "backscatter": table.backscatter,
    }
    for name, answer in answers.items():
        commands.add(names[name], answer)

    def add_setting(name: str, action: Callable[[Sequence[str]], None]) -> None:
        def act(given: Sequence[str]) -> None:
            refuse()
            action(given)

        commands.add(name, act)

    add_setting("OTDS:DEF", lambda _: settings.reset())
    add_setting("*RST", lambda _: settings.reset())
    add_setting(names["manual"], table.set_mode)
    add_setting(names["set_laser"], table.set_laser)
    add_setting(names["set_range"], lambda given: settings.set_range(_amount(given)))
    add_setting(names["set_resolution"], table.set_resolution)
    add_setting(names["set_pulse"], table.set_pulse)
    add_setting(names["set_averaging"], lambda given: settings.set_averaging(_amount(given)))
    add_setting(names["set_group_index"], table.set_group_index)
    add_setting(names["user_backscatter"], table.set_backscatter_source)
    add_setting(names["set_backscatter"], table.set_backscatter)


class _Settings:
    """The settings that are more than one number."""

    def __init__(self, settings: SmartOtdrSettings) -> None:
        self._settings = settings

    def set_mode(self, given: Sequence[str]) -> None:
        (mode,) = arguments(given, 1)
        if mode.upper() == "AUTO":
            raise ScpiError(-200)
        if mode.upper() != "MAN":
            raise ScpiError(-224)

    def set_laser(self, given: Sequence[str]) -> None:
        self._settings.wavelength_nm = self._fitted(*arguments(given, 1))

    def resolution(self) -> str:
        resolution_m = self._settings.resolution_m
        return "AUTO" if resolution_m is None else f"MANU,{resolution_m:g}"

    def set_resolution(self, given: Sequence[str]) -> None:
        if [word.upper() for word in given] == ["AUTO"]:
            self._settings.set_resolution(None)
            return
        mode, resolution_m = arguments(given, 2)
        if mode.upper() != "MANU":
            raise ScpiError(-224)
        self._settings.set_resolution(number(resolution_m, *_ANY))

    def set_pulse(self, given: Sequence[str]) -> None:
        (word,) = arguments(given, 1)
        unit_ns = {"NS": 1.0, "US": _NS_PER_US}.get(word[-2:].upper())
        if unit_ns is None or word[:1].upper() != "P":
            raise ScpiError(-224)
        self._settings.set_pulse(number(word[1:-2], 1.0, _LONGEST_NS) * unit_ns)

    def group_index(self, given: Sequence[str]) -> str:
        _user, laser = arguments(given, 2)
        return f"{self._settings.fibre[self._fitted(laser)].group_index:.5f}"

    def set_group_index(self, given: Sequence[str]) -> None:
        _user, laser, value = arguments(given, 3)
        wavelength_nm, group_index = self._fitted(laser), number(value, 1.3, 1.7)
        fibre = self._settings.fibre
        fibre[wavelength_nm] = replace(fibre[wavelength_nm], group_index=group_index)

    def set_backscatter_source(self, given: Sequence[str]) -> None:
        (source,) = arguments(given, 1)
        if source.upper() != "USER":
            raise ScpiError(-224)

    def backscatter(self, given: Sequence[str]) -> str:
        (laser,) = arguments(given, 1)
        return f"{self._settings.fibre[self._fitted(laser)].backscatter_db:.2f}"

    def set_backscatter(self, given: Sequence[str]) -> None:
        laser, value = arguments(given, 2)
        wavelength_nm, backscatter_db = self._fitted(laser), number(value, -90.0, -40.0)
        fibre = self._settings.fibre
        fibre[wavelength_nm] = replace(fibre[wavelength_nm], backscatter_db=backscatter_db)

    def _fitted(self, word: str) -> float:
        found = [nm for nm in self._settings.fitted_nm if word.upper() == f"L{nm:.0f}"]
        if not found:
            raise ScpiError(-224)
        return found[0]


def _amount(given: Sequence[str]) -> float:
    (text,) = arguments(given, 1)
    return number(text, *_ANY)


def _pulse_word(pulse_ns: float) -> str:
    return f"P{pulse_ns:.0f}NS" if pulse_ns < _NS_PER_US else f"P{pulse_ns / _NS_PER_US:.0f}US"
