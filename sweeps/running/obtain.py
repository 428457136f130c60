"""The run that somebody wants to judge: found if there is one, taken up if it was broken off, else made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sweeps.record.catalogue import list_runs
from sweeps.record.provenance import code_state, sha256_of
from sweeps.record.state import RunState
from sweeps.running.meta import plan_json
from sweeps.running.run import new_run_folder, resume_procedure, run_procedure
from sweeps.running.time_left import TIME_IS_OVER, is_time_over

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.choice import Choice
    from sweeps.procedures.registry import Procedure
    from sweeps.progress import Progress
    from sweeps.record.catalogue import RunSummary

How = Literal["found", "resumed", "made"]
_UNFINISHED = (RunState.BROKEN_OFF, RunState.GONE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The run to judge, and how it comes about."""

    folder: Path
    how: How
    why: str
    """The reason, for people."""


def find_wanted(choice: Choice, procedure: Procedure, runs_folder: Path, *, is_fresh: bool) -> Wanted:
    """Return which run is to be judged; with `is_fresh` always one that is still to be made.

    A run is taken for another if plan, inventory, seed, station and target are the same and all of it was
    made by the present commit without changes.
    """
    new = new_run_folder(runs_folder, choice, procedure.name)
    if is_fresh:
        return Wanted(new, "made", "a fresh run is wanted")
    alike = [run for run in list_runs(runs_folder) if _is_alike(run, choice, procedure)]
    if not alike:
        return Wanted(new, "made", "there is no run with this plan, inventory and seed")
    code = code_state(choice.inventory_path, choice.limits_path)
    if code.commit is None or code.is_dirty is None:
        return Wanted(new, "made", "git does not tell which code this is, so no older run is judged")
    if code.is_dirty:
        return Wanted(new, "made", "the code has changes that are not committed, so no older run is judged")
    same_code = [run for run in alike if run.commits == (code.commit,) and run.is_dirty is False]
    if not same_code:
        return Wanted(new, "made", "older runs were made by other code")
    return _best_of(same_code) or Wanted(new, "made", _why_none_of(same_code))


def _best_of(runs: list[RunSummary]) -> Wanted | None:
    """Return the newest complete one of `runs`, else the newest that can be taken up, else None."""
    for run in runs:
        if run.state is RunState.FINISHED:
            return Wanted(run.folder, "found", "it is complete")
    for run in runs:
        if run.state in _UNFINISHED and not is_time_over(run.folder):
            return Wanted(run.folder, "resumed", "it was broken off")
    return None


def _why_none_of(runs: list[RunSummary]) -> str:
    """Return why the newest of `runs` is neither judged nor taken up."""
    newest = runs[0]
    if newest.state in _UNFINISHED:
        return f"{newest.name} was broken off, and {TIME_IS_OVER}"
    return f"{newest.name} is not complete yet"


def bring_about(wanted: Wanted, choice: Choice, procedure: Procedure, progress: Progress) -> None:
    """See that the wanted run is complete; BenchError if the bench could not measure."""
    if wanted.how == "made":
        run_procedure(choice, procedure, wanted.folder, progress)
    elif wanted.how == "resumed":
        resume_procedure(choice, procedure, wanted.folder, progress)


def _is_alike(run: RunSummary, choice: Choice, procedure: Procedure) -> bool:
    return (
        run.procedure == procedure.name
        and run.station == choice.station_name
        and run.target == choice.target
        and run.seed == choice.seed
        and run.plan_sha256 == sha256_of(plan_json(choice).encode())
        and run.inventory_sha256 == sha256_of(choice.inventory_bytes)
    )
