"""The safe state of a station's gear: what it is, what is not in it, and the way to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from drivers.errors import BenchError, GearError, NotHomed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.added_loss import LossRule
    from drivers.clock import Clock
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import Attenuator, Otdr

T = TypeVar("T")

# Gear that serves one client at a time needs a moment to see that the last connection is gone.
_PAUSES_S = (0.0, 0.5, 2.0, 5.0)


def insist(step: Callable[[], T], clock: Clock, failure: type[BenchError] = GearError) -> T:
    """Return what `step` returns, tried again after each pause on a `failure`; the last one if all failed."""
    for pause_s in _PAUSES_S[:-1]:
        clock.sleep(pause_s)
        try:
            return step()
        except failure:
            continue
    clock.sleep(_PAUSES_S[-1])
    return step()


class SafeState:
    """The safe state of one attenuator and of the OTDR that is open with it, if one is.

    The attenuator's shutter is open, so that key can be made; but it blocks while its ports are off the link,
    where the light of a source may be on its way to wherever somebody puts the output.
    """

    def __init__(
        self,
        facts: StationFacts,
        attenuator: Attenuator,
        rule: LossRule,
        otdrs: Mapping[str, Otdr],
        clock: Clock,
        *,
        is_off_link: bool,
    ) -> None:
        self._facts = facts
        self._attenuator = attenuator
        self._rule = rule
        self._otdrs = otdrs
        self._clock = clock
        self._is_off_link = is_off_link

    def reach(self) -> list[str]:
        """Bring the gear there; return in words what could not be brought there, nothing if all was.

        Every step is tried, and tried again over a fresh connection, whatever became of the others.
        """
        setting_db = self._setting_db()
        steps: list[Callable[[], None]] = [otdr.stop for otdr in self._otdrs.values()]
        if setting_db is not None:
            steps.append(partial(self._attenuator.set_attenuation_db, setting_db))
        steps.append(partial(self._attenuator.set_shutter_open, is_open=not self._is_off_link))
        problems: list[str] = []
        for step in steps:
            try:
                insist(step, self._clock)
            except GearError as error:
                problems.append(str(error))
        return problems

    def unsafe(self) -> list[str]:
        """Read the gear and return in words what is not in the safe state, or cannot be read."""
        looks = [
            self._unsafe_setting,
            self._unsafe_shutter,
            *(partial(_unsafe_laser, name, otdr) for name, otdr in self._otdrs.items()),
        ]
        return [words for look in looks for words in _told(look)]

    def in_words(self) -> str:
        """Return what the safe state is here and now."""
        return self._setting_in_words() + (", the light blocked" if self._is_off_link else "")

    def _setting_in_words(self) -> str:
        if self._setting_db() is not None:
            return self._facts.safe_state.attenuator
        found_db = self._found_db()
        known = "not known" if found_db is None else f"{found_db:g} dB, by what the operator said"
        return f"attenuator as left; in line: {known}"

    def is_at_reference(self) -> bool:
        """Read whether the link is as 0 dB added leaves it; False where only an operator could tell."""
        found_db = self._found_db()
        is_at_zero = found_db is not None and found_db <= self._attenuator.spec.readback_db
        return is_at_zero and self._attenuator.shutter_open() and not self._rule.is_removable

    def _setting_db(self) -> float | None:
        """Return the attenuator's setting in the safe state; None where it stays as it is."""
        if self._facts.safe_state.attenuator == "as_left":
            return None
        is_maximum = self._facts.safe_state.attenuator == "maximum"
        return self._rule.setting_db(self._facts.limits.added_db_max) if is_maximum else 0.0

    def _unsafe_setting(self) -> list[str]:
        safe_db = self._setting_db()
        if safe_db is None:
            return []
        found_db = self._found_db()
        if found_db is None:
            return ["the attenuator does not know its attenuation: it was not homed"]
        if abs(found_db - safe_db) > self._attenuator.spec.readback_db:
            return [f"the attenuator is set to {found_db:g} dB, safe is {safe_db:g} dB"]
        return []

    def _unsafe_shutter(self) -> list[str]:
        is_open = self._attenuator.shutter_open()
        if self._is_off_link:
            return ["the attenuator lets light through while its ports are off the link"] if is_open else []
        return [] if is_open else ["the attenuator blocks the light"]

    def _found_db(self) -> float | None:
        try:
            return self._attenuator.attenuation_db()
        except NotHomed:
            return None


def _unsafe_laser(name: str, otdr: Otdr) -> list[str]:
    return [f"{name} sends light"] if otdr.laser_on() else []


def _told(look: Callable[[], list[str]]) -> list[str]:
    """Return what a look finds unsafe; what cannot be read may be anything."""
    try:
        return look()
    except GearError as error:
        return [f"cannot be read: {error}"]
