"""What the tests of the first contact share: a lab as its own process, gear, checks of one device."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from drivers.__main__ import app
from drivers.clock import WallClock
from drivers.contact.bench import check_devices
from drivers.facts.connections import SecretReference, WebApiConnection
from drivers.facts.gear import CerberisXgrGear, MapMvoaGear
from drivers.wires.byte_log import NO_LOG
from tests.acceptance.benches import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from typer.testing import Result

    from drivers.clock import Clock
    from drivers.contact.found import DeviceContact
    from drivers.facts.connections import AnyConnection
    from drivers.facts.gear import AnyGear
    from drivers.wires.byte_log import ByteLog

INVENTORY = PROJECT / "inventory.yaml"
VOA = MapMvoaGear(role="attenuator", driver="viavi_map_mvoa", site="here")
BOB = CerberisXgrGear(role="qkd_appliance", driver="cerberis_xgr", end="bob", site="here")


@contextmanager
def served_lab(folder: Path, inventory: Path = INVENTORY) -> Generator[Path]:
    """Serve an emulated lab on the wall clock while the block runs; yields its lab.json."""
    command = [sys.executable, "-m", "emulators", "serve", str(inventory), "--clock", "wall"]
    process = subprocess.Popen(
        [*command, "--folder", str(folder)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("{"), ready + process.stdout.read()
        yield folder / "lab.json"
        process.terminate()


def check(*arguments: str | Path) -> Result:
    """Run `python -m drivers check` in this process."""
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def check_one(
    gear: AnyGear,
    connection: AnyConnection | None,
    clock: Clock | None = None,
    log: ByteLog = NO_LOG,
) -> DeviceContact:
    """Check one device, called by its role."""
    name = "bob" if isinstance(gear, CerberisXgrGear) else "voa"
    connections = {} if connection is None else {name: connection}
    (contact,) = check_devices({name: gear}, connections, clock or WallClock(), log)
    return contact


def web_api(url: str, folder: Path, ca_file: Path | None, deadline_s: float = 10.0) -> WebApiConnection:
    """Return a connection with a password in `folder`."""
    password = folder / "a-password"
    password.write_text("tell-nobody")
    return WebApiConnection(
        url=url,
        ca_file=ca_file,
        user="bench",
        password=SecretReference(file=password),
        deadline_s=deadline_s,
    )


def told(contact: DeviceContact) -> str:
    """Return the problems of a contact with their advice, a line each."""
    return "\n".join(f"{problem.what} -> {problem.advice}" for problem in contact.problems)
