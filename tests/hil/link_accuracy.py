"""How far off the link's figures are that the acceptance takes from event tables as printed on the wire.

Set up as the procedure does it, from both ends, through the instrument's table (rounded) and
`hil_tests/measure`, against the plant's truth. Print it for many seeds: `python -m tests.hil.link_accuracy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emulators.plant.description import path_from
from emulators.plant.path import FibreSpan
from hil_tests.measure import bidirectional
from hil_tests.measure.otdr_link import LinkNotFound, end_to_end_loss_db, link_of
from hil_tests.measure.return_loss import return_loss
from tests.hil.fibre_runs import (
    LAUNCH_M,
    SETTINGS,
    SETTINGS_1310,
    SETTINGS_1625,
    TAIL_M,
    as_planned,
    between_leads,
    orl_of_the_link_db,
    papers_link,
    table_of,
    taken,
)
from tests.otdr.accuracy import EVENT_LOSS_DB, LENGTH_M, LOSS_DB, SURE_DB, TrueEvent, true_events
from tests.otdr.links import random_link

if TYPE_CHECKING:
    from emulators.otdr.settings import AcquisitionSettings
    from emulators.plant.path import OpticalPath
    from hil_tests.measure.otdr_link import Link

ALL_SETTINGS = {
    "100 ns, 1550 nm": SETTINGS,
    "300 ns, 1550 nm": as_planned(1550.0, 300.0),
    "100 ns, 1310 nm": SETTINGS_1310,
    "100 ns, 1625 nm": SETTINGS_1625,
}


@dataclass
class Errors:
    """Errors by what was measured, and every miss in words."""

    errors: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    misses: list[str] = field(default_factory=list[str])

    def add(self, what: str, error: float, allowed: float | None, where: str) -> None:
        """Note an error, and a miss if it is larger than is allowed."""
        self.errors.setdefault(what, []).append(error)
        if allowed is not None and abs(error) > allowed:
            self.misses.append(f"{where}: {what} {error:+.3f} off")


def measure(path: OpticalPath, seed: int, settings: AcquisitionSettings, into: Errors) -> None:
    """Measure a link from both ends and note how far everything is from the truth."""
    where = f"seed {seed}"
    links: list[Link] = []
    for place, seen in enumerate((path, path.reversed())):
        events = table_of(taken(between_leads(seen), 2 * seed + place, settings))
        try:
            link = link_of(events, LAUNCH_M, TAIL_M)
            loss_db = end_to_end_loss_db(link)
        except LinkNotFound as error:
            into.misses.append(f"{where}: {error}")
            return
        links.append(link)
        into.add("length / m", link.length_m - path.length_m(), LENGTH_M, where)
        into.add(
            "end-to-end loss, one way / dB", loss_db - path.loss_db(settings.wavelength_nm), LOSS_DB, where
        )
        orl_db = return_loss(link, settings.backscatter_db, settings.group_index).value_db
        into.add("return loss / dB", orl_db - orl_of_the_link_db(seen, settings.wavelength_nm), None, where)
        _compare_seen(link, seen, settings, into, where)
    mean_db = sum(end_to_end_loss_db(link) for link in links) / 2.0
    into.add("end-to-end loss, mean / dB", mean_db - path.loss_db(settings.wavelength_nm), LOSS_DB, where)
    sum_db = sum(_sum_of_parts_db(link) for link in links) / 2.0
    into.add(
        "(sum of losses and slopes, mean / dB)", sum_db - path.loss_db(settings.wavelength_nm), None, where
    )
    _compare_mean(links, path, settings, into, where)


def _sum_of_parts_db(link: Link) -> float:
    """Return the end-to-end loss by the other way: what the events and the sections lose."""
    losses_db = sum(event.loss_db.value for event in link.events if event.loss_db is not None)
    for event in link.events[1:]:
        if event.slope_db_per_km is not None and event.section_m is not None:
            losses_db += event.slope_db_per_km.value * event.section_m / 1000.0
    return losses_db


def _compare_seen(
    link: Link, seen: OpticalPath, settings: AcquisitionSettings, into: Errors, where: str
) -> None:
    """Hold one direction's events against what one direction can show."""
    found = bidirectional.seen_events(link)
    allowed_m = max(5.0, settings.pulse_m() / 2.0)
    for true in true_events(between_leads(seen), settings):
        position_m = true.position_m - LAUNCH_M
        near = [event for event in found if abs(event.position_m - position_m) <= 4.0 * allowed_m]
        event = min(near, key=lambda one: abs(one.position_m - position_m), default=None)
        at = f"{where}, {position_m:.0f} m, {true.loss_db:.3f} dB"
        if event is None:
            if true.reflects or abs(true.loss_db) >= SURE_DB:
                into.misses.append(f"{at}: not found")
            continue
        found.remove(event)
        into.add("event position / m", event.position_m - position_m, allowed_m, at)
        into.add("event loss, one way / dB", event.loss_db.value - true.loss_db, EVENT_LOSS_DB, at)
    into.misses += [f"{where}: {event.position_m:.0f} m: nothing is there" for event in found]


