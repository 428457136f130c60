"""The fault schedule: which exchange of which device goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.lab import Fault
    from emulators.lab.history import History
    from emulators.lab.journal import Journal


_ACTOR = "lab faults"  # no gear can have that name


class _Planned:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0

    def strikes(self, gear: str, exchange: str, now_s: float) -> bool:
        fault = self.fault
        if fault.gear != gear or fault.match not in exchange:
            return False
        if fault.start_s is not None and now_s < fault.start_s:
            return False
        if fault.end_s is not None and now_s >= fault.end_s:
            return False
        self.seen += 1
        past_last = fault.count is not None and self.seen >= fault.first + fault.count
        return self.seen >= fault.first and not past_last


class FaultSchedule:
    """All planned faults of a lab. Wires ask it at every exchange."""

    def __init__(self, now_s: Callable[[], float], journal: Journal) -> None:
        self._now_s = now_s
        self.journal = journal
        self._planned: list[_Planned] = []
        self._remember: Callable[[str, str], None] = lambda _to, _do: None

    def remember_in(self, history: History) -> None:
        """Keep in `history` from now on which fault struck how often, so that none strikes once too often."""
        self._remember = history.note
        history.add_actor(_ACTOR, self._strike_again)

    def inject(self, fault: Fault) -> None:
        """Plan one more fault."""
        self._planned.append(_Planned(fault))
        self.journal.note("fault planned", fault.model_dump_json(exclude_defaults=True))

    def clear(self) -> None:
        """Forget every planned fault."""
        self._planned.clear()
        self.journal.note("faults cleared", "")

    def strike(self, gear: str, exchange: str) -> Fault | None:
        """Return the fault that strikes this exchange of `gear` (a command, or "METHOD /path"), if any."""
        struck = [planned for planned in self._planned if planned.strikes(gear, exchange, self._now_s())]
        if not struck:
            return None
        text = f"{gear}: {exchange}: {struck[0].fault.action}"
        # One act for all that this exchange uses up: of several faults the first one strikes.
        used = ",".join(f"{self._planned.index(planned)}:{planned.seen}" for planned in struck)
        self._remember(_ACTOR, f"{used} {text}")
        self.journal.note("fault struck", text)
        return struck[0].fault

    def _strike_again(self, struck: str) -> None:
        used, text = struck.split(" ", maxsplit=1)
        for planned in used.split(","):
            index, seen = planned.split(":")
            self._planned[int(index)].seen = int(seen)
        self.journal.note("fault struck", text)
