"""One run from start to end: run folder, lab or bench, procedure, safe state, on every way out."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from drivers.clock import WallClock, utc_now_s
from drivers.errors import BenchError, InventoryError, LabError, RecordError
from drivers.lab_control.clock import VirtualLabClock, WallLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.station import open_station
from drivers.wires.byte_log import ByteLog
from sweeps.running.lab_process import emulated_lab
from sweeps.procedures.preparation import note_identities
from sweeps.record.provenance import provenance, sha256_of
from sweeps.record.run_record import RunRecord
from sweeps.running.signals import signals_as_interrupts, signals_deferred

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.inventory import AnyConnection
    from drivers.facts.lab import LabAddresses
    from drivers.station import Station
    from sweeps.choice import Choice
    from sweeps.procedures.registry import Procedure
    from sweeps.running.progress import Progress


def run_procedure(choice: Choice, procedure: Procedure, folder: Path, progress: Progress) -> None:
    """Run `procedure` and leave its record in `folder`; BenchError if the bench could not measure."""
    with RunRecord.create(folder, _meta_of(choice, procedure)) as run, signals_as_interrupts():
        try:
            with open_bench(choice, folder) as station:
                _run_on(station, choice, procedure, run, progress)
        except BaseException as error:
            with suppress(RecordError):  # on a full disk the first error is the one to tell
                run.set_meta("ended", f"{type(error).__name__}: {error}")
            raise
        run.set_meta("finished_utc_s", utc_now_s())


def new_run_folder(runs_folder: Path, choice: Choice, procedure: str) -> Path:
    """Return a path that does not exist yet; its name tells when, what and how."""
    from datetime import UTC, datetime  # noqa: PLC0415 - a name for people, not a time of the bench

    stamp = datetime.fromtimestamp(utc_now_s(), UTC).strftime("%Y%m%dT%H%M%SZ")
    base = f"{stamp}-{procedure}-{choice.plan_name}"
    folder, extra = runs_folder / base, 1
    while folder.exists():
        extra += 1
        folder = runs_folder / f"{base}-{extra}"
    return folder


@contextmanager
def open_bench(choice: Choice, folder: Path) -> Generator[Station]:
    """Open the chosen station; on the target `emulator` start a lab for it first, files in `folder`."""
    with ExitStack() as stack:
        log = stack.enter_context(_byte_log(folder))
        if choice.target == "lab":
            connections = _lab_connections(choice)
            station = open_station(choice.station_name, choice.station, connections, WallClock(), log)
        else:
            addresses = stack.enter_context(emulated_lab(choice, folder))
            station = _open_emulated(choice, addresses, log, stack)
        stack.callback(station.close)
        yield station


@contextmanager
def _byte_log(folder: Path) -> Generator[ByteLog]:
    try:
        log = ByteLog(folder / "wires.log")
    except OSError as error:
        raise RecordError(f"byte log in {folder}: {error.strerror}") from None
    try:
        yield log
    finally:
        log.close()


def _open_emulated(choice: Choice, addresses: LabAddresses, log: ByteLog, stack: ExitStack) -> Station:
    control = LabControl(addresses.control)
    stack.callback(control.close)
    clock = VirtualLabClock(control) if addresses.clock == "virtual" else WallLabClock(control)
    faults = LabFaults(control)
    return open_station(choice.station_name, choice.station, addresses.connections, clock, log, faults)


def _lab_connections(choice: Choice) -> dict[str, AnyConnection]:
    missing = [name for name, gear in choice.station.gear.items() if gear.lab is None]
    if missing:
        mistakes = [f"gear.{name}.lab: missing; the target 'lab' needs an address" for name in missing]
        raise InventoryError(str(choice.inventory_path), mistakes)
    folder = choice.inventory_path.parent
    return {
        name: gear.lab.relative_to(folder)
        for name, gear in choice.station.gear.items()
        if gear.lab is not None
    }


def _run_on(
    station: Station, choice: Choice, procedure: Procedure, run: RunRecord, progress: Progress
) -> None:
    run.set_meta("clock", station.clock.kind)
    run.add_event(station.clock.now_s(), "start", f"{procedure.name} on {station.name}")
    try:
        note_identities(station, run)
        procedure.run(station, choice.plan, run, progress)
    finally:
        with signals_deferred():
            _make_safe(station, run)
            _note_what_the_lab_did(station, run)
    run.add_event(station.clock.now_s(), "end", "all records of the plan taken")


def _make_safe(station: Station, run: RunRecord) -> None:
    """Reach the safe state; what stands in the way is written down and raised."""
    try:
        station.make_safe()
    except BaseException as error:
        with suppress(BenchError):
            run.add_event(station.clock.now_s(), "safe state NOT reached", str(error))
        raise
    run.add_event(station.clock.now_s(), "safe state", station.facts.safe_state.attenuator)


def _note_what_the_lab_did(station: Station, run: RunRecord) -> None:
    if station.faults is None:
        return
    with suppress(LabError):  # a lab that is gone took its journal along
        for entry in station.faults.journal():
            run.add_event(entry.t_s, f"lab: {entry.kind}", entry.text)


def _meta_of(choice: Choice, procedure: Procedure) -> dict[str, object]:
    plan_json = choice.plan.model_dump_json()
    return {
        "procedure": procedure.name,
        "plan_name": choice.plan_name,
        "plan": choice.plan.model_dump(mode="json"),
        "plan_sha256": sha256_of(plan_json.encode()),
        "station": choice.station_name,
        "station_title": choice.station.title,
        "target": choice.target,
        "seed": choice.seed,
        "profile": choice.station.emulation.profile if choice.target == "emulator" else None,
        "fidelity": choice.station.emulation.fidelity if choice.target == "emulator" else None,
        "fibre": choice.station.fibre.model_dump(mode="json"),
        "reference": choice.station.reference.model_dump(mode="json"),
        "started_utc_s": utc_now_s(),
        "provenance": provenance(choice.inventory_bytes, choice.limits_path, plan_json),
    }
