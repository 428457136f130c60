"""Traces of the fibre as a run keeps them: settings, events, and the curve from the `.sor` file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from drivers.facts.sor.errors import SorError
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.trace import traces
from sweeps.record.measured_rows import acquisitions, otdr_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drivers.facts.sor.trace import Trace
    from drivers.roles import OtdrEvent
    from sweeps.record.run_record import RunRecord
    from sweeps.record.schema import Acquisition


@dataclass(frozen=True, slots=True)
class FibreTrace:
    """One acquisition with its events, and its curve or why there is none."""

    acquisition: Acquisition
    events: Sequence[OtdrEvent]
    curve: Trace | None
    problem: str
    """What is wrong with the `.sor` file, in words; empty if it is the one that was taken."""

    @property
    def name(self) -> str:
        """The trace in a few words, for people."""
        return f"{self.acquisition.wavelength_nm:g} nm from {self.acquisition.site}"


def read_fibre_traces(run: RunRecord) -> list[FibreTrace]:
    """Read all acquisitions of a run in the order of the plan, with their files."""
    return [_read(run, acquisition) for acquisition in acquisitions(run)]


def _read(run: RunRecord, acquisition: Acquisition) -> FibreTrace:
    curve, problem = _curve(run.artefacts, acquisition.sor, acquisition.sor_sha256)
    return FibreTrace(acquisition, otdr_events(run, acquisition.step), curve, problem)


def _curve(folder: Path, name: str, sha256: str) -> tuple[Trace | None, str]:
    """Return the curve of a `.sor` file, or in words why it cannot be had."""
    if PurePath(name).name != name:
        return None, f"{name!r} is no name of an artefact"
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        return None, f"{name} cannot be read: {error.strerror or error}"
    if hashlib.sha256(content).hexdigest() != sha256:
        return None, f"{name} is not the file that was taken: its SHA-256 is another"
    try:
        curves = traces(read_sor(content))
    except SorError as error:
        return None, f"{name} is broken: {error}"
    if not curves or not curves[0].levels_db.size:
        return None, f"{name} holds no points"
    return curves[0], ""
