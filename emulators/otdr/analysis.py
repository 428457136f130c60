"""Find the events of a trace: from the trace and the settings alone, as the instrument has to.

Losses are differences of the lines before and after an event; see docs/physics-otdr.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emulators.otdr.events import Analysis, Event, SectionFit
from emulators.otdr.ghost_finder import mark_ghosts
from emulators.otdr.lines import DB_PER_NEPER
from emulators.otdr.sections import LEAST_PEAK, Cut, Cutter, Thresholds

if TYPE_CHECKING:
    from emulators.otdr.lines import Line
    from emulators.otdr.settings import Trace

_CLIPPED_WITHIN_DB = 0.02


def analyse(trace: Trace, thresholds: Thresholds | None = None) -> Analysis:
    """Find the events of a trace; ValueError for a trace that is too short to tell its noise."""
    limits = thresholds or Thresholds()
    cutter = Cutter(trace, limits)
    reader = _Reader(trace, cutter, limits)
    cut = cutter.cut()
    events = mark_ghosts(reader.events(cut), trace.settings, limits.loss_db)
    return Analysis(tuple(events), cutter.noise_rms, reader.orl_db(cut.lines))


class _Reader:
    """Reads events off a trace that is cut into sections."""

    def __init__(self, trace: Trace, cutter: Cutter, thresholds: Thresholds) -> None:
        self.settings = trace.settings
        self.thresholds = thresholds
        self.level_db = trace.level_db
        self.clip_db = trace.clip_db
        self.power = cutter.power
        self.pulse = cutter.pulse
        self.margin = cutter.margin
        self.noise_rms = cutter.noise_rms
        self.spacing_m = trace.settings.spacing_m()

    def events(self, cut: Cut) -> list[Event]:
        """Return the events that matter, in order."""
        starts, end = cut.starts, cut.end
        events: list[Event] = []
        fits = [None if line is None else self._section(line) for line in cut.lines]
        port_db = next((fit.level_db(0.0) for fit in fits if fit is not None), None)
        last = len(starts) if end is not None else len(starts) - 1
        for index, start in enumerate(starts[:last]):
            before = fits[index - 1] if index else None
            after = fits[index] if index < len(fits) else None
            event = self._event(start, before, after, fits[index:])
            is_end = start == end
            if index == 0:
                event = replace(event, kind="port", loss_db=None)
            elif is_end:
                event = replace(event, kind="end", loss_db=None)
            if before is not None and port_db is not None:
                event = replace(event, cumulated_db=port_db - before.level_db(event.position_m))
            if index == 0 or is_end or self._matters(event):
                events.append(event)
        return events

    def _matters(self, event: Event) -> bool:
        if event.reflectance_db is not None:
            return True
        return event.loss_db is not None and abs(event.loss_db) >= self.thresholds.loss_db

    def _event(
        self,
        start: int,
        before: SectionFit | None,
        after: SectionFit | None,
        following: list[SectionFit | None],
    ) -> Event:
        position_m = start * self.spacing_m
        # A dead zone without a section of its own: the loss of both events lies between the lines around it.
        resolved = after or next((fit for fit in following if fit is not None), None)
        loss_db = None
        if before is not None and resolved is not None:
            loss_db = before.level_db(position_m) - resolved.level_db(position_m)
        grounds = [fit.level_db(position_m) for fit in (before, resolved) if fit is not None]
        reflectance_db, saturated = self._reflectance(start, grounds)
        kind = "non_reflective"
        if reflectance_db is not None:
            kind = "reflective"
        elif loss_db is not None and loss_db < 0.0:
            kind = "gainer"
        return Event(kind, position_m, loss_db, reflectance_db, saturated, None, before, after)

    def _reflectance(self, start: int, grounds_db: list[float]) -> tuple[float | None, bool]:
        """Return reflectance (dB) and whether the peak was clipped; None where no peak rises.

        R = K + 10 log10(pulse in ns) + 10 log10(10^(H/5) - 1), with H the height over backscatter in dB.
        `grounds_db` are the levels before and after: a peak rises over both, a gainer does not.
        """
        window = max(self.pulse // 4, 1)
        first = max(start - self.margin, 0)
        peak = self.power[first : start + 2 * self.pulse + self.margin]
        if not grounds_db or len(peak) < window:
            return None, False
        top = float(np.convolve(peak, np.full(window, 1.0 / window), mode="valid").max())
        before = math.exp(grounds_db[0] / DB_PER_NEPER)
        over = top - math.exp(max(grounds_db) / DB_PER_NEPER)
        if over <= 6.0 * self.noise_rms / math.sqrt(window) or over < LEAST_PEAK * before:
            return None, False
        pulse_db = self.settings.backscatter_db + 10.0 * math.log10(self.settings.pulse_ns)
        reflectance_db = pulse_db + 10.0 * math.log10(top / before - 1.0)
        if reflectance_db < self.thresholds.reflectance_db:
            return None, False
        return reflectance_db, self._clipped(start)

    def _clipped(self, start: int) -> bool:
        """Tell whether a peak reaches the receiver's limit."""
        peak_db = self.level_db[max(start - self.margin, 0) : start + self.pulse + self.margin].max()
        return bool(peak_db > self.clip_db - _CLIPPED_WITHIN_DB)

    def _section(self, line: Line) -> SectionFit:
        slope_db_per_m = line.slope * DB_PER_NEPER / self.spacing_m
        level_db = line.log_power * DB_PER_NEPER
        return SectionFit(
            start_m=line.start * self.spacing_m,
            end_m=line.stop * self.spacing_m,
            intercept_db=level_db + slope_db_per_m * line.origin * self.spacing_m,
            slope_db_per_m=slope_db_per_m,
        )

    def orl_db(self, lines: list[Line | None]) -> float:
        """Return the return loss behind the port's dead zone; K tells what the launched pulse was."""
        first = next((line for line in lines if line is not None), None)
        if first is None:
            return math.nan
        launched = math.exp(first.at(0.0)) * 10.0 ** (-self.settings.backscatter_db / 10.0)
        launched /= self.settings.pulse_ns
        returned = float(self.power[first.start :].sum()) * self.settings.sampling_ns / self.settings.pulse_ns
        returned += (math.exp(first.at(0.0)) - math.exp(first.at(first.start))) / (
            first.slope / self.settings.sampling_ns * self.settings.pulse_ns
        )
        return -10.0 * math.log10(returned / launched)
