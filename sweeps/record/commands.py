"""`python -m sweeps list | show | export`: which runs there are, what one holds, and the way out of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sweeps.record.catalogue import find_run, list_runs, summary_of
from sweeps.record.export import Format, default_folder, export_run
from sweeps.record.snapshot import snapshot_of
from sweeps.told import told_in_words

RunsFolder = Annotated[Path, typer.Option("--runs", help="folder of run records")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="its folder, its name, or how its name begins")]


def list_all(
    runs: RunsFolder = Path("runs"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="for machines: everything, as JSON")] = False,
) -> None:
    """List the runs, newest first."""
    summaries = list_runs(runs)
    if as_json:
        listed = [asdict(summary) | {"folder": str(summary.folder)} for summary in summaries]
        typer.echo(json.dumps(listed, indent=2))
        return
    if not summaries:
        typer.echo(f"no run records in {runs}", err=True)
        return
    # rich is slow to import, and a run that only measures does not need it
    from sweeps.record.display import console, print_list  # noqa: PLC0415

    print_list(summaries, console())


def show(run: RunName, runs: RunsFolder = Path("runs")) -> None:
    """Show everything about one run."""
    from sweeps.record.display import console, print_run  # noqa: PLC0415 - as above

    with told_in_words():
        folder = find_run(run, runs)
        summary = summary_of(folder)
        with snapshot_of(folder) as snapshot:
            print_run(summary, snapshot, console())


def export(
    run: RunName,
    runs: RunsFolder = Path("runs"),
    to: Annotated[
        Path | None, typer.Option(help="folder for the files; RUN/artefacts/export if absent")
    ] = None,
    file_format: Annotated[Format, typer.Option("--format", help="file format of the tables")] = "csv",
    *,
    force: Annotated[bool, typer.Option("--force", help="replace an export that is there")] = False,
) -> None:
    """Write all tables, meta and the .sor files of one run into files, whole or not at all."""
    with told_in_words():
        folder = find_run(run, runs)
        files = export_run(folder, to or default_folder(folder), file_format, is_forced=force)
    for file in files:
        typer.echo(file)
