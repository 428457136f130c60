"""A run of `fibre` written through RunRecord, with every mark that an event can have."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from drivers.roles import MarkedDb, OtdrEvent
from sweeps.record.measured_rows import add_acquisition
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Acquisition
from tests.hil.synthetic_runs import PROVENANCE, T0_S
from tests.record.written_runs import meta

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = (
    OtdrEvent(1, "", 0.0, None, MarkedDb(-45.04), None, 0.0, None),
    OtdrEvent(
        2,
        "Reflection",
        999.71,
        MarkedDb(1 / 3, is_approximate=True),
        MarkedDb(-25.75, bound="at_least"),
        MarkedDb(0.331),
        999.71,
        MarkedDb(0.3, is_approximate=True, bound="at_most"),
    ),
)


def traces(folder: Path, count: int = 2, **about: Any) -> Path:  # noqa: ANN401 - facts of the run
    """Write `count` acquisitions of four with their files and leave the run closed."""
    facts = meta("fibre", **({"records_planned": 4} | about))
    with RunRecord.create(folder, facts) as run:
        run.add_session(PROVENANCE)
        for step in range(count):
            add_trace(run, step)
    return folder


def add_trace(run: RunRecord, step: int) -> None:
    """Add one acquisition with its file."""
    content, name = b"trace %d" % step, f"{step}-gdc_a-1550nm.sor"
    (run.artefacts / name).write_bytes(content)
    acquisition = Acquisition(
        step=step,
        site="gdc_a",
        gear="otdr_a",
        wavelength_nm=1550.0,
        pulse_ns=100.0,
        range_km=40.0,
        averaging_s=30.0,
        group_index=1.46801,
        backscatter_db=-81.1,
        launch_m=1000.5,
        tail_m=0.0,
        taken_s=T0_S + step / 3,
        sor=name,
        sor_sha256=hashlib.sha256(content).hexdigest(),
    )
    add_acquisition(run, acquisition, EVENTS)
