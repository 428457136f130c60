"""What an OTDR acquisition of 125,000 points costs, emulated and analysed, beside one FFT convolution."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np

from emulators.otdr.analysis import analyse
from emulators.otdr.instrument import load_instrument
from emulators.otdr.settings import AcquisitionSettings
from emulators.otdr.trace import acquire
from tests.otdr.accuracy import launched, paper_link

_SETTINGS = AcquisitionSettings(
    wavelength_nm=1550.0, pulse_ns=100.0, range_km=40.0, sampling_ns=3.125, averaging_s=30.0
)


def bench_otdr_acquisition(rounds: int = 20) -> dict[str, str | float]:
    """Return the median time in s of one acquisition with its events found, and its ratio to bare numpy.

    The path is the paper's link between launch and tail fibre. The baseline draws the noise of as many
    points and convolves them once by numpy's FFT (padded to a power of two), turn and turn about.
    """
    instrument = load_instrument("viavi_smartotdr")
    path = launched(paper_link())
    points = _SETTINGS.points()
    padded = 1 << (2 * points - 1).bit_length()
    response = np.exp(-np.arange(points) / 16.0)
    ours_s: list[float] = []
    bare_s: list[float] = []
    for seed in range(rounds + 1):
        generator = np.random.default_rng(seed)
        begin_s = perf_counter()
        analysis = analyse(acquire(path, instrument, _SETTINGS, generator))
        between_s = perf_counter()
        noise = generator.standard_normal(points)
        np.fft.irfft(np.fft.rfft(noise, padded) * np.fft.rfft(response, padded), padded)
        end_s = perf_counter()
        if analysis.end() is None:
            raise RuntimeError("the analysis found no end of fibre")
        ours_s.append(between_s - begin_s)
        bare_s.append(end_s - between_s)
    value_s, baseline_s = median(ours_s[1:]), median(bare_s[1:])
    return {
        "name": "otdr_acquisition",
        "value": value_s,
        "unit": "s",
        "baseline": f"{points} normal draws and one numpy FFT convolution of them",
        "baseline_value": baseline_s,
        "ratio": value_s / baseline_s,
    }


if __name__ == "__main__":
    print(bench_otdr_acquisition())  # noqa: T201 - this is a program too
