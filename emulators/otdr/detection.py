"""Where a trace changes: rising edges of reflections, steps of the backscatter, and where the light ends.

All of it works on power (not dB) over samples; `pulse` is the pulse's length in samples.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emulators.otdr.lines import DB_PER_NEPER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulators.otdr.lines import Line

_BLOCK = 512
# An edge or step stands out of the noise by so many standard deviations: no false alarm in 125,000 points.
_SIGNIFICANT = 6.0
_LONGEST_EDGE_WINDOW = 64
_MEDIAN_OF_NORMAL = 0.6745
# Rounding to 0.001 dB, as a share of power: 0.001 / 2.17 / sqrt(12).
_DISPLAY_STEP = 1.3e-4


def noise_of(power: NDArray[np.float64], floor: float) -> float:
    """Estimate the rms noise of a point; ValueError for a trace of fewer points than a block.

    Behind the fibre half of the noise is cut off at the display's floor, and the median of the rest is 0.6745
    standard deviations. Without such a stretch neighbours' differences tell: the median of their size is that
    times the root of 2. Where neither shows any noise it is less than the steps of the display.
    """
    blocks = len(power) // _BLOCK
    if blocks < 1:
        raise ValueError(f"a trace needs at least {_BLOCK} points, got {len(power)}")
    cut = power[: blocks * _BLOCK].reshape(blocks, _BLOCK)
    at_floor = (cut <= floor).mean(axis=1)
    dark = cut[(at_floor > 0.4) & (at_floor < 0.6)]
    if len(dark):
        return float(np.median(dark[dark > floor])) / _MEDIAN_OF_NORMAL
    typical = np.median(np.abs(np.diff(cut, axis=1)), axis=1)
    usable = typical[(at_floor == 0.0) & (typical > 0.0)]
    least = _DISPLAY_STEP * float(np.median(cut, axis=1).min())
    # Near the port the steps of the display are coarser than the noise.
    last = usable[len(usable) // 2 :]
    return max(least, float(np.median(last)) / (_MEDIAN_OF_NORMAL * math.sqrt(2.0)) if len(last) else 0.0)


def rising_edges(power: NDArray[np.float64], pulse: int, noise_rms: float, least_rise_db: float) -> list[int]:
    """Return the samples at which reflections begin, in order.

    An edge is where the mean of the window behind exceeds that of the window before by `least_rise_db`
    (one way) and by six standard deviations. Edges closer than half a pulse count as one.
    """
    window = min(max(pulse // 3, 2), _LONGEST_EDGE_WINDOW)
    sums = np.concatenate(([0.0], np.cumsum(power)))
    means = (sums[window:] - sums[:-window]) / window
    before, behind = means[:-window], means[window:]
    rise = behind - before
    factor = 10.0 ** (least_rise_db / 5.0) - 1.0
    strong = (rise > _SIGNIFICANT * noise_rms * math.sqrt(2.0 / window)) & (rise > factor * before)
    edges: list[int] = []
    for run in _runs(strong):
        edge = _first_lit(power, run[0], run[0] + int(np.argmax(rise[run[0] : run[1]])), window, noise_rms)
        if not edges or edge - edges[-1] > max(pulse // 2, 2 * window):
            edges.append(edge)
    return edges


def _first_lit(power: NDArray[np.float64], first: int, steepest: int, window: int, noise_rms: float) -> int:
    """Return the first sample clearly above the window from `first` on, the steepest rise if none is.

    Of two reflections within a window the later may rise more; the event begins with the earlier.
    """
    before = float(np.median(power[first : first + window]))
    limit = before + max(_SIGNIFICANT * noise_rms, 0.1 * before)
    lit = np.flatnonzero(power[first + window : steepest + window] > limit)
    return first + window + int(lit[0]) if len(lit) else steepest + window


def darkness(power: NDArray[np.float64], pulse: int, noise_rms: float) -> int | None:
    """Return the first sample from which the mean stays below the noise (SNR of 1), None if it never does."""
    block = max(min(pulse, 256), 32)
    count = len(power) // block
    dark = power[: count * block].reshape(count, block).mean(axis=1) < noise_rms
    lasting = dark.copy()
    for later in range(1, 4):
        lasting[: count - later] &= dark[later:]
        lasting[count - later :] = False
    found = np.flatnonzero(lasting)
    return int(found[0]) * block if len(found) else None


def best_step(
    power: NDArray[np.float64], line: Line, pulse: int, noise_rms: float, least_db: float
) -> int | None:
    """Return the sample at which the backscatter of a section most clearly begins to step, None if nowhere.

    Windows of growing length on either side of a gap of one pulse are compared; a step must be larger than
    `least_db` and than six standard deviations of the comparison.
    """
    model = line.powers(line.start, line.stop)
    relative = power[line.start : line.stop] / model
    noise = noise_rms / model
    sums = np.concatenate(([0.0], np.cumsum(relative)))
    least = least_db / DB_PER_NEPER
    best_score, best = 0.0, None
    window = max(pulse, 8)
    while 2 * window + pulse <= len(relative):
        means = (sums[window:] - sums[:-window]) / window
        before, behind = means[: -(window + pulse)], means[window + pulse :]
        step = np.abs(behind - before)
        deviation = noise[window + pulse // 2 : window + pulse // 2 + len(step)] * math.sqrt(2.0 / window)
        score = np.where(step > least, step / deviation, 0.0)
        candidate = int(np.argmax(score))
        if score[candidate] > max(_SIGNIFICANT, 1.1 * best_score):
            best_score = float(score[candidate])
            levels = (float(before[candidate]), float(behind[candidate]))
            guess, within = candidate + window, 2 * pulse + window // 2
            best = _middle_crossing(relative, sums, guess, pulse, within, levels)
        # Longer windows only smear what is clear already, or would show nothing that `least_db` lets through.
        if best_score > 3.0 * _SIGNIFICANT or _SIGNIFICANT * float(deviation.max()) < least:
            break
        window *= 2
    return None if best is None else line.start + best


def _middle_crossing(
    relative: NDArray[np.float64],
    sums: NDArray[np.float64],
    guess: int,
    pulse: int,
    within: int,
    levels: tuple[float, float],
) -> int:
    """Return where a step begins: there the mean over one pulse is half-way between the two levels.

    A pulse turns a step into a straight ramp one pulse long; least squares put the ramp where that mean is.
    """
    start, stop = max(guess - within, 0), min(guess + within, len(relative) - pulse)
    if stop <= start:
        return guess
    means = (sums[start + pulse : stop + pulse] - sums[start:stop]) / pulse
    above = means > sum(levels) / 2.0
    crossings = np.flatnonzero(above[1:] != above[:-1])
    if not len(crossings):
        return guess
    return start + int(crossings[np.argmin(np.abs(crossings + start - guess))]) + 1


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return [start, stop) of each run of true flags."""
    padded = np.concatenate(([False], flags, [False]))
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in zip(changes[::2], changes[1::2], strict=True)]
