"""Sessions held with emulated devices, their bytes logged."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from drivers.facts.defects import MvoaDefects
from drivers.facts.fibre_types import fibre_type
from drivers.wires.byte_log import ByteLog
from emulators.attenuators.viavi_mvoa import EmulatedMvoa
from emulators.plant.link import Link
from emulators.plant.path import Connector, FibreEnd, FibreSpan, OpticalPath
from tests.attenuators.oz_bench import OzBench
from tests.attenuators.scpi_lab import LabThread, ThreadClock
from tests.otdr_wire.otdr_lab import OtdrLab
from tests.transcripts.sessions import DEVICE, mvoa_session, oz_session, smartotdr_session

if TYPE_CHECKING:
    from pathlib import Path

_G652 = fibre_type("G.652.D")
_FIBRE = OpticalPath(
    (FibreSpan(1500.0, _G652), Connector(0.5, -45.0), FibreSpan(1500.0, _G652)), far=FibreEnd("open_pc")
)


def record_mvoa(path: Path) -> list[object]:
    """Hold the session with an emulated mVOA, its bytes logged to `path`."""
    lab, log = LabThread(), ByteLog(path)
    try:
        link = Link(lab.clock.now_s, 1550.0)
        server = lab.serve(EmulatedMvoa(DEVICE, link, lab.clock, MvoaDefects()))
        return mvoa_session(server.port, ThreadClock(lab), log)
    finally:
        log.close()
        lab.close()


def record_smartotdr(path: Path) -> list[object]:
    """Hold the session with an emulated SmartOTDR before 3 km of fibre, its bytes logged whole to `path`."""
    with closing(ByteLog(path, keeps_whole=True)) as log, closing(OtdrLab()) as bench:
        bench.fibre.path = _FIBRE
        return smartotdr_session(bench.server.port, bench.clock, log)


def record_oz(path: Path) -> list[object]:
    """Hold the session with an emulated DD-100-MC that was just switched on, its bytes logged to `path`."""
    with closing(ByteLog(path)) as log, closing(OzBench(path.parent)) as bench:
        bench.voa.close()
        return oz_session(str(bench.line.port), bench.clock, log)
