"""Which runs there are, and how each of them stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import RecordError
from sweeps.record.facts import read_facts, read_sessions
from sweeps.record.run_record import LOG_NAME, RunRecord
from sweeps.record.state import RunState, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.record.facts import ProvenanceFacts

_NAMES_TOLD = 10


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in short; what is not recorded, or cannot be read, is None."""

    name: str
    folder: Path
    state: RunState
    reason: str | None = None
    """Why it was broken off, or why it cannot be read."""
    procedure: str | None = None
    station: str | None = None
    plan_name: str | None = None
    plan_sha256: str | None = None
    inventory_sha256: str | None = None
    target: str | None = None
    seed: int | None = None
    records_taken: int | None = None
    records_planned: int | None = None
    gaps: int | None = None
    started_utc_s: float | None = None
    finished_utc_s: float | None = None
    commits: tuple[str, ...] = ()
    """Commits of the code that worked on it, each once, oldest session first."""
    is_dirty: bool | None = None
    """Whether any session's code differed from its commit; None if that is not known of each of them."""
    follows: str | None = None
    """The run that this one follows."""


def list_runs(runs_folder: Path) -> list[RunSummary]:
    """Return the runs of a folder, newest first; none if there is no such folder.

    Folders without a record are left out. A record that cannot be read is listed with the reason.
    """
    return sorted(map(_summary_or_reason, _run_folders(runs_folder)), key=_age, reverse=True)


def summary_of(folder: Path) -> RunSummary:
    """Return the run of `folder` in short; RecordError if it cannot be read."""
    with RunRecord.open(folder, is_read_only=True) as run:
        facts = read_facts(run)
        state = state_of(facts)
        if state is RunState.GONE:  # or it finished just now
            facts = read_facts(run)
            state = state_of(facts)
        sessions = read_sessions(run) or [facts.provenance]
        commits = [session.git_commit for session in sessions if session.git_commit is not None]
        return RunSummary(
            name=folder.resolve().name,
            folder=folder,
            state=state,
            reason=facts.ended if state is RunState.BROKEN_OFF else None,
            procedure=facts.procedure,
            station=facts.station,
            plan_name=facts.plan_name,
            plan_sha256=facts.plan_sha256,
            inventory_sha256=facts.provenance.inventory_sha256,
            target=facts.target,
            seed=facts.seed,
            records_taken=run.count_records(),
            records_planned=facts.records_planned_at(None),
            gaps=len(run.gaps()),
            started_utc_s=facts.started_utc_s,
            finished_utc_s=facts.finished_utc_s,
            commits=tuple(dict.fromkeys(commits)),
            is_dirty=_is_dirty(sessions),
            follows=facts.follows,
        )


def find_run(run: str, runs_folder: Path) -> Path:
    """Return the folder of a run that is named by its folder, its name, or the beginning of its name.

    RecordError with the names that there are, if none fits or several do.
    """
    folder = Path(run)
    if (folder / LOG_NAME).exists():
        return folder
    names = sorted((path.name for path in _run_folders(runs_folder)), reverse=True)
    fitting = [run] if run in names else [name for name in names if name.startswith(run)]
    if len(fitting) == 1:
        return runs_folder / fitting[0]
    if fitting:
        raise RecordError(f"run {run!r}: several in {runs_folder} begin so: {_told(fitting)}")
    there_are = f"there are: {_told(names)}" if names else "there are no runs there"
    raise RecordError(f"run {run!r}: neither a folder with a record nor a run in {runs_folder}; {there_are}")


def _is_dirty(sessions: Sequence[ProvenanceFacts]) -> bool | None:
    if any(session.git_dirty for session in sessions):
        return True
    if any(session.git_dirty is None or session.git_commit is None for session in sessions):
        return None
    return False


def _told(names: list[str]) -> str:
    more = len(names) - _NAMES_TOLD
    return ", ".join(names[:_NAMES_TOLD]) + (f", and {more} older" if more > 0 else "")


def _run_folders(runs_folder: Path) -> list[Path]:
    if not runs_folder.is_dir():
        return []
    return [log.parent for log in runs_folder.glob(f"*/{LOG_NAME}")]


def _summary_or_reason(folder: Path) -> RunSummary:
    try:
        return summary_of(folder)
    except (RecordError, OSError) as error:
        return RunSummary(folder.name, folder, RunState.UNREADABLE, reason=str(error))


def _age(summary: RunSummary) -> float:
    if summary.started_utc_s is not None:
        return summary.started_utc_s
    try:
        return (summary.folder / LOG_NAME).stat().st_mtime
    except OSError:
        return 0.0
