"""The settings of a VIAVI SmartOTDR as words on its wire, and what it made of them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from drivers.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.facts.names import InterfaceNames
    from drivers.roles import OtdrSettings

# Which wavelengths, ranges, pulses and resolutions there are depends on the module: the device tells by what
# it takes. These are limits of the interface. Averaging, index: the OTU-8000's (HellWorld); K: FOMS2.
_LIMITS = {
    "wavelength_nm": (1200.0, 1700.0, "nm"),
    "range_km": (0.1, 500.0, "km"),
    "pulse_ns": (1.0, 100_000.0, "ns"),
    "averaging_s": (5.0, 600.0, "s"),
    "resolution_m": (0.01, 100.0, "m"),
    "group_index": (1.3, 1.7, ""),
    "backscatter_db": (-90.0, -40.0, "dB"),
}
# Half of the last digit in which a setting is written.
_SAME_WITHIN = {
    "wavelength_nm": 0.5,
    "range_km": 0.0005,
    "pulse_ns": 0.5,
    "averaging_s": 0.5,
    "resolution_m": 0.0005,
    "group_index": 5e-6,
    "backscatter_db": 0.005,
}
_PULSE = re.compile(r"P(\d+(?:\.\d+)?)(NS|US)", re.IGNORECASE)
_LASER = re.compile(r"L(\d{4})", re.IGNORECASE)
_NS_PER_US = 1000


def check_limits(device: str, settings: OtdrSettings) -> None:
    """Raise LimitError for what no such device does or what its commands have no word for."""
    for field, (low, high, unit) in _LIMITS.items():
        value: float | None = getattr(settings, field)
        if value is not None and not low <= value <= high:  # also refuses NaN
            raise LimitError(f"{device}: {_shown(field, value)}: the device does {low:g} to {high:g} {unit}")
    if not settings.wavelength_nm.is_integer():
        raise LimitError(f"{device}: {_shown('wavelength_nm', settings.wavelength_nm)}: expected whole nm")
    unit_ns = 1 if settings.pulse_ns < _NS_PER_US else _NS_PER_US
    if settings.pulse_ns % unit_ns:
        raise LimitError(
            f"{device}: {_shown('pulse_ns', settings.pulse_ns)}: expected whole ns, whole us from 1000 ns on"
        )


def setting_commands(names: InterfaceNames, settings: OtdrSettings) -> Sequence[str]:
    """Return the commands of all settings but the laser's, in the order of FOMS2's."""
    resolution = "set_resolution_auto" if settings.resolution_m is None else "set_resolution"
    keys = ["set_range", resolution, "set_pulse", "set_averaging", "set_group_index"]
    keys += ["user_backscatter", "set_backscatter"]
    words = {field: getattr(settings, field) for field in _LIMITS}
    return [names[key].format(**words, pulse=pulse_word(settings.pulse_ns)) for key in keys]


def differences(asked: OtdrSettings, taken: OtdrSettings) -> list[str]:
    """Return in words what `taken` has otherwise than `asked`; empty for the same settings."""
    told: list[str] = []
    for field, within in _SAME_WITHIN.items():
        wanted: float | None = getattr(asked, field)
        found: float | None = getattr(taken, field)
        if not _is_same(wanted, found, within):
            told.append(f"{_shown(field, wanted)} became {_value(field, found)}")
    return told


def pulse_word(pulse_ns: float) -> str:
    """Return a pulse width as the device writes it: P100NS, P3US."""
    return f"P{pulse_ns:.0f}NS" if pulse_ns < _NS_PER_US else f"P{pulse_ns / _NS_PER_US:.0f}US"


def parse_pulse(word: str) -> float:
    """Return the pulse width in ns; ValueError if it is none."""
    found = _PULSE.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no pulse width")
    return float(found[1]) * (_NS_PER_US if found[2].upper() == "US" else 1)


def parse_laser(word: str) -> float:
    """Return the wavelength of one laser in nm; ValueError if it is none."""
    found = _LASER.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no laser")
    return float(found[1])


def parse_resolution(answer: str) -> float | None:
    """Return the distance from point to point in m, None if the device chooses; ValueError if it is none."""
    mode, _, value = answer.partition(",")
    if mode.strip().upper() == "AUTO":
        return None
    if mode.strip().upper() != "MANU":
        raise ValueError(f"{answer!r} is no resolution")
    return parse_number(value)


def parse_number(answer: str) -> float:
    """Return a finite number, the last argument of `answer`; ValueError if there is none."""
    value = float(answer.rpartition(",")[2])
    if not math.isfinite(value):
        raise ValueError(f"{answer!r} is no finite number")
    return value


def _is_same(wanted: float | None, found: float | None, within: float) -> bool:
    if wanted is None or found is None:
        return wanted is found
    return math.isclose(wanted, found, rel_tol=0.0, abs_tol=within)


def _shown(field: str, value: float | None) -> str:
    name = field.rpartition("_")[0] if _LIMITS[field][2] else field
    return f"{name.replace('_', ' ')} {_value(field, value)}"


def _value(field: str, value: float | None) -> str:
    unit = _LIMITS[field][2]
    return "auto" if value is None else f"{value:.6g} {unit}".rstrip()