def _compare_mean(
    links: list[Link], path: OpticalPath, settings: AcquisitionSettings, into: Errors, where: str
) -> None:
    """Hold the means of both directions against what the elements really lose."""
    within_m = bidirectional.matching_m(settings.pulse_m())
    found = bidirectional.average(links[0], links[1], within_m)
    for true in lossy_events(path, settings):
        event = min(found, key=lambda one: abs(one.position_m - true.position_m), default=None)
        at = f"{where}, {true.position_m:.0f} m, {true.loss_db:.3f} dB"
        if event is None or abs(event.position_m - true.position_m) > within_m:
            if true.reflects or true.loss_db >= 2.0 * SURE_DB:
                into.misses.append(f"{at}: not found from either end")
            continue
        found.remove(event)
        into.add("event loss, mean / dB", event.loss_db - true.loss_db, EVENT_LOSS_DB, at)


def lossy_events(path: OpticalPath, settings: AcquisitionSettings) -> list[TrueEvent]:
    """Return what the elements of a link lose, those within a pulse taken together."""
    events: list[TrueEvent] = []
    position_m = 0.0
    for element in path.elements:
        if isinstance(element, FibreSpan):
            position_m += element.length_m
            continue
        loss_db = element.loss_db(settings.wavelength_nm, path.temperature_c)
        reflects = hasattr(element, "reflectance_db")
        if events and position_m - events[-1].last_m < settings.pulse_m():
            events[-1].loss_db += loss_db
            events[-1].last_m = position_m
            events[-1].reflects |= reflects
        else:
            events.append(TrueEvent(position_m, position_m, loss_db, reflects))
    return events


def a_random_link(seed: int) -> OpticalPath:
    """Return a link as a technician might meet it."""
    parts: list[dict[str, Any]] = random_link(np.random.default_rng([seed, 1]))
    return path_from(parts)


def main(seeds: int = 100) -> None:
    """Print quantiles of all errors, and every miss."""
    for name, settings in ALL_SETTINGS.items():
        for kind in ("paper's", "random"):
            into = Errors()
            for seed in range(seeds):
                measure(papers_link() if kind == "paper's" else a_random_link(seed), seed, settings, into)
            show(f"{kind}, {name}, {seeds} seeds", into)


def show(title: str, into: Errors) -> None:
    """Print a block."""
    lines = [f"== {title}: {len(into.misses)} misses"]
    for what, errors in into.errors.items():
        rms, worst = float(np.sqrt(np.mean(np.square(errors)))), max(errors, key=abs)
        lines.append(
            f"{what:40} n {len(errors):5}  mean {np.mean(errors):+.4f}  rms {rms:.4f}  worst {worst:+.4f}"
        )
    print("\n".join([*lines, *into.misses]), flush=True)  # noqa: T201 - this is the output


if __name__ == "__main__":
    main()
