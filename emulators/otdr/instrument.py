"""An OTDR's own figures: `instruments/<name>.yaml`, each with its standing and source."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from drivers.facts.figures import Figure, FigureError, Spectrum, read_figures, spectrum_of

if TYPE_CHECKING:
    from emulators.otdr.settings import AcquisitionSettings

_FOLDER = Path(__file__).parent / "instruments"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class InstrumentFigures(BaseModel):
    """The figures of an OTDR as they stand in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dynamic_range_db: dict[float, Figure]
    """Loss at which the backscatter equals the rms noise, with the reference settings."""
    reference_pulse_ns: Figure
    reference_averaging_s: Figure
    reference_range_km: Figure
    reference_backscatter_db: dict[float, Figure]
    reference_sampling_ns: Figure
    shot_overhead: Figure
    fastest_response_ns: Figure
    response_per_pulse: Figure
    slow_recovery_share: Figure
    slow_recovery_factor: Figure
    saturation_db: Figure
    overload_share: Figure
    port_reflectance_db: Figure
    display_floor_db: Figure


class InstrumentFile(BaseModel):
    """The YAML file of an OTDR."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    pulse_widths_ns: list[Positive]
    ranges_km: list[Positive]
    sampling_ns: list[Positive]
    lists_source: Annotated[str, Field(min_length=1)]
    figures: InstrumentFigures


class Instrument:
    """What an OTDR can be set to, and how its receiver behaves."""

    def __init__(self, file: InstrumentFile) -> None:
        figures = file.figures
        self.title = file.title
        self.pulse_widths_ns = tuple(file.pulse_widths_ns)
        self.ranges_km = tuple(file.ranges_km)
        self.sampling_ns = tuple(file.sampling_ns)
        self.dynamic_range_db: Spectrum = spectrum_of(figures.dynamic_range_db)
        self.reference_backscatter_db: Spectrum = spectrum_of(figures.reference_backscatter_db)
        self.reference_pulse_ns = figures.reference_pulse_ns.value
        self.reference_averaging_s = figures.reference_averaging_s.value
        self.reference_range_km = figures.reference_range_km.value
        self.reference_sampling_ns = figures.reference_sampling_ns.value
        self.shot_overhead = figures.shot_overhead.value
        self.fastest_response_ns = figures.fastest_response_ns.value
        self.response_per_pulse = figures.response_per_pulse.value
        self.slow_recovery_share = figures.slow_recovery_share.value
        self.slow_recovery_factor = figures.slow_recovery_factor.value
        self.saturation_db = figures.saturation_db.value
        self.overload_share = figures.overload_share.value
        self.port_reflectance_db = figures.port_reflectance_db.value
        self.display_floor_db = figures.display_floor_db.value

    def check(self, settings: AcquisitionSettings) -> None:
        """Raise ValueError, naming the choices, for a setting that this instrument does not have."""
        for name, value, choices in (
            ("wavelength_nm", settings.wavelength_nm, self.dynamic_range_db.wavelengths_nm),
            ("pulse_ns", settings.pulse_ns, self.pulse_widths_ns),
            ("range_km", settings.range_km, self.ranges_km),
            ("sampling_ns", settings.sampling_ns, self.sampling_ns),
        ):
            if value not in choices:
                raise ValueError(f"{name} {value:g}: {self.title} has {', '.join(f'{c:g}' for c in choices)}")

    def response_ns(self, pulse_ns: float) -> float:
        """Return the receiver's time constant for a pulse width, in ns."""
        return max(self.fastest_response_ns, self.response_per_pulse * pulse_ns)


def load_instrument_file(name: str) -> InstrumentFile:
    """Read `instruments/<name>.yaml` with all marks; FigureError if unknown or with every mistake."""
    known = {path.stem: path for path in _FOLDER.glob("*.yaml")}
    if name not in known:
        raise FigureError(f"no instrument {name!r}; known: {', '.join(sorted(known))}")
    return read_figures(known[name], InstrumentFile)


@cache
def load_instrument(name: str) -> Instrument:
    """Return the instrument called `name` (no path, no suffix); FigureError as `load_instrument_file`."""
    return Instrument(load_instrument_file(name))
