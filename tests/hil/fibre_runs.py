"""Runs of the fibre for tests: what the emulated OTDR makes of a path from both ends, as a run keeps it.

The events go through the lines of the instrument's table and back, rounded as on the wire.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from drivers.facts.inventory import FibrePlan
from drivers.facts.plant_events import DirtyConnector
from drivers.facts.sor.sup_params import SupParams
from drivers.otdr.event_table import parse_line
from emulators.otdr.event_table import table_lines
from emulators.otdr.instrument import load_instrument
from emulators.otdr.measurement import Measurement
from emulators.otdr.settings import AcquisitionSettings
from emulators.otdr.sor_file import sor_bytes
from emulators.otdr.trace import acquire
from emulators.plant.changed_path import with_faults
from emulators.plant.description import path_from
from emulators.plant.path import FibreEnd, FibreSpan, OpticalPath
from sweeps.procedures.fibre import settings_at
from sweeps.record.measured_rows import add_acquisition
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Acquisition
from tests.hil.synthetic_runs import T0_S, facts, facts_unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drivers.roles import OtdrEvent

INSTRUMENT = load_instrument("viavi_smartotdr")


# What a technician would choose for 20 km: about 10 m of pulse, range beyond twice the length, half a minute.
def as_planned(wavelength_nm: float, pulse_ns: float = 100.0) -> AcquisitionSettings:
    """Return what the procedure sets up at a wavelength, its index and K among it."""
    plan = FibrePlan(wavelengths_nm=[wavelength_nm], range_km=40.0, pulse_ns=pulse_ns, averaging_s=30.0)
    planned = settings_at(plan, wavelength_nm)
    return AcquisitionSettings(
        wavelength_nm,
        planned.pulse_ns,
        planned.range_km,
        sampling_ns=3.125,
        averaging_s=planned.averaging_s,
        group_index=planned.group_index,
        backscatter_db=planned.backscatter_db,
    )


SETTINGS = as_planned(1550.0)
SETTINGS_1310 = as_planned(1310.0)
SETTINGS_1625 = as_planned(1625.0)
LAUNCH_M = TAIL_M = 1000.0
NEAR, FAR = "gdc_a", "gdc_b"


def papers_link() -> OpticalPath:
    """Return the path of the paper's link as the shipped inventory has it."""
    inventory = yaml.safe_load((Path(__file__).parents[2] / "inventory.yaml").read_text())
    return path_from(inventory["stations"]["paper-link"]["fibre"]["path"])


def between_leads(link: OpticalPath, launch_m: float = LAUNCH_M, tail_m: float = TAIL_M) -> OpticalPath:
    """Return what an OTDR sees: a launch fibre, the link, and a tail fibre behind a link that is whole."""
    fibre = path_from([{"kind": "span", "fibre": "G.652.D", "length_m": 1.0}]).elements[0]
    assert isinstance(fibre, FibreSpan)
    is_whole = link.far.kind != "cut"
    launch = (replace(fibre, length_m=launch_m),) if launch_m else ()
    tail = (replace(fibre, length_m=tail_m),) if tail_m and is_whole else ()
    return replace(link, elements=(*launch, *link.elements, *tail))


def both_ways(link: OpticalPath) -> tuple[OpticalPath, OpticalPath]:
    """Return a link as each of its ends sees it."""
    return link, link.reversed()


def cut_both_ways(link: OpticalPath, position_m: float) -> tuple[OpticalPath, OpticalPath]:
    """Return what each end sees of a link that is cut."""
    return link.cut_at(position_m), link.reversed().cut_at(link.length_m() - position_m)


def taken(seen: OpticalPath, seed: int, settings: AcquisitionSettings = SETTINGS) -> Measurement:
    """Take one trace of what an OTDR sees."""
    trace = acquire(seen, INSTRUMENT, settings, np.random.default_rng([seed, 2]))
    return Measurement.of_trace(trace, T0_S)


def table_of(measurement: Measurement) -> list[OtdrEvent]:
    """Return the events as the driver reads them off the wire."""
    return [parse_line(line, 1.0) for line in table_lines(measurement.analysis)]


