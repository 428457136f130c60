"""What a right analysis of a path would say, and how far an analysis is from it.

One-way truth is what one direction can show: the loss, plus half the difference of the fibres' backscatter.
Elements that lie within a pulse of each other are one event.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from emulators.otdr.analysis import analyse
from emulators.otdr.events import link_result
from emulators.otdr.instrument import load_instrument
from emulators.otdr.trace import acquire
from emulators.plant.description import path_from
from emulators.plant.path import FibreEnd, FibreSpan, OpticalPath

if TYPE_CHECKING:
    from emulators.otdr.events import Analysis
    from emulators.otdr.settings import AcquisitionSettings

LAUNCH_M = TAIL_M = 1000.0
LENGTH_M, LOSS_DB, EVENT_LOSS_DB = 10.0, 0.1, 0.05
"""How far off a technician's OTDR may be: length, end-to-end loss, loss of one event."""
SURE_DB = 0.06
"""An event of at least this one-way loss must be found; the threshold is 0.05 dB, and noise decides below."""


def launched(link: list[dict[str, Any]], far: FibreEnd | None = None) -> OpticalPath:
    """Return a link behind a launch fibre and before a tail fibre."""
    fibre = {"kind": "span", "fibre": "G.652.D", "length_m": LAUNCH_M}
    return path_from([fibre, *link, {**fibre, "length_m": TAIL_M}], far=far)


def paper_link() -> list[dict[str, Any]]:
    """Return the description of the paper's link, as the shipped inventory has it."""
    inventory = yaml.safe_load((Path(__file__).parents[2] / "inventory.yaml").read_text())
    return inventory["stations"]["paper-link"]["fibre"]["path"]


@dataclass
class TrueEvent:
    position_m: float
    last_m: float
    loss_db: float
    reflects: bool


def true_events(path: OpticalPath, settings: AcquisitionSettings) -> list[TrueEvent]:
    """Return the events that one direction can show, in order, without the end."""
    events: list[TrueEvent] = []
    position_m = 0.0
    scatter_db: float | None = None
    for element in path.elements:
        if not isinstance(element, FibreSpan):
            loss_db = element.loss_db(settings.wavelength_nm, path.temperature_c)
            _add(
                events,
                settings,
                TrueEvent(position_m, position_m, loss_db, hasattr(element, "reflectance_db")),
            )
            continue
        here_db = element.fibre.backscatter_db.at(settings.wavelength_nm)
        if scatter_db is not None and scatter_db != here_db:
            _add(
                events,
                settings,
                TrueEvent(position_m, position_m, (scatter_db - here_db) / 2.0, reflects=False),
            )
        scatter_db = here_db
        position_m += element.length_m
    return events


def _add(events: list[TrueEvent], settings: AcquisitionSettings, event: TrueEvent) -> None:
    if events and event.position_m - events[-1].last_m < settings.pulse_m():
        events[-1].loss_db += event.loss_db
        events[-1].last_m = event.position_m
        events[-1].reflects |= event.reflects
    else:
        events.append(event)


@dataclass
class Comparison:
    """Errors of the events found, and what was missed or made up, in words."""

    position_errors_m: list[float]
    loss_errors_db: list[float]
    misses: list[str]


def compare(analysis: Analysis, path: OpticalPath, settings: AcquisitionSettings) -> Comparison:
    """Hold the events found against the true ones; each miss is one line."""
    allowed_m = max(5.0, settings.pulse_m() / 2.0)
    truth = true_events(path, settings)
    found = list(analysis.between_ends())
    result = Comparison([], [], [])
    for true in truth:
        name = f"{true.position_m:.0f} m, {true.loss_db:.3f} dB"
        near = [event for event in found if abs(event.position_m - true.position_m) <= 4.0 * allowed_m]
        event = min(near, key=lambda one: abs(one.position_m - true.position_m), default=None)
        if event is None:
            if true.reflects or abs(true.loss_db) >= SURE_DB:
                result.misses.append(f"{name}: not found")
            continue
        found.remove(event)
        result.position_errors_m.append(event.position_m - true.position_m)
        if abs(result.position_errors_m[-1]) > allowed_m:
            result.misses.append(f"{name}: found {result.position_errors_m[-1]:+.1f} m off")
        if event.loss_db is None:
            result.misses.append(f"{name}: loss not measured")
            continue
        result.loss_errors_db.append(event.loss_db - true.loss_db)
        if abs(result.loss_errors_db[-1]) > EVENT_LOSS_DB:
            result.misses.append(f"{name}: loss {result.loss_errors_db[-1]:+.3f} dB off")
    result.misses += [f"{event.position_m:.0f} m: {event.kind}, but nothing is there" for event in found]
    return result


@dataclass
class Measured:
    """One acquisition held against the truth."""

    events: Comparison
    length_error_m: float
    loss_error_db: float
    misses: list[str]


def measure(link: list[dict[str, Any]], seed: int, settings: AcquisitionSettings) -> Measured:
    """Acquire and analyse a link between launch and tail fibre, and compare all that is found."""
    path = launched(link)
    trace = acquire(path, load_instrument("viavi_smartotdr"), settings, np.random.default_rng([seed, 2]))
    analysis = analyse(trace)
    events = compare(analysis, path, settings)
    result = link_result(analysis, LAUNCH_M, TAIL_M)
    fibres_db = sum(
        element.loss_db(settings.wavelength_nm, 20.0) for element in (path.elements[0], path.elements[-1])
    )
    length_error_m = result.length_m - (path.length_m() - LAUNCH_M - TAIL_M)
    loss_error_db = result.loss_db - (path.loss_db(settings.wavelength_nm) - fibres_db)
    misses = [f"seed {seed}: {miss}" for miss in events.misses]
    if abs(length_error_m) > LENGTH_M:
        misses.append(f"seed {seed}: length {length_error_m:+.1f} m off")
    if abs(loss_error_db) > LOSS_DB:
        misses.append(f"seed {seed}: end-to-end loss {loss_error_db:+.3f} dB off")
    return Measured(events, length_error_m, loss_error_db, misses)
