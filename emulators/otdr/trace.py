"""The trace of a path: what comes back of a pulse, through the receiver, with noise, as levels in dB."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emulators.otdr.ghosts import Echo, echoes
from emulators.otdr.receiver import noise_rms, received, saturation_power
from emulators.otdr.settings import Trace
from emulators.plant.sight import Reflector, cumulated_backscatter, look

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from emulators.otdr.instrument import Instrument
    from emulators.otdr.settings import AcquisitionSettings
    from emulators.plant.path import OpticalPath

_LEVEL_STEP_DB = 0.001


def acquire(
    path: OpticalPath, instrument: Instrument, settings: AcquisitionSettings, generator: np.random.Generator
) -> Trace:
    """Take a trace of `path`: one draw for where the points fall, one for the noise of each point.

    ValueError for settings that the instrument does not have.
    """
    instrument.check(settings)
    phase_ns = float(generator.uniform(-0.5, 0.5)) * settings.sampling_ns
    power = clean_power(path, instrument, settings, phase_ns)
    power += noise_rms(instrument, settings) * generator.standard_normal(len(power))
    return _trace(power, instrument, settings)


def dark_trace(
    instrument: Instrument, settings: AcquisitionSettings, generator: np.random.Generator
) -> Trace:
    """Take a trace without any light: the receiver's noise. ValueError as `acquire`."""
    instrument.check(settings)
    power = noise_rms(instrument, settings) * generator.standard_normal(settings.points())
    return _trace(power, instrument, settings)


def ideal_trace(path: OpticalPath, instrument: Instrument, settings: AcquisitionSettings) -> Trace:
    """Return the trace without any noise."""
    instrument.check(settings)
    return _trace(clean_power(path, instrument, settings), instrument, settings)


def clean_power(
    path: OpticalPath, instrument: Instrument, settings: AcquisitionSettings, phase_ns: float = 0.0
) -> NDArray[np.float64]:
    """Return the received power at each point, relative to the launched pulse, without noise.

    `phase_ns` is how late the points are taken.
    """
    sight = look(path, settings.wavelength_nm)
    times_ns = np.arange(settings.points(), dtype=np.float64) * settings.sampling_ns + phase_ns
    power = cumulated_backscatter(sight, times_ns)
    power -= cumulated_backscatter(sight, times_ns - settings.pulse_ns)
    port = Reflector(0.0, 0.0, 0.0, instrument.port_reflectance_db)
    reflectors = (port, *sight.reflectors)
    faintest = 0.01 * noise_rms(instrument, settings)
    direct = (Echo(reflector.delay_ns, reflector.returned()) for reflector in reflectors)
    _add_pulses(power, times_ns, settings, direct)
    _add_pulses(power, times_ns, settings, echoes(reflectors, faintest))
    return received(power, instrument, settings)


def _add_pulses(
    power: NDArray[np.float64],
    times_ns: NDArray[np.float64],
    settings: AcquisitionSettings,
    pulses: Iterable[Echo],
) -> None:
    """Add rectangular pulses in place; the converter's aperture of one sample keeps where the edges fall."""
    step_ns = settings.sampling_ns
    for pulse in pulses:
        first, last = np.searchsorted(
            times_ns, (pulse.delay_ns - step_ns, pulse.delay_ns + settings.pulse_ns + step_ns)
        )
        since_ns = times_ns[first:last] - pulse.delay_ns
        lit = np.clip(since_ns / step_ns + 0.5, 0.0, 1.0)
        lit -= np.clip((since_ns - settings.pulse_ns) / step_ns + 0.5, 0.0, 1.0)
        power[first:last] += pulse.power * lit


def _trace(power: NDArray[np.float64], instrument: Instrument, settings: AcquisitionSettings) -> Trace:
    """Return levels in the instrument's steps; power at or below zero shows as the lowest level."""
    lowest = 10.0 ** (instrument.display_floor_db / 5.0)
    level_db = 5.0 * np.log10(np.maximum(power, lowest))
    clip_db = 5.0 * math.log10(saturation_power(instrument, settings))
    return Trace(settings, np.round(level_db / _LEVEL_STEP_DB) * _LEVEL_STEP_DB, clip_db)
