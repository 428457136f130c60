"""The fibre, traced by the OTDR of each site that has one at each wavelength (paper, Table 1).

The fibre is taken away from the QKD appliances for it and given back at the end. Nobody but an operator can
move a patch cord, and what is asked comes in an order that never has an OTDR at one end and an appliance at
the other.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from drivers.errors import BenchError, InventoryError, LimitError, StationError
from drivers.facts.fibre_types import fibre_type
from drivers.facts.figures import FigureError
from drivers.facts.gear import ViaviOtdrGear
from drivers.roles import OtdrSettings
from sweeps.procedures.preparation import prepare_steps, put_at_reference, see_running
from sweeps.record.measured_rows import acquisitions, add_acquisition
from sweeps.record.schema import OTDR_OPEN, Acquisition
from sweeps.record.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.facts.inventory import FibrePlan, Plan
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import Otdr
    from drivers.station import Station
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord

TOUCHES = "takes the fibre away from the appliances and shines an OTDR into it: no key is made meanwhile"
ENDS_LEFT = "fibre ends left"
"""Kind of the journal's line that tells where a run that broke off left the ends of the fibre."""

_TRY = "set it up for each wavelength, without light"
# Of this fibre is most of an outside plant; its K and index are what the instruments have by default.
_USUAL_FIBRE = "G.652.D"
# ASSUMED: beyond the averaging an OTDR looks for its events.
_MARGIN_S = 30.0
_NO_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class PlannedTrace:
    """One acquisition of the plan; `step` is its place in it."""

    step: int
    site: str
    gear: str
    settings: OtdrSettings
    launch_m: float
    tail_m: float

    def sor_name(self) -> str:
        """Return the name of its `.sor` file among the artefacts."""
        site = _NO_FILE_NAME.sub("_", self.site)
        return f"{self.step}-{site}-{self.settings.wavelength_nm:g}nm.sor"


def planned_traces(plan: Plan, station: StationFacts) -> list[PlannedTrace]:
    """Return every acquisition in its order: alice's site before bob's, wavelengths as the plan has them.

    InventoryError for a plan without `fibre`, StationError for a station without an OTDR, LimitError for a
    wavelength that one of them has not, by the inventory.
    """
    if plan.fibre is None:
        raise InventoryError(f"plan {plan.title!r}", ["fibre: missing; the procedure 'fibre' goes by it"])
    otdrs = _otdrs_of(station)
    if not otdrs:
        raise StationError(f"station {station.title}: no OTDR stands at an end of its fibre")
    traces: list[PlannedTrace] = []
    for name, otdr in otdrs:
        for wavelength_nm in plan.fibre.wavelengths_nm:
            if wavelength_nm not in otdr.wavelengths_nm:
                fitted = ", ".join(f"{nm:g}" for nm in otdr.wavelengths_nm)
                raise LimitError(
                    f"{name}: wavelength {wavelength_nm:g} nm is not fitted: the inventory has {fitted} nm"
                )
            trace = PlannedTrace(
                step=len(traces),
                site=otdr.site,
                gear=name,
                settings=settings_at(plan.fibre, wavelength_nm),
                launch_m=0.0 if otdr.launch is None else otdr.launch.length_m,
                tail_m=0.0 if otdr.tail is None else otdr.tail.length_m,
            )
            traces.append(trace)
    return traces


def record_count(plan: Plan, station: StationFacts) -> int:
    """Return how many acquisitions the run takes; errors as `planned_traces`."""
    return len(planned_traces(plan, station))


def duration_s(plan: Plan, station: StationFacts) -> float:
    """Return the lab time in s that the OTDRs take; the ways of an operator come on top of it."""
    return sum(trace.settings.averaging_s for trace in planned_traces(plan, station))


def steps(plan: Plan, station: StationFacts) -> list[str]:
    """Return what the run would do, a line a step."""
    who_and_safe, reference, running = prepare_steps(station)
    traces = planned_traces(plan, station)
    told = [who_and_safe, reference, f"reach {traces[0].gear}; {_TRY}"]
    site = None
    for trace in traces:
        if trace.site != site:
            site = trace.site
            near, far = station.sites[site].name, station.sites[_far_site(station, site)].name
            told += [
                f"ask an operator to free the end of the fibre at {far}{_with('tail', trace.tail_m)}",
                f"ask an operator to connect {trace.gear} at {near}{_with('launch', trace.launch_m)}",
            ]
            if trace.gear != traces[0].gear:
                told.append(f"reach {trace.gear}, which may be the same instrument, carried there; {_TRY}")
        asked = trace.settings
        told.append(
            f"{trace.gear}: {asked.wavelength_nm:g} nm, {asked.pulse_ns:g} ns, {asked.range_km:g} km,"
            f" average for {asked.averaging_s:g} s; keep the events and the .sor file"
        )
    return [
        *told,
        "ask an operator to connect both ends to the appliances again",
        running,
        "back to the safe state",
    ]


