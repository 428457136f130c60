"""A trace cut into sections of undisturbed backscatter: starts of events, and lines between them.

Reflections are found by their rising edges. What lies between them is cut wherever a line leaves a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from emulators.otdr.detection import best_step, darkness, noise_of, rising_edges
from emulators.otdr.lines import DB_PER_NEPER, Line, Presumed, fit_line, usual_slope

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emulators.otdr.settings import Trace


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a technician wants to see an event. The defaults are those of VIAVI's files."""

    loss_db: float = 0.05
    reflectance_db: float = -65.0
    end_db: float = 6.0
    """A drop at least so large, with decay behind it, is the end of fibre."""


# Backscatter is cut at steps smaller than those reported, so that they do not bend the lines.
_INNER_SHARE = 0.3
# Single-mode fibre attenuates by about that much; the median of the trace's long sections replaces it.
_FIRST_GUESS_DB_PER_KM = Presumed(0.25, 0.15)
_STEEPEST_FIBRE_DB_PER_KM = 5.0
# Nothing is looked for so close behind an event: the receiver recovers there (attenuation dead zone).
_DEAD_PULSES = 3
_SETTLED_DB = 0.02
# Two reflections about a pulse apart look like one: the rise of the second hides in the fall of the first.
# Its plateau follows, up to a pulse long, before the receiver can recover.
_LONGEST_PLATEAU_PULSES = 1.25
# A peak must rise over backscatter by this share, or ripples of the trace would pass for reflections.
LEAST_PEAK = 0.05


@dataclass(frozen=True, slots=True)
class Cut:
    """Starts of all events in samples, the port's (0) first, and a line for each section between two of them.

    `end` is the start of the end of fibre, the last of `starts`; without one the last start only closes the
    last section.
    """

    starts: list[int]
    lines: list[Line | None]
    end: int | None


