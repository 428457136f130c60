"""`python -m drivers`: meet the gear of an inventory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drivers.clock import WallClock, utc_now_s
from drivers.contact.as_json import json_of
from drivers.contact.bench import check_devices, problems_between
from drivers.contact.choice import choose
from drivers.contact.page import page_for_output
from drivers.contact.rows import problem_rows, rows_of, title_of
from drivers.contact.summary import is_all_good, next_command, next_words, reached_line
from drivers.errors import BenchError
from drivers.wires.byte_log import NO_LOG, ByteLog

if TYPE_CHECKING:
    from drivers.contact.choice import Choice
    from drivers.contact.found import DeviceContact
    from drivers.contact.page import Page

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

NOT_AS_EXPECTED = 1
BAD_INPUT = 2
INTERRUPTED = 130


@app.callback()
def main() -> None:
    """Meet the gear of an inventory, by its drivers alone."""


@app.command()
def check(
    inventory: Annotated[Path, typer.Argument(help="inventory file")] = Path("inventory.yaml"),
    station: Annotated[
        str | None, typer.Option(help="station of the inventory; the only one if absent")
    ] = None,
    lab_file: Annotated[
        Path | None, typer.Option(help="lab.json of an emulated lab, to check that instead of the gear")
    ] = None,
    wire_log: Annotated[
        Path | None, typer.Option(help="file to which all that goes over the wires is added, no secrets")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object instead")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="list every name of an interface that is assumed or inferred")
    ] = False,
) -> None:
    """Ask every device who and how it is, and change nothing.

    Only queries and GETs are sent, and the log-in to a Web API whose certificate is trusted.

    Exit codes: 0 all reached and as the inventory says, 1 something is not, 2 an input is wrong. An OTDR that
    nobody reaches counts for nothing: it is brought when the fibre is measured.
    """
    try:
        choice = choose(inventory, station, lab_file)
        log = NO_LOG if wire_log is None else ByteLog(wire_log)
    except (BenchError, OSError) as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    try:
        is_good = _print_json(choice, log) if as_json else _print_page(choice, log, is_verbose=verbose)
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was changed", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        log.close()
    if not is_good:
        raise typer.Exit(NOT_AS_EXPECTED)


def _print_json(choice: Choice, log: ByteLog) -> bool:
    contacts = list(check_devices(choice.station.gear, choice.connections, WallClock(), log))
    between = problems_between(contacts)
    typer.echo(json_of(choice, contacts, between))
    return is_all_good(contacts, between)


def _print_page(choice: Choice, log: ByteLog, *, is_verbose: bool) -> bool:
    page = page_for_output()
    _print_head(page, choice)
    contacts: list[DeviceContact] = []
    for contact in check_devices(choice.station.gear, choice.connections, WallClock(), log):
        contacts.append(contact)
        rows = rows_of(contact, utc_now_s(), is_verbose=is_verbose)
        page.device(title_of(contact), rows, is_good=contact.is_no_hindrance())
    between = problems_between(contacts)
    if between:
        page.device("between the devices", problem_rows(between), is_good=False)
    is_good = is_all_good(contacts, between)
    page.line("")
    page.line(reached_line(contacts))
    page.line(next_words(is_good=is_good))
    page.command(next_command(choice))
    return is_good


def _print_head(page: Page, choice: Choice) -> None:
    page.line(f"{choice.station_name}: {choice.station.title}")
    page.line("Nothing is changed: queries and GETs only, and the log-in to a Web API that is trusted.")
    if choice.lab is not None and choice.lab.clock == "virtual":
        page.line(
            "This emulated lab keeps virtual time, so clock offsets mean nothing: serve it with --clock wall."
        )


if __name__ == "__main__":
    app()
