"""An OTDR is reached when its turn comes: one instrument may be carried from end to end of the fibre."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from drivers.errors import GearError, StationError
from drivers.facts.connections import VisaSocketConnection
from drivers.otdr.viavi_smartotdr import open_viavi_smartotdr
from drivers.roles import Otdr
from drivers.safe_state import insist

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from drivers.clock import Clock
    from drivers.facts.connections import AnyConnection
    from drivers.facts.inventory import Station as StationFacts
    from drivers.wires.byte_log import ByteLog

OtdrOpener = Callable[[str], AbstractContextManager[Otdr]]
"""Has the OTDR of a gear name open while the block runs; StationError if it is not reached."""


def otdr_opener(
    facts: StationFacts, connections: Mapping[str, AnyConnection], clock: Clock, log: ByteLog
) -> OtdrOpener:
    """Return what opens the OTDRs of a station at their addresses, insisting on it."""

    @contextmanager
    def opened(name: str) -> Generator[Otdr]:
        connection = connections.get(name)
        if not isinstance(connection, VisaSocketConnection):
            raise StationError(f"{name}: no address for this target")
        site = facts.sites[facts.gear[name].site].name
        try:
            otdr = insist(partial(open_viavi_smartotdr, name, connection, clock, log), clock)
        except GearError as error:
            raise StationError(
                f"{name} was not reached at {site}: {error}\n  see that it is there, switched on and on the"
                " network, and take the run up again; what was taken stays"
            ) from error
        with closing(otdr):
            yield otdr

    return opened


def no_otdr(name: str) -> AbstractContextManager[Otdr]:
    """Open none: for a station that nobody gave a way to them."""
    raise StationError(f"{name}: nobody can open an OTDR here")
