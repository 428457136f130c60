"""The bench of a run: its gear opened at the addresses of the target, with the clock of the target."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from drivers.clock import Clock, WallClock
from drivers.errors import RecordError, StationError
from drivers.lab_control.clock import VirtualLabClock, WallLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.lab_control.plant import LabPlant
from drivers.operators.terminal import TerminalOperator
from drivers.otdr.opening import otdr_opener
from drivers.roles import LINK_ROLES, Operator, Otdr
from drivers.safe_state import insist
from drivers.station import open_station
from drivers.wires.byte_log import ByteLog
from sweeps.record.run_record import ARTEFACTS_NAME
from sweeps.running.lab_process import INVENTORY_NAME, emulated_lab, living_lab
from sweeps.running.lease import gear_lease

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping
    from pathlib import Path

    from drivers.facts.connections import AnyConnection
    from drivers.facts.lab import LabAddresses
    from drivers.otdr.opening import OtdrOpener
    from drivers.roles import Role
    from drivers.station import Station
    from sweeps.choice import Choice
    from sweeps.running.lease import OwnerRole


@contextmanager
def leased_gear(
    choice: Choice, folder: Path, owner: OwnerRole, roles: Collection[Role] = LINK_ROLES
) -> Generator[None]:
    """Have the station's real gear of `roles`, if that is the target, to oneself for the run of `folder`.

    An OTDR is leased when it is opened; but InventoryError now, if it has no address.
    """
    real = choice.lab_connections(roles) if choice.target == "lab" else {}
    held = [connection for name, connection in real.items() if choice.station.gear[name].role != "otdr"]
    with gear_lease(held, folder, owner):
        yield


def keep_inventory(choice: Choice, folder: Path) -> None:
    """Leave the inventory as it was read in the run folder: the lab reads it, and so would the guard."""
    path = folder / INVENTORY_NAME
    try:
        if not path.exists() or path.read_bytes() != choice.inventory_bytes:
            # Never half of it: a run is taken up by this file.
            partial = path.with_name(path.name + ".partial")
            partial.write_bytes(choice.inventory_bytes)
            partial.replace(path)
    except OSError as error:
        raise RecordError(f"run folder {folder}: {error.strerror}") from None


WrapOperator = Callable[[Operator, Clock], Operator]
"""Puts something around an operator, so that what it is asked and answers is kept."""


def _as_it_is(operator: Operator, _clock: Clock) -> Operator:
    return operator


MeetOtdr = Callable[[str, Otdr], None]
"""Meets an OTDR as it is opened, by its gear name, before anything is set there; raises to refuse it."""


def _any_will_do(_name: str, _otdr: Otdr) -> None:
    pass


@contextmanager
def open_bench(
    choice: Choice,
    folder: Path,
    *,
    roles: Collection[Role] = LINK_ROLES,
    go_on_at_s: float | None = None,
    wrap_operator: WrapOperator = _as_it_is,
    meet_otdr: MeetOtdr = _any_will_do,
) -> Generator[Station]:
    """Open the chosen station's gear of `roles`; on the target `emulator` a lab is run for it in `folder`.

    With `go_on_at_s` (lab time in s) that lab is the folder's earlier one. OTDRs are opened later, by the
    station, and leased then.
    """
    with ExitStack() as stack:
        log = stack.enter_context(_byte_log(folder, "wires.log"))
        otdrs = _Otdrs(choice, folder, "runner", log, meet_otdr)
        if choice.target == "lab":
            station = _open_real(choice, log, roles, wrap_operator, otdrs)
        else:
            keep_inventory(choice, folder)
            addresses = stack.enter_context(emulated_lab(choice, folder, go_on_at_s))
            lab = _Lab(addresses, stack)
            station = _open_emulated(choice, lab, log, roles, wrap_operator, otdrs)
        stack.callback(station.close)
        yield station


@contextmanager
def open_bench_again(choice: Choice, folder: Path, roles: Collection[Role]) -> Generator[Station | None]:
    """Open gear of a run whose process is gone, insisting on it; without an operator.

    None if there is nothing left: its lab died too.
    """
    with ExitStack() as stack:
        log = stack.enter_context(_byte_log(folder, "guard-wires.log"))
        otdrs = _Otdrs(choice, folder, "guard", log)
        if choice.target == "lab":
            station = insist(lambda: _open_real(choice, log, roles, None, otdrs), WallClock(), StationError)
        else:
            addresses = living_lab(folder)
            if addresses is None:
                yield None
                return
            lab = _Lab(addresses, stack)
            opened = partial(_open_emulated, choice, lab, log, roles, None, otdrs)
            station = insist(opened, lab.clock, StationError)
        stack.callback(station.close)
        yield station


@contextmanager
def open_otdr_again(choice: Choice, folder: Path, name: str) -> Generator[tuple[Otdr, Clock] | None]:
    """Lease and open one OTDR of a run whose process is gone, insisting on it; give it and the clock.

    None if there is nothing left: its lab died too.
    """
    with ExitStack() as stack:
        log = stack.enter_context(_byte_log(folder, "guard-wires.log"))
        otdrs = _Otdrs(choice, folder, "guard", log)
        if choice.target == "lab":
            clock: Clock = WallClock()
            opened = otdrs.opener(choice.lab_connections(["otdr"]), clock)
        else:
            addresses = living_lab(folder)
            if addresses is None:
                yield None
                return
            lab = _Lab(addresses, stack)
            clock, opened = lab.clock, otdrs.opener(lab.connections, lab.clock)
        yield stack.enter_context(opened(name)), clock


@dataclass(frozen=True, slots=True)
class _Otdrs:
    """How the OTDRs of a bench are opened when their turn comes: leased, reached, met."""

    choice: Choice
    folder: Path
    owner: OwnerRole
    log: ByteLog
    meet: MeetOtdr = _any_will_do

    def opener(self, connections: Mapping[str, AnyConnection], clock: Clock) -> OtdrOpener:
        """Return what opens them at the addresses of the target."""
        reached = otdr_opener(self.choice.station, connections, clock, self.log)

        @contextmanager
        def opened(name: str) -> Generator[Otdr]:
            is_real = self.choice.target == "lab" and name in connections
            leased = [connections[name]] if is_real else []
            with gear_lease(leased, self.folder, self.owner), reached(name) as otdr:
                self.meet(name, otdr)
                yield otdr

        return opened


@contextmanager
def _byte_log(folder: Path, name: str) -> Generator[ByteLog]:
    try:
        (folder / ARTEFACTS_NAME).mkdir(exist_ok=True)
        log = ByteLog(folder / ARTEFACTS_NAME / name)
    except OSError as error:
        raise RecordError(f"byte log in {folder}: {error.strerror}") from None
    try:
        yield log
    finally:
        log.close()


def _open_real(
    choice: Choice,
    log: ByteLog,
    roles: Collection[Role],
    wrap_operator: WrapOperator | None,
    otdrs: _Otdrs,
) -> Station:
    clock = WallClock()
    connections = choice.lab_connections(roles)
    return open_station(
        choice.station_name,
        choice.station,
        connections,
        clock,
        log,
        operator=None if wrap_operator is None else wrap_operator(TerminalOperator(), clock),
        roles=roles,
        opened_otdr=otdrs.opener(connections, clock),
    )


class _Lab:
    """An emulated lab's control and clock, closed with `stack`."""

    def __init__(self, addresses: LabAddresses, stack: ExitStack) -> None:
        self.connections = addresses.connections
        self.control = LabControl(addresses.control, addresses.lab_id)
        stack.callback(self.control.close)
        is_virtual = addresses.clock == "virtual"
        self.clock = VirtualLabClock(self.control) if is_virtual else WallLabClock(self.control)


def _open_emulated(
    choice: Choice,
    lab: _Lab,
    log: ByteLog,
    roles: Collection[Role],
    wrap_operator: WrapOperator | None,
    otdrs: _Otdrs,
) -> Station:
    return open_station(
        choice.station_name,
        choice.station,
        lab.connections,
        lab.clock,
        log,
        LabFaults(lab.control),
        operator=None if wrap_operator is None else wrap_operator(LabOperator(lab.control), lab.clock),
        plant=LabPlant(lab.control),
        roles=roles,
        opened_otdr=otdrs.opener(lab.connections, lab.clock),
    )
