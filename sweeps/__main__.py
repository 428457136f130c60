"""`python -m sweeps`: run procedures on a station, look after their records."""

from __future__ import annotations

import typer

from sweeps.record import commands as recorded
from sweeps.running import commands as running
from sweeps.watching import command as watching

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
app.command()(running.run)
app.command()(running.resume)
app.command("list")(recorded.list_all)
app.command()(recorded.show)
app.command()(recorded.export)
app.command()(watching.watch)

if __name__ == "__main__":
    app()
