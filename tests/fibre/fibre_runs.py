"""Runs of the procedure `fibre` on emulated labs, and what can be seen of them."""

from __future__ import annotations

import socket
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import yaml

from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.read import read_sor
from sweeps.record.measured_rows import acquisitions, otdr_events
from sweeps.record.run_record import RunRecord
from tests.acceptance.benches import STATION
from tests.running.broken_runs import bench, edit_plan, events, lab_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drivers.roles import OtdrEvent
    from sweeps.record.schema import Acquisition

WAVELENGTHS_NM = [1550.0, 1625.0]
PLAN = {"wavelengths_nm": WAVELENGTHS_NM, "range_km": 40, "pulse_ns": 100, "averaging_s": 10}
SITES = ("gdc_a", "gdc_b")
TRACES = 4
LENGTH_KM = 19.87
LEAD_M = 1000.0


def fibre_bench(
    folder: Path, changes: Mapping[str, Any] | None = None, *, without: tuple[str, ...] = (), **plan: object
) -> Path:
    """Write an inventory whose plan `smoke` traces the fibre at two wavelengths, some gear left out."""
    path = bench(folder, changes)
    edit_plan(path, "fibre", PLAN | plan)
    content = yaml.safe_load(path.read_text())
    for name in without:
        del content["stations"][STATION]["gear"][name]
    path.write_text(yaml.safe_dump(content))
    return path


def taken(folder: Path) -> list[tuple[Acquisition, list[OtdrEvent]]]:
    """Return every acquisition of a run with its events."""
    with RunRecord.open(folder, is_read_only=True) as run:
        return [(one, otdr_events(run, one.step)) for one in acquisitions(run)]


def measured(folder: Path) -> list[dict[str, Any]]:
    """Return all of a run's traces but their times: row, events and points."""
    found: list[dict[str, Any]] = []
    for one, its_events in taken(folder):
        row = {key: value for key, value in asdict(one).items() if key not in {"taken_s", "sor_sha256"}}
        points = read_sor((folder / "artefacts" / one.sor).read_bytes()).block(DataPts)
        found.append({**row, "events": its_events, "points": points})
    return found


def sor_files(folder: Path) -> dict[str, bytes]:
    """Return the `.sor` files among the artefacts of a run, and anything half-written."""
    return {
        path.name: path.read_bytes()
        for path in sorted((folder / "artefacts").iterdir())
        if ".sor" in path.name
    }


def patches(folder: Path) -> list[tuple[str, str]]:
    """Return what each end of the fibre was connected to, in the order of the lab's journal."""
    told = [event.text for event in events(folder) if event.kind == "lab: patched"]
    words = [text.removeprefix("fibre end at ").split(": connected to ") for text in told]
    return [(site, to) for site, to in words]


def pairs_seen(folder: Path) -> list[dict[str, str]]:
    """Return what both ends were connected to after each act of the operator, at the appliances at first."""
    ends: dict[str, str] = dict.fromkeys(SITES, "qkd")
    seen: list[dict[str, str]] = []
    for site, to in patches(folder):
        ends = {**ends, site: to}
        seen.append(ends)
    return seen


def faces_an_appliance(folder: Path) -> bool:
    """Tell whether an OTDR was at one end while an appliance was at the other, lit or not."""
    faced = any(set(ends.values()) == {"otdr", "qkd"} for ends in pairs_seen(folder))
    return faced or any(event.kind == "lab: otdr light" for event in events(folder))


def tell_otdr(folder: Path, command: str) -> str:
    """Tell `otdr_a` of a run's lab one command by a hand of its own; return what it measures then."""
    resource = lab_of(folder).connections["otdr_a"].model_dump()["resource"]
    _, host, port, _ = resource.split("::")
    with socket.create_connection((host, int(port)), timeout=10.0) as wire, wire.makefile("rwb") as lines:
        lines.write(f"*REM\n{command}\nSTAT:ACQ?\n".encode())
        lines.flush()
        return lines.readline().decode().strip()