@dataclass(frozen=True)
class FibreRun:
    """A run of the fibre to be made; the fields make it wrong."""

    seen: tuple[OpticalPath, ...] = field(default_factory=lambda: both_ways(papers_link()))
    """The link as each site sees it, without leads."""
    settings: Sequence[AcquisitionSettings] = (SETTINGS,)
    launch_m: float = LAUNCH_M
    tail_m: float = TAIL_M
    planned: int | None = None
    """Traces by the plan, if other than were taken."""
    events: Callable[[list[OtdrEvent]], list[OtdrEvent]] = list
    """What becomes of each table of events."""
    meta: Callable[[dict[str, Any]], None] = facts_unchanged
    file: Callable[[bytes], bytes | None] = lambda content: content
    """What becomes of each `.sor` file after its sum was taken; None for one that is lost."""


def fibre_run(folder: Path, seed: int, wanted: FibreRun | None = None) -> RunRecord:
    """Make a finished run with one trace from each end at each wavelength."""
    wanted = wanted or FibreRun()
    run = RunRecord.create(folder, _facts(wanted))
    step = 0
    for settings in wanted.settings:
        for site, link in zip((NEAR, FAR), wanted.seen, strict=False):
            seen = between_leads(link, wanted.launch_m, wanted.tail_m)
            measurement = taken(seen, seed * 100 + step, settings)
            _keep(run, step, site, measurement, wanted)
            step += 1
    return run


def _keep(run: RunRecord, step: int, site: str, measurement: Measurement, wanted: FibreRun) -> None:
    settings = measurement.settings
    content = sor_bytes(measurement, INSTRUMENT, SupParams())
    name = f"{step}-{site}-{settings.wavelength_nm:.0f}nm.sor"
    acquisition = Acquisition(
        step=step,
        site=site,
        gear=f"otdr_{site[-1]}",
        wavelength_nm=settings.wavelength_nm,
        pulse_ns=settings.pulse_ns,
        range_km=settings.range_km,
        averaging_s=settings.averaging_s,
        group_index=settings.group_index,
        backscatter_db=settings.backscatter_db,
        launch_m=wanted.launch_m,
        tail_m=wanted.tail_m,
        taken_s=T0_S + 60.0 * step,
        sor=name,
        sor_sha256=hashlib.sha256(content).hexdigest(),
    )
    kept = wanted.file(content)
    if kept is not None:
        (run.artefacts / name).write_bytes(kept)
    add_acquisition(run, acquisition, wanted.events(table_of(measurement)))


def _facts(wanted: FibreRun) -> dict[str, Any]:
    about = facts("fibre", "fibre", (0.0,), 1, 1)
    traces = len(wanted.settings) * len(wanted.seen)
    about["records_planned"] = traces if wanted.planned is None else wanted.planned
    about["plan"]["fibre"] = {
        "wavelengths_nm": [settings.wavelength_nm for settings in wanted.settings],
        "range_km": 40.0,
        "pulse_ns": 100.0,
        "averaging_s": 30.0,
    }
    about["otdrs"] = {
        f"otdr_{site[-1]}": {"vendor": "VIAVI", "model": "SmartOTDR", "serial": f"SO-{site}", "firmware": "1"}
        for site in (NEAR, FAR)
    }
    for key in ("appliances", "attenuator"):
        del about[key]
    wanted.meta(about)
    return about


def orl_of_the_link_db(link: OpticalPath, wavelength_nm: float) -> float:
    """Return what the plant itself says: the return loss of the link, with nothing reflected behind it."""
    from emulators.plant.sight import look

    return look(replace(link, far=FibreEnd("terminated", -150.0)), wavelength_nm).orl_db()


def dirty_and_reflecting() -> FibreRun:
    """Have dirt on the fourth connector that reflects and loses nothing."""
    dirt = DirtyConnector(connector=4, loss_db=0.0, reflectance_db=-30.0)
    return FibreRun(both_ways(with_faults(papers_link(), [dirt], 1550.0)))