class Cutter:
    """Cuts one trace; works on power over samples."""

    def __init__(self, trace: Trace, thresholds: Thresholds) -> None:
        self.settings = trace.settings
        self.thresholds = thresholds
        self.power: NDArray[np.float64] = np.exp(trace.level_db / DB_PER_NEPER)
        self.pulse = max(1, round(self.settings.pulse_ns / self.settings.sampling_ns))
        self.margin = max(2, self.pulse // 8)
        self.noise_rms = noise_of(self.power, float(self.power.min()))
        neper_per_sample = self.settings.spacing_m() / 1000.0 / DB_PER_NEPER
        self.presumed = Presumed(
            _FIRST_GUESS_DB_PER_KM.slope * neper_per_sample,
            _FIRST_GUESS_DB_PER_KM.deviation * neper_per_sample,
        )
        self.steepest = _STEEPEST_FIBRE_DB_PER_KM * neper_per_sample

    def cut(self) -> Cut:
        """Find all starts and fit all lines."""
        starts, end = self._reflections()
        lines = self._lines(starts)
        self.presumed = usual_slope([line for line in lines if line is not None], self.presumed)
        starts = self._with_steps(starts)
        return Cut(starts, self._lines(starts), end)

    def _reflections(self) -> tuple[list[int], int | None]:
        """Return the starts of port, reflections and end (or of what ends the trace), and the end's start."""
        dark = darkness(self.power, self.pulse, self.noise_rms)
        stop = len(self.power) if dark is None else dark
        pulse_db = self.settings.backscatter_db + 10.0 * math.log10(self.settings.pulse_ns)
        least = max(10.0 ** ((self.thresholds.reflectance_db - pulse_db) / 10.0), LEAST_PEAK)
        edges = rising_edges(self.power[:stop], self.pulse, self.noise_rms, 5.0 * math.log10(1.0 + least))
        starts = [0, *(edge for edge in edges if edge > self.pulse)]
        if dark is None:
            return [*starts, len(self.power)], None
        if len(starts) > 1 and self._only_decay(starts[-1] + self.pulse, dark - self.pulse):
            # Echoes of the end stand in the receiver's recovery from it: they are behind the fibre.
            while len(starts) > 2 and self._decays(starts[-2] + self.pulse, starts[-1] - self.margin):
                starts.pop()
            return starts, starts[-1]
        end = self._fall(starts[-1], dark)
        if end is None:
            return [*starts, dark], None
        return [*starts, end], end

    def _only_decay(self, start: int, stop: int) -> bool:
        """Tell whether what follows a reflection is the receiver's recovery and no fibre."""
        return stop - start < 3 * self.pulse or self._decays(start, stop)

    def _decays(self, start: int, stop: int) -> bool:
        """Tell whether a stretch of at least three pulses falls faster than any fibre."""
        third = (stop - start) // 3
        if third < self.pulse:
            return False
        second, last = (float(self.power[start + n * third :][:third].mean()) for n in (1, 2))
        return last <= 0.0 or math.log(second / last) > self.steepest * third

    def _fall(self, start: int, dark: int) -> int | None:
        """Return where backscatter ends without a reflection, None if it fades into the noise."""
        first = max(start + 2 * self.pulse, dark - 50 * self.pulse)
        line = fit_line(self.power, first, dark - 4 * self.pulse, self.noise_rms, self.presumed)
        least = 10.0 ** (self.thresholds.end_db / 5.0)
        if line is None:
            return None
        begin = max(dark - 6 * max(self.pulse, 256), line.start)
        relative = self.power[begin : dark + self.pulse] / line.powers(begin, dark + self.pulse)
        if math.exp(line.at(dark)) < least * 0.6 * self.noise_rms:
            return None
        means = np.convolve(relative, np.full(self.pulse, 1.0 / self.pulse), mode="valid")
        below = np.flatnonzero(means < 0.5)
        return begin + int(below[0]) if len(below) else dark

    def _with_steps(self, starts: list[int]) -> list[int]:
        """Return the starts with those of steps in between, found section by section until there are none."""
        found = list(starts)
        waiting = list(pairwise(starts))
        while waiting:
            left, right = waiting.pop()
            step = self._step(left, right)
            if step is not None and step < right - self.pulse:
                found.append(step)
                waiting += [(left, step), (step, right)]
        return self._confirmed(sorted(found), set(starts))

    def _step(self, left: int, right: int) -> int | None:
        """Return where the backscatter between two starts steps, None if nowhere outside the dead zone."""
        line = self._line(left, right)
        first = left + _DEAD_PULSES * self.pulse
        if line is None or first >= line.stop:
            return None
        searched = replace(line, start=max(line.start, first))
        least_db = _INNER_SHARE * self.thresholds.loss_db
        return best_step(self.power, searched, self.pulse, self.noise_rms, least_db)

    def _confirmed(self, found: list[int], sure: set[int]) -> list[int]:
        """Return the starts without the steps that vanish once both neighbours' lines are known.

        The first cut of a section is made before its lines are good: recovery and bends then look like steps.
        """
        kept = [found[0]]
        for start, following in pairwise(found[1:]):
            if start in sure:
                kept.append(start)
            elif self._step_db(kept[-1], start, following) >= _INNER_SHARE * self.thresholds.loss_db:
                kept.append(self._placed(kept[-1], start, following))
        return [*kept, found[-1]]

    def _step_db(self, left: int, start: int, right: int) -> float:
        """Return the size of a step between two sections in dB, 0 if it lies in a dead zone."""
        before, after = self._line(left, start), self._line(start, right)
        if before is None or after is None:
            return 0.0
        return abs(before.at(start) - after.at(start)) * DB_PER_NEPER

    def _placed(self, left: int, start: int, right: int) -> int:
        """Return where a step begins, with the other steps out of the way."""
        step = self._step(left, right)
        return start if step is None or abs(step - start) > self.pulse else step

    def _lines(self, starts: list[int]) -> list[Line | None]:
        return [self._line(left, right) for left, right in pairwise(starts)]

    def _line(self, left: int, right: int) -> Line | None:
        """Fit the section between two starts, without the dead zone after the first; None if none is left.

        A section that is too short to be seen settled is none: what recovers would pass for backscatter.
        """
        start, stop = left + self.pulse + self.margin, right - self.margin
        shortest = max(self.pulse // 2, 8)
        if stop - start < shortest:
            return None
        behind = min((start + stop) // 2, stop - shortest)
        line = fit_line(self.power, behind, stop, self.noise_rms, self.presumed)
        if line is None:
            return None
        settled = start + self._recovery(start, stop, line)
        if stop - settled < shortest:
            return None
        return fit_line(self.power, settled, stop, self.noise_rms, self.presumed)

    def _recovery(self, start: int, stop: int, line: Line) -> int:
        """Return how many samples from `start` on belong to the receiver's recovery to the line."""
        noise = self.noise_rms / math.exp(line.at(start))
        wanted = math.ceil((3.0 * noise * DB_PER_NEPER / _SETTLED_DB) ** 2)
        block = max(self.pulse // 8, 4, min(wanted, self.pulse))
        count = (stop - start) // block
        if count < 1:
            return 0
        relative = self.power[start : start + count * block] / line.powers(start, start + count * block)
        means = relative.reshape(count, block).mean(axis=1)
        settled = max(_SETTLED_DB / DB_PER_NEPER, 2.0 * noise / math.sqrt(block))
        ahead = max(4, math.ceil(_LONGEST_PLATEAU_PULSES * self.pulse / block))
        return _recovery_blocks(means - 1.0, settled, ahead) * block


def _recovery_blocks(deviations: NDArray[np.float64], settled: float, ahead: int) -> int:
    """Return how many blocks after a pulse belong to the receiver's recovery: above the line and decaying.

    A step further on also lies above the line, but does not decay towards it within `ahead` blocks.
    """
    last = len(deviations) - 1
    count = 0
    while count <= last and deviations[count] > settled:
        if deviations[min(count + ahead, last)] > 0.7 * deviations[count]:
            break
        count += 1
    return count + 1 if count else 0
