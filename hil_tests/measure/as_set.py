"""Measure whether an attenuator was where it was told to be, at the points of a sweep or of a calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hil_tests.measure.estimates import exactly
from hil_tests.measure.measured import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil_tests.run_data import RunData


class AsSet(Protocol):
    """What was set and read back at one point."""

    @property
    def setting_db(self) -> float:
        """Attenuation as it was set."""
        ...

    @property
    def readback_db(self) -> float:
        """Attenuation as the device said it."""
        ...

    @property
    def wavelength_nm(self) -> float:
        """Calibration wavelength as the device said it."""
        ...


def worst_wavelength_offset(data: RunData, points: Sequence[AsSet]) -> Measured:
    """Give the read-back wavelength less the fibre's in nm, where it is largest of at least one point."""
    fibre_nm = data.facts.fibre.wavelength_nm
    if fibre_nm is None:
        return Measured(None, "the run does not say the fibre's wavelength")
    worst = max(points, key=lambda point: abs(point.wavelength_nm - fibre_nm))
    note = f"read back {worst.wavelength_nm:g} nm, fibre {fibre_nm:g} nm"
    return Measured(exactly(worst.wavelength_nm - fibre_nm, len(points)), note)


def worst_setting_offset(points: Sequence[AsSet]) -> Measured:
    """Give the read-back attenuation less the one set in dB, where it is largest of at least one point."""
    worst = max(points, key=lambda point: abs(point.readback_db - point.setting_db))
    note = f"set {worst.setting_db:g} dB, read back {worst.readback_db:g} dB"
    return Measured(exactly(worst.readback_db - worst.setting_db, len(points)), note)
