"""`python -m sweeps watch`: look at a run, in the terminal or on a page, without touching it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.record.catalogue import find_run
from sweeps.record.state import RunState
from sweeps.told import BENCH_FAILED, told_in_words
from sweeps.watching.watcher import RunWatcher

NOT_FINISHED = 1


def watch(
    run: Annotated[str, typer.Argument(metavar="RUN", help="its folder, its name, or how its name begins")],
    runs: Annotated[Path, typer.Option(help="folder of run records")] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="port of the page; 0 takes any free one")] = 0,
    *,
    web: Annotated[bool, typer.Option("--web", help="serve a page on this host instead")] = False,
    once: Annotated[bool, typer.Option("--once", help="show the run as it stands and end")] = False,
) -> None:
    """Watch a run that goes on or has ended; ends by itself when the run is over (the page: by Ctrl-C).

    Ends with 0 when the run has finished (or was only shown once), 1 when it was broken off.
    """
    with told_in_words("stopped watching; the run is left alone"):
        watcher = RunWatcher(find_run(run, runs))
        if web:
            _serve(watcher, port)
        else:
            _show(watcher, is_once=once)


def _show(watcher: RunWatcher, *, is_once: bool) -> None:
    # Both are slow to import, and each way of watching needs only one of them.
    from rich.console import Console  # noqa: PLC0415

    from sweeps.watching.terminal import follow, show_once  # noqa: PLC0415

    console = Console(highlight=False)
    if is_once:
        show_once(watcher.look(), console)
    elif follow(watcher, console).state is not RunState.FINISHED:
        raise typer.Exit(NOT_FINISHED)


def _serve(watcher: RunWatcher, port: int) -> None:
    from sweeps.watching.web import serve_page  # noqa: PLC0415

    watcher.look()  # what cannot be watched is told here, not on the page

    def announce(address: str) -> None:
        typer.echo(f"watching at {address} (this host only; Ctrl-C ends the page and leaves the run alone)")

    try:
        serve_page(watcher, port, announce)
    except OSError as error:
        typer.echo(f"port {port}: {error.strerror}; choose another, or 0 for any free one", err=True)
        raise typer.Exit(BENCH_FAILED) from None
