"""What each end of the fibre is connected to, as the operator said it, and whether an OTDR may shine.

Nothing on a wire tells where a patch cord goes. So what nobody has said is not known, and what is not known
is taken for the worst: a live QKD receiver, which the light of an OTDR would blind or destroy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import StationError
from drivers.facts.gear import ViaviOtdrGear
from drivers.facts.lab import FibreEndUse, PatchEnd
from drivers.roles import OperatorTask

if TYPE_CHECKING:
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import Operator

_IN_WORDS: dict[FibreEndUse, str] = {
    "qkd": "to the QKD appliance",
    "otdr": "to the OTDR",
    "nothing": "to nothing (capped)",
}
_NEVER_OPPOSITE: dict[FibreEndUse, FibreEndUse] = {"qkd": "otdr", "otdr": "qkd"}
_WHY: dict[FibreEndUse, str] = {
    "qkd": "Key is made with both ends of the fibre connected to their appliances.",
    "otdr": "The fibre is to be measured from here.",
    "nothing": "The light of an OTDR at the far end must not reach a QKD appliance.",
}


class FibreEndsAsTold:
    """Both ends of a station's fibre: what the operator last connected each to, or that it is not known."""

    def __init__(self, station: str, facts: StationFacts, operator: Operator | None) -> None:
        self._station = station
        self._facts = facts
        self._operator = operator
        self._uses: dict[str, FibreEndUse | None] = dict.fromkeys(
            (facts.site_of_end("alice"), facts.site_of_end("bob"))
        )
        self.was_asked = False
        """Whether the operator was asked here to move an end."""

    def connect(self, site: str, to: FibreEndUse) -> None:
        """Have the end at `site` connected to `to`, unless it is known to be.

        StationError for a site without an end, for an appliance or an OTDR unless the far end is known not to
        be connected to the other, or if nobody can; OperatorAbort if the operator did not.
        """
        far = self._far_site(site)
        if self._uses[site] == to:
            return
        far_use, never = self._uses[far], _NEVER_OPPOSITE.get(to)
        if never is not None and far_use in {None, never}:
            where = "nobody knows where" if far_use is None else _IN_WORDS[far_use]
            raise StationError(
                f"station {self._station}: the end of the fibre at {site} is not connected {_IN_WORDS[to]}"
                f" while the far end, at {far}, is connected {where}; move that one first"
            )
        task = self._task(site, to)
        if self._operator is None:
            raise StationError(
                f"station {self._station}: this needs an operator, and there is none: {task.do}"
            )
        # Whoever breaks off may have got half-way.
        self.was_asked, self._uses[site] = True, None
        self._operator.carry_out(task)
        self._uses[site] = to

    def in_words(self) -> str:
        """Return what each end is connected to, as far as the operator said it."""
        told = {site: "not known" if use is None else _IN_WORDS[use] for site, use in self._uses.items()}
        return "; ".join(f"{site}: {words}" for site, words in told.items())

    def why_dark(self, site: str) -> str | None:
        """Return why an OTDR at `site` must not shine; None if it may. StationError as `connect`."""
        far = self._far_site(site)
        near_use, far_use = self._uses[site], self._uses[far]
        if near_use is None:
            return f"what the fibre's end at {site} is connected to is not known; connect it to the OTDR"
        if near_use != "otdr":
            return f"the fibre's end at {site} is connected {_IN_WORDS[near_use]}; connect it to the OTDR"
        remedy = "have it moved to an OTDR or to nothing first"
        if far_use is None:
            return f"what the fibre's far end, at {far}, is connected to is not known; {remedy}"
        if far_use == "qkd":
            return f"the fibre's far end, at {far}, is connected to a QKD appliance; {remedy}"
        return None

    def _far_site(self, site: str) -> str:
        sites = list(self._uses)
        here = f"station {self._station}"
        if len(sites) == 1:
            raise StationError(f"{here}: both ends of the fibre are at {sites[0]}; give each its own site")
        if site not in sites:
            ends = " and ".join(sites)
            raise StationError(f"{here}: no end of the fibre is at {site!r}; the ends are at {ends}")
        return sites[1 - sites.index(site)]

    def _task(self, site: str, to: FibreEndUse) -> OperatorTask:
        here = self._facts.sites[site].name
        return OperatorTask(
            do=f"At {here}, connect the end of the fibre {self._with_lead(site, to)}.",
            why=_WHY[to],
            patch=PatchEnd(site=site, to=to),
        )

    def _with_lead(self, site: str, to: FibreEndUse) -> str:
        """Return to what it is connected, with the fibre between an OTDR and the link, or at its far end."""
        otdrs = {gear.site: gear for gear in self._facts.gear.values() if isinstance(gear, ViaviOtdrGear)}
        near, far = otdrs.get(site), otdrs.get(self._far_site(site))
        if to == "otdr":
            # It may have been carried here, and is reached only now.
            ready = f"{_IN_WORDS[to]} (switched on, and on the network there)"
            launch = None if near is None else near.launch
            return ready if launch is None else f"{ready}, through the launch fibre of {launch.length_m:g} m"
        if to == "nothing" and far is not None and far.tail is not None:
            return f"to nothing but the tail fibre of {far.tail.length_m:g} m"
        return _IN_WORDS[to]
