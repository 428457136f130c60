"""`python -m sweeps`: run a procedure on a station."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drivers.errors import BenchError
from sweeps.choice import Choice, choose
from sweeps.procedures.registry import PROCEDURES, Procedure
from sweeps.running.progress import progress_for
from sweeps.running.run import new_run_folder, run_procedure

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

INTERRUPTED = 130
BENCH_FAILED = 2


class ProcedureName(StrEnum):
    """Procedures by name."""

    attenuation = "attenuation"
    stability = "stability"


class TargetName(StrEnum):
    """Where the gear is."""

    emulator = "emulator"
    lab = "lab"


@app.callback()
def main() -> None:
    """Run procedures on a station and keep what they measure in a run record."""


@app.command()
def run(
    procedure: ProcedureName,
    target: Annotated[TargetName, typer.Option(help="real gear, or an emulated lab")] = TargetName.emulator,
    inventory: Annotated[Path, typer.Option(help="inventory file")] = Path("inventory.yaml"),
    station: Annotated[
        str | None, typer.Option(help="station of the inventory; the only one if absent")
    ] = None,
    plan: Annotated[str, typer.Option(help="plan of the inventory")] = "smoke",
    seed: Annotated[int, typer.Option(help="seed of the emulated lab")] = 1,
    runs: Annotated[Path, typer.Option(help="folder for run records")] = Path("runs"),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be done and stop")] = False,
) -> None:
    """Run one procedure, or with --dry-run say what it would do."""
    try:
        choice = choose(inventory, station, plan, target.value, seed)  # pyright: ignore[reportArgumentType] - the enum's values are the targets
        chosen = PROCEDURES[procedure.value]
        if dry_run:
            _print_dry_run(choice, chosen)
            return
        folder = new_run_folder(runs, choice, chosen.name)
        with progress_for(chosen.name, chosen.record_count(choice.plan)) as progress:
            run_procedure(choice, chosen, folder, progress)
    except BenchError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(BENCH_FAILED) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; what was measured is in the run record", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"run record: {folder}")


def _print_dry_run(choice: Choice, procedure: Procedure) -> None:
    plan = choice.plan
    typer.echo(f"{procedure.name} on {choice.station_name} ({choice.station.title}), target {choice.target}")
    for number, step in enumerate(procedure.steps(plan), start=1):
        typer.echo(f"  {number}. {step}")
    typer.echo(f"records: {procedure.record_count(plan)}")
    typer.echo(f"lab time: {timedelta(seconds=round(procedure.duration_s(plan)))}")
    typer.echo(f"touches: {', '.join(choice.station.gear)}; it {procedure.touches}")


if __name__ == "__main__":
    app()
