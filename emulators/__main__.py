"""`python -m emulators`: serve an emulated lab."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from drivers.facts.checked_yaml import read_checked
from drivers.facts.figures import FigureError
from drivers.facts.inventory import Inventory
from emulators.cow4.profile import ProfileError
from emulators.lab.assembly import EmulatedLab, LabSettings
from emulators.lab.folder import FolderTaken
from emulators.lab.history import HistoryError
from emulators.wires.places import PlaceError, read_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.inventory import Plan, Station

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)

BAD_INPUT = 2


@app.callback()
def main() -> None:
    """Emulated gear on its real wires."""


@app.command()
def serve(
    inventory: Path,
    station: Annotated[str | None, typer.Option(help="station; the only one if absent")] = None,
    plan: Annotated[str, typer.Option(help="plan whose record period and virtual t0 are used")] = "smoke",
    seed: Annotated[int, typer.Option(help="seed of every draw")] = 1,
    clock: Annotated[
        Literal["virtual", "wall"], typer.Option(help="virtual: moves while a client waits")
    ] = "wall",
    factor: Annotated[float, typer.Option(help="lab seconds per wall second", min=1e-3, max=1e6)] = 1.0,
    folder: Annotated[Path, typer.Option(help="where lab.json and the PKI go")] = Path("runs/lab"),
    idle_exit_s: Annotated[float | None, typer.Option(help="end after so long without a client")] = None,
    go_on_at_s: Annotated[
        float | None, typer.Option(help="take up the lab that died in FOLDER at this lab time")
    ] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=ADDRESS:PORT",
            help="where a device (or `control`) listens, an address of this host; may be repeated",
        ),
    ] = None,
) -> None:
    """Serve the station's gear on free ports of loopback, or where --listen says.

    Addresses are printed and go into lab.json, with the files of the authority and of the password.
    """
    if go_on_at_s is not None and clock != "virtual":
        _refuse("--go-on-at-s needs the virtual clock: the host's time went on without the lab", [])
    name, facts, chosen = _chosen_from(inventory, station, plan)
    try:
        settings = LabSettings(
            station_name=name,
            station=facts,
            plan=chosen,
            seed=seed,
            clock_kind=clock,
            t0_s=chosen.virtual_t0.timestamp() if clock == "virtual" else None,
            factor=1.0 if clock == "virtual" else factor,
            folder=folder.resolve(),
            idle_exit_s=idle_exit_s,
            go_on_at_s=go_on_at_s,
            places=read_places(listen or [], facts.gear),
        )
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(_serve(settings))
    except (FigureError, ProfileError, PlaceError, FolderTaken, HistoryError) as error:
        _refuse(str(error), [])


def _chosen_from(inventory: Path, station: str | None, plan: str) -> tuple[str, Station, Plan]:
    """Return the station's name, the station and the plan that are asked for; exit if there are none."""
    checked = read_checked(inventory, Inventory)
    if checked.value is None:
        _refuse(f"{inventory}: {len(checked.mistakes)} mistakes", checked.mistakes)
    content = checked.value
    try:
        name = content.station_called(station)
        return name, content.stations[name], content.plan_called(plan)
    except LookupError as error:
        _refuse(f"{inventory}: {error}", [])


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where there is one, else None for Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - not for every system
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: LabSettings) -> None:
    settings.folder.mkdir(parents=True, exist_ok=True)
    lab = EmulatedLab(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lab.control.ended.set)
    try:
        addresses = await lab.start()
        _write_whole(settings.folder / "lab.json", addresses.model_dump_json(indent=2))
        print(addresses.model_dump_json(), flush=True)  # noqa: T201 - whoever started the lab reads this line
        ticking = asyncio.create_task(lab.clock.run())
        await lab.control.run_until_ended()
        ticking.cancel()
    finally:
        await lab.close()


def _write_whole(path: Path, text: str) -> None:
    """Write a file that others may read at any moment: the old one or the new one, never half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


def _refuse(title: str, lines: list[str]) -> NoReturn:
    print("\n  ".join([title, *lines]), file=sys.stderr)  # noqa: T201 - words for whoever started it
    raise typer.Exit(BAD_INPUT)


if __name__ == "__main__":
    app()
