"""`python -m sweeps run` and `resume`."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drivers.errors import BenchError, RecordError
from sweeps.choice import Choice, choose
from sweeps.procedures.registry import PROCEDURES, Procedure
from sweeps.progress import progress_for
from sweeps.record.run_record import RunRecord
from sweeps.running.meta import choice_of_run
from sweeps.running.permission import Allowed, NotAllowed, not_allowed
from sweeps.running.run import ResumeRefused, new_run_folder, resume_procedure, run_procedure

if TYPE_CHECKING:
    from collections.abc import Generator

INTERRUPTED = 130
BENCH_FAILED = 2


class ProcedureName(StrEnum):
    """Procedures by name."""

    calibration = "calibration"
    attenuation = "attenuation"
    stability = "stability"


class TargetName(StrEnum):
    """Where the gear is."""

    emulator = "emulator"
    lab = "lab"


_Inventory = Annotated[Path, typer.Option(help="inventory file")]
_AllowDestructive = Annotated[
    bool, typer.Option("--allow-destructive", help="darken the link even where gear is marked live")
]


def run(
    procedure: ProcedureName,
    target: Annotated[TargetName, typer.Option(help="real gear, or an emulated lab")] = TargetName.emulator,
    inventory: _Inventory = Path("inventory.yaml"),
    station: Annotated[
        str | None, typer.Option(help="station of the inventory; the only one if absent")
    ] = None,
    plan: Annotated[str, typer.Option(help="plan of the inventory")] = "smoke",
    seed: Annotated[int, typer.Option(help="seed of the emulated lab")] = 1,
    runs: Annotated[Path, typer.Option(help="folder for run records")] = Path("runs"),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done and stop")] = False,
    allow_destructive: _AllowDestructive = False,
) -> None:
    """Run one procedure, or with --dry-run say what it would do."""
    with _told_in_words():
        choice = choose(inventory, station, plan, target.value, seed)  # pyright: ignore[reportArgumentType] - the enum's values are the targets
        chosen = PROCEDURES[procedure.value]
        if dry_run:
            _print_dry_run(choice, chosen)
            return
        _insist_on_permission(choice, chosen, allow_destructive=allow_destructive)
        _run_in(new_run_folder(runs, choice, chosen.name), choice, chosen)


def resume(
    run: Annotated[Path, typer.Argument(help="folder of the run")],
    inventory: Annotated[
        Path | None, typer.Option(help="inventory as it is now; the run's own copy if absent")
    ] = None,
    *,
    new_leg: Annotated[
        bool, typer.Option("--new-leg", help="a run of its own that follows this one, by what is true now")
    ] = False,
    allow_destructive: _AllowDestructive = False,
) -> None:
    """Go on with a run that was broken off; with --new-leg begin a new one that follows it."""
    run = run.resolve()  # also "." has a name then
    with _told_in_words():
        with RunRecord.open(run, is_read_only=True) as record:
            choice = choice_of_run(run, record, inventory)
            procedure = PROCEDURES[record.meta()["procedure"]]
        _insist_on_permission(choice, procedure, allow_destructive=allow_destructive)
        if new_leg:
            _run_in(new_run_folder(run.parent, choice, procedure.name), choice, procedure, follows=run.name)
            return
        with (
            _way_back_told(run),
            progress_for(procedure.name, procedure.record_count(choice.plan)) as progress,
        ):
            resume_procedure(choice, procedure, run, progress)
        typer.echo(f"run record: {run}")


def _run_in(folder: Path, choice: Choice, procedure: Procedure, follows: str | None = None) -> None:
    typer.echo(f"watch it: python -m sweeps watch {folder}", err=True)
    with (
        _way_back_told(folder),
        progress_for(procedure.name, procedure.record_count(choice.plan)) as progress,
    ):
        run_procedure(choice, procedure, folder, progress, follows=follows)
    typer.echo(f"run record: {folder}")


@contextmanager
def _way_back_told(folder: Path) -> Generator[None]:
    """Say how a run is taken up again if the block breaks it off."""
    try:
        yield
    except ResumeRefused:
        raise  # it says so itself
    except (BenchError, KeyboardInterrupt):
        if _is_unfinished(folder):
            typer.echo(f"take it up again: python -m sweeps resume {folder}", err=True)
        raise


def _is_unfinished(folder: Path) -> bool:
    try:
        with RunRecord.open(folder, is_read_only=True) as run:
            return "finished_utc_s" not in run.meta()
    except RecordError:
        return False  # broken off before there was one


def _insist_on_permission(choice: Choice, procedure: Procedure, *, allow_destructive: bool) -> None:
    # Whoever types the procedure's name knows that it takes its time.
    refusal = not_allowed(choice, procedure, Allowed(long=True, destructive=allow_destructive))
    if refusal is not None:
        raise NotAllowed(refusal)


@contextmanager
def _told_in_words() -> Generator[None]:
    """End with words and an exit code where the block ends with an error of the bench or an interruption."""
    try:
        yield
    except BenchError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(BENCH_FAILED) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; what was measured is in the run record", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _print_dry_run(choice: Choice, procedure: Procedure) -> None:
    plan = choice.plan
    typer.echo(f"{procedure.name} on {choice.station_name} ({choice.station.title}), target {choice.target}")
    for number, step in enumerate(procedure.steps(plan, choice.station), start=1):
        typer.echo(f"  {number}. {step}")
    typer.echo(f"records: {procedure.record_count(plan)}")
    typer.echo(f"lab time: {timedelta(seconds=round(procedure.duration_s(plan)))}")
    typer.echo(f"touches: {', '.join(choice.station.gear)}; it {procedure.touches}")
