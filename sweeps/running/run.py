"""One run from start to end: leases, record, guard, bench, procedure, safe state, on every way out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from drivers.clock import utc_now_s
from drivers.errors import BenchError, LabError, RecordError
from sweeps.record.host_process import this_process
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import ENDED, NOT_SAFE, OTDR_OPEN, RESUMED, SAFE, STARTED
from sweeps.record.words import end_in_words
from sweeps.running.bench import keep_inventory, leased_gear, open_bench
from sweeps.running.cords import cords_away, cords_in_words
from sweeps.running.differences import differences
from sweeps.running.guard import guarded
from sweeps.running.identities import changed_devices, changed_otdr, identities
from sweeps.running.journalled_operator import JournalledOperator
from sweeps.running.lab_process import INVENTORY_NAME
from sweeps.running.lease import run_lease
from sweeps.running.meta import frozen_facts, meta_of, plan_json, provenance_of
from sweeps.running.signals import signals_as_interrupts, signals_deferred

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drivers.roles import Otdr
    from drivers.station import Station
    from sweeps.choice import Choice
    from sweeps.procedures.registry import Procedure
    from sweeps.progress import Progress
    from sweeps.running.guard import Guard

PLAN_NAME = "plan.json"


class ResumeRefused(BenchError):
    """A run cannot be taken up: something that it was made with is another one now; `changes` says what."""

    def __init__(self, folder: Path, changes: Sequence[str]) -> None:
        self.changes = list(changes)
        way_out = f"start a new leg instead: python -m sweeps resume {folder} --new-leg"
        super().__init__("\n  ".join([f"run {folder.name} cannot be taken up again:", *changes, way_out]))


def run_procedure(
    choice: Choice,
    procedure: Procedure,
    folder: Path,
    progress: Progress,
    *,
    follows: str | None = None,
) -> None:
    """Run `procedure` and leave its record in `folder`; BenchError if the bench could not measure.

    `follows` names the run of which this one is a new leg.
    """
    meta = {**meta_of(choice, procedure), "follows": follows, "runner": asdict(this_process())}
    files = {PLAN_NAME: plan_json(choice).encode(), INVENTORY_NAME: choice.inventory_bytes}
    with (
        signals_as_interrupts(),
        guarded(folder) as guard,
        leased_gear(choice, folder, "runner", procedure.roles),
        RunRecord.create(folder, meta, files) as run,
        run_lease(folder, "runner"),
    ):
        (folder / PLAN_NAME).chmod(0o444)
        _work_on(_Session(choice, procedure, run, progress, guard, go_on_at_s=None, resumes=False))


def resume_procedure(choice: Choice, procedure: Procedure, folder: Path, progress: Progress) -> None:
    """Go on with the run of `folder` where it stands, until its plan is done.

    ResumeRefused, naming each difference, if plan, station or a device is another one now; RecordError if
    the run has finished.
    """
    with (
        signals_as_interrupts(),
        guarded(folder) as guard,
        run_lease(folder, "runner"),
        leased_gear(choice, folder, "runner", procedure.roles),
        RunRecord.open(folder) as run,
    ):
        _insist_on_the_same(choice, run)
        # Before its first schedule or row a run has measured nothing: an emulated lab is begun anew.
        has_begun = bool(run.schedules()) or run.count_records() > 0
        go_on_at_s = run.newest_lab_time_s() if has_begun else None
        _work_on(_Session(choice, procedure, run, progress, guard, go_on_at_s=go_on_at_s, resumes=True))


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


@dataclass(frozen=True, slots=True)
class _Session:
    """One process's work on a run."""

    choice: Choice
    procedure: Procedure
    run: RunRecord
    progress: Progress
    guard: Guard
    go_on_at_s: float | None
    resumes: bool


def _insist_on_the_same(choice: Choice, run: RunRecord) -> None:
    """Raise ResumeRefused if `choice` is not what `run` was begun with, RecordError if it has finished."""
    meta, now = run.meta(), frozen_facts(choice)
    if "finished_utc_s" in meta:
        raise RecordError(f"run {run.folder.name} has finished; there is nothing to resume")
    changes = differences({key: meta.get(key) for key in now}, now)
    try:
        is_frozen = (run.folder / PLAN_NAME).read_bytes() == plan_json(choice).encode()
    except OSError:
        is_frozen = False
    if not is_frozen:
        changes.append(f"{PLAN_NAME}: is not what was frozen when the run began")
    if changes:
        raise ResumeRefused(run.folder, changes)


