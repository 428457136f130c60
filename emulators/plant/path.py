"""An optical path: the elements light meets from one end to the other.

Elements carry their own loss and reflectance; a path adds them up and can be looked at from its other end.
What an OTDR at the near end meets is worked out in `emulators/plant/sight.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from drivers.facts.fibre_types import REFERENCE_C, FibreType
from drivers.facts.figures import Spectrum, value_at


@dataclass(frozen=True, slots=True)
class FibreSpan:
    """A length (m, above 0) of one fibre."""

    length_m: float
    fibre: FibreType

    def __post_init__(self) -> None:
        if not 0.0 < self.length_m < math.inf:
            raise ValueError(f"length_m must be above 0, got {self.length_m}")

    def loss_db(self, wavelength_nm: float, temperature_c: float) -> float:
        """Return attenuation times length in dB."""
        return self.fibre.attenuation_at(wavelength_nm, temperature_c) * self.length_m / 1000.0


@dataclass(frozen=True, slots=True)
class Splice:
    """A fusion splice: loss (dB), no reflection."""

    loss: float | Spectrum

    def loss_db(self, wavelength_nm: float, _temperature_c: float) -> float:
        """Return the insertion loss in dB."""
        return value_at(self.loss, wavelength_nm)


@dataclass(frozen=True, slots=True)
class Connector:
    """A mated pair of connectors: loss (dB) and reflectance (dB, below 0)."""

    loss: float | Spectrum
    reflectance: float | Spectrum

    def loss_db(self, wavelength_nm: float, _temperature_c: float) -> float:
        """Return the insertion loss in dB."""
        return value_at(self.loss, wavelength_nm)

    def reflectance_db(self, wavelength_nm: float) -> float:
        """Return the reflectance in dB."""
        return _below_zero(value_at(self.reflectance, wavelength_nm))


@dataclass(frozen=True, slots=True)
class Bend:
    """Turns of fibre with a radius (mm) that leaks: more at long wavelengths."""

    radius_mm: float
    turns: float
    fibre: FibreType

    def loss_db(self, wavelength_nm: float, _temperature_c: float) -> float:
        """Return the loss of all turns in dB."""
        return self.turns * self.fibre.turn_loss_db(wavelength_nm, self.radius_mm)


@dataclass(frozen=True, slots=True)
class InlineLoss:
    """An attenuator or other device in line: loss (dB); reflectance (dB) if it has any, of its entrance."""

    loss: float | Spectrum
    reflectance: float | Spectrum | None = None

    def loss_db(self, wavelength_nm: float, _temperature_c: float) -> float:
        """Return the insertion loss in dB."""
        return value_at(self.loss, wavelength_nm)

    def reflectance_db(self, wavelength_nm: float) -> float | None:
        """Return the reflectance in dB, None for a device without any."""
        return None if self.reflectance is None else _below_zero(value_at(self.reflectance, wavelength_nm))


EndKind = Literal["open_pc", "open_apc", "cut", "terminated"]

# open_pc: Fresnel, ((n - 1) / (n + 1))^2 with n of 1.468. The others are assumed: an angled face throws the
# light out of the core, a break is rarely square, a receiver or terminator has a matched face.
_END_REFLECTANCE_DB: dict[EndKind, float] = {
    "open_pc": -14.4,
    "open_apc": -60.0,
    "cut": -35.0,
    "terminated": -65.0,
}


@dataclass(frozen=True, slots=True)
class FibreEnd:
    """Where the path ends: an open connector, a break, or something matched; `reflectance` (dB) overrides."""

    kind: EndKind
    reflectance: float | None = None

    def reflectance_db(self) -> float:
        """Return the reflectance of the end in dB."""
        return _below_zero(_END_REFLECTANCE_DB[self.kind] if self.reflectance is None else self.reflectance)


Element = FibreSpan | Splice | Connector | Bend | InlineLoss


@dataclass(frozen=True, slots=True)
class OpticalPath:
    """Elements in the order in which light from the near end meets them, and both ends.

    `near` matters when the path is looked at from the far end: it is that trace's end of fibre.
    """

    elements: tuple[Element, ...]
    far: FibreEnd = FibreEnd("open_pc")
    near: FibreEnd = FibreEnd("open_pc")
    temperature_c: float = REFERENCE_C

    def __post_init__(self) -> None:
        if not any(isinstance(element, FibreSpan) for element in self.elements):
            raise ValueError("an optical path needs at least one span of fibre")

    def length_m(self) -> float:
        """Return the length of all fibre in m, at the reference temperature."""
        return sum(element.length_m for element in self.elements if isinstance(element, FibreSpan))

    def loss_db(self, wavelength_nm: float) -> float:
        """Return the loss of all elements in dB, one way."""
        return sum(element.loss_db(wavelength_nm, self.temperature_c) for element in self.elements)

    def reversed(self) -> OpticalPath:
        """Return the same path seen from its far end."""
        return replace(self, elements=self.elements[::-1], far=self.near, near=self.far)

    def at_temperature(self, temperature_c: float) -> OpticalPath:
        """Return the same path at another temperature (degrees Celsius)."""
        return replace(self, temperature_c=temperature_c)

    def cut_at(self, position_m: float) -> OpticalPath:
        """Return the path as it is after a break at `position_m` (m of fibre from the near end)."""
        kept: list[Element] = []
        left_m = position_m
        if not 0.0 < position_m < self.length_m():
            raise ValueError(f"a cut at {position_m} m lies outside the path of {self.length_m():.1f} m")
        for element in self.elements:
            if isinstance(element, FibreSpan) and element.length_m >= left_m:
                return replace(self, elements=(*kept, replace(element, length_m=left_m)), far=FibreEnd("cut"))
            if isinstance(element, FibreSpan):
                left_m -= element.length_m
            kept.append(element)
        raise AssertionError("the position lies within the path")


def _below_zero(reflectance_db: float) -> float:
    if not -200.0 < reflectance_db < 0.0:
        raise ValueError(f"reflectance must lie between -200 and 0 dB, got {reflectance_db}")
    return reflectance_db
