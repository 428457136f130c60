"""The bench of a run: its gear opened at the addresses of the target, with the clock of the target."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from drivers.clock import Clock, WallClock
from drivers.errors import RecordError
from drivers.lab_control.clock import VirtualLabClock, WallLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.lab_control.plant import LabPlant
from drivers.operators.terminal import TerminalOperator
from drivers.roles import LINK_ROLES, Operator
from drivers.station import open_station
from drivers.wires.byte_log import ByteLog
from sweeps.record.run_record import ARTEFACTS_NAME
from sweeps.running.lab_process import INVENTORY_NAME, emulated_lab, living_lab
from sweeps.running.lease import gear_lease

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from pathlib import Path

    from drivers.facts.lab import LabAddresses
    from drivers.roles import Role
    from drivers.station import Station
    from sweeps.choice import Choice
    from sweeps.running.lease import OwnerRole


@contextmanager
def leased_gear(
    choice: Choice, folder: Path, owner: OwnerRole, roles: Collection[Role] = LINK_ROLES
) -> Generator[None]:
    """Have the station's real gear of `roles`, if that is the target, to oneself for the run of `folder`."""
    real = choice.lab_connections(roles) if choice.target == "lab" else {}
    with gear_lease(real.values(), folder, owner):
        yield


def _write_inventory(choice: Choice, folder: Path) -> None:
    """Leave the inventory as it was read in the run folder: the lab reads it, and so would the guard."""
    path = folder / INVENTORY_NAME
    try:
        (folder / ARTEFACTS_NAME).mkdir(exist_ok=True)
        if not path.exists() or path.read_bytes() != choice.inventory_bytes:
            # Never half of it: a run is taken up by this file.
            partial = path.with_name(path.name + ".partial")
            partial.write_bytes(choice.inventory_bytes)
            partial.replace(path)
    except OSError as error:
        raise RecordError(f"run folder {folder}: {error.strerror}") from None


Journal = Callable[[Operator, Clock], Operator]
"""Wraps an operator, so that what it is asked and answers is kept."""


def _keep_nothing(operator: Operator, _clock: Clock) -> Operator:
    return operator


@contextmanager
def open_bench(
    choice: Choice,
    folder: Path,
    *,
    roles: Collection[Role] = LINK_ROLES,
    go_on_at_s: float | None = None,
    journal: Journal = _keep_nothing,
) -> Generator[Station]:
    """Open the chosen station's gear of `roles`; on the target `emulator` a lab is run for it in `folder`.

    With `go_on_at_s` (lab time in s) that lab is the folder's earlier one.
    """
    _write_inventory(choice, folder)
    with ExitStack() as stack:
        log = stack.enter_context(_byte_log(folder, "wires.log"))
        if choice.target == "lab":
            station = _open_real(choice, log, roles, journal)
        else:
            addresses = stack.enter_context(emulated_lab(choice, folder, go_on_at_s))
            station = _open_emulated(choice, addresses, log, stack, roles, journal)
        stack.callback(station.close)
        yield station


@contextmanager
def open_bench_again(choice: Choice, folder: Path, roles: Collection[Role]) -> Generator[Station | None]:
    """Open gear of a run whose process is gone; None if there is nothing left: its lab died too."""
    with ExitStack() as stack:
        log = stack.enter_context(_byte_log(folder, "guard-wires.log"))
        if choice.target == "lab":
            station = _open_real(choice, log, roles, None)
        else:
            addresses = living_lab(folder)
            if addresses is None:
                yield None
                return
            station = _open_emulated(choice, addresses, log, stack, roles, None)
        stack.callback(station.close)
        yield station


@contextmanager
def _byte_log(folder: Path, name: str) -> Generator[ByteLog]:
    try:
        log = ByteLog(folder / ARTEFACTS_NAME / name)
    except OSError as error:
        raise RecordError(f"byte log in {folder}: {error.strerror}") from None
    try:
        yield log
    finally:
        log.close()


def _open_real(choice: Choice, log: ByteLog, roles: Collection[Role], journal: Journal | None) -> Station:
    clock = WallClock()
    return open_station(
        choice.station_name,
        choice.station,
        choice.lab_connections(roles),
        clock,
        log,
        operator=None if journal is None else journal(TerminalOperator(), clock),
        roles=roles,
    )


def _open_emulated(
    choice: Choice,
    addresses: LabAddresses,
    log: ByteLog,
    stack: ExitStack,
    roles: Collection[Role],
    journal: Journal | None,
) -> Station:
    control = LabControl(addresses.control, addresses.lab_id)
    stack.callback(control.close)
    clock = VirtualLabClock(control) if addresses.clock == "virtual" else WallLabClock(control)
    return open_station(
        choice.station_name,
        choice.station,
        addresses.connections,
        clock,
        log,
        LabFaults(control),
        operator=None if journal is None else journal(LabOperator(control), clock),
        plant=LabPlant(control),
        roles=roles,
    )