def _work_on(session: _Session) -> None:
    """Do the session's work; whatever ends it, the record says how."""
    run, procedure = session.run, session.procedure
    # What an earlier session left unsafe is so until it was looked at; a new run has touched nothing yet.
    session.guard.is_needed = session.resumes
    before = run.meta()
    run.set_meta("runner", asdict(this_process()))
    run.forget_meta("ended")
    try:
        with open_bench(
            session.choice,
            run.folder,
            roles=procedure.roles,
            go_on_at_s=session.go_on_at_s,
            wrap_operator=lambda operator, clock: JournalledOperator(operator, clock, run, session.progress),
            meet_otdr=partial(_meet_otdr, run),
        ) as station:
            found = _insist_on_the_same_devices(station, session)
            if cords_away(before, station.facts).ports:
                station.take_attenuator_for_off_link()
            _run_on(station, session, found)
    except ResumeRefused:
        session.guard.is_needed = False  # gear of somebody else, maybe
        _put_back(run, before, ("ended", "runner"))
        raise
    except BaseException as error:
        with suppress(RecordError):  # on a full disk the first error is the one to tell
            run.set_meta("ended", f"{type(error).__name__}: {error}")
        raise
    run.set_meta("finished_utc_s", utc_now_s())


def _put_back(run: RunRecord, before: dict[str, Any], keys: Sequence[str]) -> None:
    for key in keys:
        if key in before:
            run.set_meta(key, before[key])
        else:
            run.forget_meta(key)


def _insist_on_the_same_devices(station: Station, session: _Session) -> dict[str, Any]:
    """Ask who answers and return that, before anything is set; ResumeRefused if others began the run."""
    found = identities(station)
    changes = changed_devices(session.run.meta(), found) if session.resumes else []
    if changes:
        raise ResumeRefused(session.run.folder, changes)
    return found


def _meet_otdr(run: RunRecord, name: str, otdr: Otdr) -> None:
    """Note who an OTDR is, and that it is open; ResumeRefused if another one measured under this name."""
    meta = run.meta()
    changes = changed_otdr(meta, name, otdr)
    if changes:
        raise ResumeRefused(run.folder, changes)
    run.set_meta("otdrs", {**meta.get("otdrs", {}), name: asdict(otdr.identity())})
    run.set_meta(OTDR_OPEN, name)


def _run_on(station: Station, session: _Session, found: dict[str, Any]) -> None:
    run, procedure = session.run, session.procedure
    session.guard.is_needed = True
    try:
        keep_inventory(session.choice, run.folder)
        run.add_session(provenance_of(session.choice))
        run.set_meta("clock", station.clock.kind)
        if not found.keys() <= run.meta().keys():  # a run is of the devices that it began with
            for key, value in found.items():
                run.set_meta(key, value)
        kind = RESUMED if session.resumes else STARTED
        run.add_event(station.clock.now_s(), kind, f"{procedure.name} on {station.name}")
        procedure.run(station, session.choice.plan, run, session.progress)
    finally:
        with signals_deferred():
            _make_safe(station, run)
            session.guard.is_needed = False
            _note_what_the_lab_did(station, run)
    run.add_event(
        station.clock.now_s(),
        ENDED,
        end_in_words(run, procedure.record_count(session.choice.plan, session.choice.station)),
    )


def _make_safe(station: Station, run: RunRecord) -> None:
    """Reach the safe state; what stands in the way is written down and raised."""
    try:
        station.make_safe()
    except BaseException as error:
        with suppress(BenchError):
            run.add_event(station.clock.now_s(), NOT_SAFE, str(error))
        raise
    run.forget_meta(OTDR_OPEN)
    safe, cords = station.safe_state_in_words(), cords_in_words(run.meta(), station.facts)
    run.add_event(station.clock.now_s(), SAFE, safe if cords is None else f"{safe}; {cords}")


def _note_what_the_lab_did(station: Station, run: RunRecord) -> None:
    """Copy the lab's journal into the run's, of a lab that was taken up only what is new."""
    if station.faults is None:
        return
    known = {(event.lab_time_s, event.kind, event.text) for event in run.events()}
    with suppress(LabError):  # a lab that is gone took its journal along
        for entry in station.faults.journal():
            line = (entry.t_s, f"lab: {entry.kind}", entry.text)
            if line not in known:
                run.add_event(*line)