def run_fibre(station: Station, plan: Plan, run: RunRecord, progress: Progress) -> None:
    """Take the traces that the run does not have yet, and give the link back making key.

    Each is committed, its `.sor` file on the disk before that, before the next is taken. One OTDR is open at
    a time: the first before anybody moves a cord, another when it stands at the fibre's end.
    """
    traces = planned_traces(plan, station.facts)
    done = {taken.step for taken in acquisitions(run)}
    progress.skip(len(done))
    to_take = [trace for trace in traces if trace.step not in done]
    by_site = [list(at_site) for _, at_site in groupby(to_take, key=lambda trace: trace.site)]
    if not by_site:
        put_at_reference(station, run)
    try:
        for at_site in by_site:
            site = at_site[0].site
            if at_site is not by_site[0]:
                _connect(station, site)
            otdr = _open(station, run, at_site)
            _connect(station, site)
            for trace in at_site:
                _take(station, run, otdr, trace)
                progress.advance(1, f"{site}, {trace.settings.wavelength_nm:g} nm")
            station.close_otdr()
            run.forget_meta(OTDR_OPEN)
        _give_back(station, traces)
    except BaseException:
        ends = station.fibre_ends_in_words()
        if ends is not None:
            with suppress(BenchError):  # the first error is the one to tell
                run.add_event(station.clock.now_s(), ENDS_LEFT, ends)
        raise
    see_running(station, run)


def _open(station: Station, run: RunRecord, at_site: Sequence[PlannedTrace]) -> Otdr:
    """Reach the OTDR of these traces, end what light it may be found with, and try all of their settings."""
    otdr = station.open_otdr(at_site[0].site)
    put_at_reference(station, run)
    for trace in at_site:
        otdr.set_up(trace.settings)  # refused now rather than after half of them
    return otdr


def _connect(station: Station, site: str) -> None:
    """Have the fibre between the OTDR at `site` and nothing; the far end first, so that it faces nobody."""
    station.connect_fibre_end(_far_site(station.facts, site), "nothing")
    station.connect_fibre_end(site, "otdr")


def _give_back(station: Station, traces: Sequence[PlannedTrace]) -> None:
    """Have both ends at the appliances again: the OTDR is gone before the first appliance is there."""
    near = traces[-1].site
    far = _far_site(station.facts, near)
    station.connect_fibre_end(far, "nothing")
    station.connect_fibre_end(near, "qkd")
    station.connect_fibre_end(far, "qkd")


def _take(station: Station, run: RunRecord, otdr: Otdr, trace: PlannedTrace) -> None:
    """Take one trace and keep it."""
    taken = otdr.set_up(trace.settings)
    otdr.start()
    otdr.wait(taken.averaging_s + _MARGIN_S)
    taken_s = station.clock.now_s()
    events, sor = otdr.events(), otdr.sor()
    write_whole(run.artefacts / trace.sor_name(), sor)
    acquisition = Acquisition(
        step=trace.step,
        site=trace.site,
        gear=trace.gear,
        wavelength_nm=taken.wavelength_nm,
        pulse_ns=taken.pulse_ns,
        range_km=taken.range_km,
        averaging_s=taken.averaging_s,
        group_index=taken.group_index,
        backscatter_db=taken.backscatter_db,
        launch_m=trace.launch_m,
        tail_m=trace.tail_m,
        taken_s=taken_s,
        sor=trace.sor_name(),
        sor_sha256=hashlib.sha256(sor).hexdigest(),
    )
    add_acquisition(run, acquisition, events)


def _otdrs_of(station: StationFacts) -> list[tuple[str, ViaviOtdrGear]]:
    """Return the OTDRs by gear name, that at alice's site first."""
    found = [(name, gear) for name, gear in station.gear.items() if isinstance(gear, ViaviOtdrGear)]
    return sorted(found, key=lambda named: named[1].site != station.site_of_end("alice"))


def _far_site(station: StationFacts, site: str) -> str:
    alice, bob = station.site_of_end("alice"), station.site_of_end("bob")
    return bob if site == alice else alice


def settings_at(plan: FibrePlan, wavelength_nm: float) -> OtdrSettings:
    """Return how an OTDR is set up at a wavelength; LimitError where the fibre's figures are not known.

    K, and the group index unless the plan gives one, are those of the usual fibre at that wavelength.
    """
    fibre = fibre_type(_USUAL_FIBRE)
    try:
        backscatter_db = fibre.backscatter_db.at(wavelength_nm)
        group_index = plan.group_index or fibre.group_index.at(wavelength_nm)
    except FigureError as error:
        raise LimitError(f"plan: fibre.wavelengths_nm: {wavelength_nm:g}: {error}") from None
    return OtdrSettings(
        wavelength_nm=wavelength_nm,
        range_km=plan.range_km,
        pulse_ns=plan.pulse_ns,
        averaging_s=plan.averaging_s,
        group_index=round(group_index, 5),
        backscatter_db=round(backscatter_db, 2),
    )


def _with(lead: str, length_m: float) -> str:
    return f", with {length_m:g} m of {lead} fibre" if length_m else ""
