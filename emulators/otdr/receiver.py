"""The OTDR's receiver: bandwidth, recovery, saturation, noise. Powers are relative to the launched pulse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from drivers.facts.units import LIGHT_M_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulators.otdr.instrument import Instrument
    from emulators.otdr.settings import AcquisitionSettings


def received(
    power: NDArray[np.float64], instrument: Instrument, settings: AcquisitionSettings
) -> NDArray[np.float64]:
    """Return what the receiver makes of light: two exponential responses, then saturation and its tail."""
    fast_ns = instrument.response_ns(settings.pulse_ns)
    slow_ns = fast_ns * instrument.slow_recovery_factor
    fast, slow = (one_pole(len(power), settings.sampling_ns, time_ns) for time_ns in (fast_ns, slow_ns))
    share = instrument.slow_recovery_share
    seen = _filtered(power, (1.0 - share) * fast + share * slow)
    limit = saturation_power(instrument, settings)
    excess = np.maximum(seen - limit, 0.0)
    if not excess.any():
        return seen
    tail = instrument.overload_share * _filtered(excess, slow)
    return np.minimum(np.minimum(seen, limit) + tail, limit)


def saturation_power(instrument: Instrument, settings: AcquisitionSettings) -> float:
    """Return the power beyond which the receiver clips: its gain goes with the pulse."""
    port_db = instrument.reference_backscatter_db.at(settings.wavelength_nm) + 10.0 * math.log10(
        settings.pulse_ns
    )
    return float(10.0 ** (port_db / 10.0 + instrument.saturation_db / 5.0))


def noise_rms(instrument: Instrument, settings: AcquisitionSettings) -> float:
    """Return the rms noise of one point, from the definition of the dynamic range.

    At the reference settings it equals the backscatter after `dynamic_range_db` of loss (SNR of 1). It goes
    with the root of the bandwidth, and falls with the root of the number of averages of a point.
    """
    reference_db = (
        instrument.reference_backscatter_db.at(settings.wavelength_nm)
        + 10.0 * math.log10(instrument.reference_pulse_ns)
        - 2.0 * instrument.dynamic_range_db.at(settings.wavelength_nm)
    )
    narrower = instrument.response_ns(settings.pulse_ns) / instrument.response_ns(
        instrument.reference_pulse_ns
    )
    reference_shots = instrument.reference_averaging_s / _shot_s(
        instrument, instrument.reference_range_km, settings.group_index
    )
    averages = point_averages(instrument, settings)
    return float(10.0 ** (reference_db / 10.0) * math.sqrt(reference_shots / averages / narrower))


def point_averages(instrument: Instrument, settings: AcquisitionSettings) -> float:
    """Return how many shots a point is averaged over: finer sampling than the converter's is interleaved."""
    interleaved = max(1.0, instrument.reference_sampling_ns / settings.sampling_ns)
    shot_s = _shot_s(instrument, settings.range_km, settings.group_index)
    return settings.averaging_s / shot_s / interleaved


def one_pole(points: int, sampling_ns: float, time_ns: float) -> NDArray[np.complex128]:
    """Return the transfer function of an exponential response of unit area, for `_filtered`."""
    decay = math.exp(-sampling_ns / time_ns)
    turns = np.arange(_padded(points) // 2 + 1) / _padded(points)
    return (1.0 - decay) / (1.0 - decay * np.exp(-2j * np.pi * turns)).astype(np.complex128)


def _filtered(power: NDArray[np.float64], transfer: NDArray[np.complex128]) -> NDArray[np.float64]:
    size = _padded(len(power))
    return np.fft.irfft(np.fft.rfft(power, size) * transfer, size)[: len(power)]


def _padded(points: int) -> int:
    """Return a length with room for the responses to die out, of factors that the transform is quick with."""
    wanted = points + points // 8
    step = 1 << max(wanted.bit_length() - 4, 0)
    return -(-wanted // step) * step


def _shot_s(instrument: Instrument, range_km: float, group_index: float) -> float:
    round_trip_s = 2.0 * range_km * group_index / (LIGHT_M_PER_S / 1000.0)
    return round_trip_s * (1.0 + instrument.shot_overhead)
