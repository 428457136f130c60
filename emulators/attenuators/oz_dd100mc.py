"""The DD-100-MC as the link and its serial line see it: a motor that takes its time, and what may be wrong.

A command that moves the motor is answered when the motor stands. After power-up the motor is where it was
left, and the device does not know where that is until it is sent home. There is no shutter. The loss of
its own zero setting is a matter of its place in line, which is the patch panel's.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from drivers.facts.names import load_names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from drivers.facts.gear import OzDd100Gear
    from emulators.lab.clock import LabClock
    from emulators.lab.history import History
    from emulators.plant.link import Link

_MAX_TOTAL_DB = 60.0  # COO-Utilities/ozoptics, a public driver
_SELF_TEST_S = 2.0  # likewise
# ASSUMED, all of these: no public document gives them.
INSERTION_LOSS_DB = 1.0
"""Loss in line at the zero setting, as the device's configuration tells it."""
_DB_PER_STEP = 0.0125
_STEPS_PER_S = 2000.0
_START_S = 0.1
_HOMING_S = 12.0
_LEFT_AT_STEPS = 400
"""Where the motor was left when the power went."""
_LEGS = 4
"""A movement is seen in the light in so many parts."""
_SLOPE_PER_NM = 4e-4
"""Relative error of the attenuation per nm between the light and the calibration wavelength."""
_FIRMWARE = "1.0"

_WITH_NUMBER = re.compile(r"(A|L|S\+|S-|S)(\d+(?:\.\d*)?|\.\d+)")


class Refusal(Exception):
    """A command that the device refuses, by the name of the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class _State:
    motor_steps: int = _LEFT_AT_STEPS
    position_steps: int = 0
    """What the device takes for the motor's position."""
    is_homed: bool = False
    insertion_loss_db: float = INSERTION_LOSS_DB
    echoes: bool = False


class EmulatedOzDd100:
    """One attenuator in line with `link`; a `SerialDevice`."""

    def __init__(self, gear_name: str, gear: OzDd100Gear, link: Link, clock: LabClock) -> None:
        self._gear_name = gear_name
        self._defects = gear.defects
        self._calibrated_at_nm = gear.defects.calibrated_at_nm or gear.calibration_nm
        self._link = link
        self._clock = clock
        self._names = load_names("oz_dd100mc")
        self._now = _State()
        self._note: Callable[[str, str], None] = lambda _to, _do: None
        self._previous: Sequence[str] = []
        self._fixed = self._table()
        self._with_number: dict[str, Callable[[float], Awaitable[Sequence[str]]]] = {
            "A": self._set_attenuation,
            "L": self._set_insertion_loss,
            "S": lambda number: self._move_to(_whole(number)),
            "S+": lambda number: self._move_by(_whole(number)),
            "S-": lambda number: self._move_by(-_whole(number)),
        }
        self._show()

    @property
    def echoes(self) -> bool:
        """Whether every character received is sent back."""
        return self._now.echoes

    def remember_in(self, history: History) -> None:
        """Keep in `history` from now on how this device stands, leg by leg of every movement."""
        self._note = history.note
        history.add_actor(self._gear_name, self._stand_again)

    async def handle(self, command: str) -> Sequence[str]:
        """Do one command and return its answer's lines."""
        try:
            answer = [*await self._do(command.upper()), self._names["done"], ""]
        except Refusal as refusal:
            answer = [self._names[refusal.reason], ""]
        self._previous = answer[:-2]
        return answer

    def refusal(self, code: int) -> Sequence[str]:
        """Return the lines that refuse a command with `code`."""
        return [f"{self._names['refusal']}{code}", ""]

    def _table(self) -> dict[str, Callable[[], Awaitable[Sequence[str]]]]:
        names = self._names
        return {
            names["attenuation"]: self._attenuation,
            names["state"]: self._state,
            names["position"]: self._position,
            names["home"]: self._home,
            names["configuration"]: self._configuration,
            names["echo_on"]: lambda: self._set_echo(is_on=True),
            names["echo_off"]: lambda: self._set_echo(is_on=False),
            names["previous_answer"]: self._previous_answer,
            names["restart"]: self._restart,
            "F": lambda: self._move_by(1),
            "B": lambda: self._move_by(-1),
        }

    async def _do(self, command: str) -> Sequence[str]:
        action = self._fixed.get(command)
        if action is not None:
            return await action()
        found = _WITH_NUMBER.fullmatch(command)
        if found is None:
            raise Refusal("bad_command")
        return await self._with_number[found[1]](float(found[2]))

    async def _attenuation(self) -> Sequence[str]:
        return [
            f"Atten:{self._total_db():.2f}(dB)" if self._now.is_homed else f"Atten:{self._names['unknown']}"
        ]

    async def _state(self) -> Sequence[str]:
        attenuation = f"{self._total_db():.2f}" if self._now.is_homed else self._names["unknown"]
        return [
            f"{self._names['state_position']}{self._now.position_steps}",
            f"{self._names['state_attenuation']}{attenuation}",
        ]

    async def _position(self) -> Sequence[str]:
        return [f"{self._names['position_answer']}{self._now.position_steps}"]

    async def _configuration(self) -> Sequence[str]:
        return [
            f"{self._names['serial_number']}EMULATED",
            f"{self._names['firmware']}{_FIRMWARE}",
            f"{self._names['insertion_loss']}{self._now.insertion_loss_db:.2f}",
            f"{self._names['max_attenuation']}{_MAX_TOTAL_DB:.2f}",
        ]

    async def _set_echo(self, *, is_on: bool) -> Sequence[str]:
        self._now.echoes = is_on
        self._changed()
        return []

    async def _previous_answer(self) -> Sequence[str]:
        return self._previous

    async def _restart(self) -> Sequence[str]:
        self._now.is_homed = False
        self._now.position_steps = 0
        self._changed()
        await self._clock.block(_SELF_TEST_S)
        return await self._configuration()

    async def _set_insertion_loss(self, loss_db: float) -> Sequence[str]:
        if loss_db >= _MAX_TOTAL_DB:
            raise Refusal("out_of_range")
        self._now.insertion_loss_db = round(loss_db, 2)
        self._changed()
        return []

    async def _home(self) -> Sequence[str]:
        if self._defects.home_sensor_fails:
            await self._clock.block(_HOMING_S)
            raise Refusal("home_sensor")
        await self._turn(self._now.motor_steps, 0, _HOMING_S)
        self._now.is_homed = True
        self._changed()
        return [f"{self._names['home_answer']}0"]

    async def _set_attenuation(self, total_db: float) -> Sequence[str]:
        added_db = round(total_db - self._now.insertion_loss_db, 2)
        if added_db < 0 or total_db > _MAX_TOTAL_DB:
            raise Refusal("out_of_range")
        breaks_at_db = self._defects.breaks_at_db
        if breaks_at_db is not None and added_db >= breaks_at_db:
            raise Refusal("motor_voltage")
        return await self._move_to(round(added_db / _DB_PER_STEP))

    async def _move_by(self, steps: int) -> Sequence[str]:
        return await self._move_to(self._now.position_steps + steps)

    async def _move_to(self, steps: int) -> Sequence[str]:
        if not self._now.is_homed:
            raise Refusal("not_homed")
        if not 0 <= steps <= round((_MAX_TOTAL_DB - self._now.insertion_loss_db) / _DB_PER_STEP):
            raise Refusal("out_of_range")
        duration_s = _START_S + abs(steps - self._now.position_steps) / _STEPS_PER_S
        await self._turn(self._now.position_steps, steps, duration_s)
        return await self._position()

    async def _turn(self, start: int, end: int, duration_s: float) -> None:
        for leg in range(1, _LEGS + 1):
            await self._clock.block(duration_s / _LEGS)
            self._now.position_steps = start + round((end - start) * leg / _LEGS)
            if not self._defects.stuck:
                self._now.motor_steps = self._now.position_steps
            self._changed()

    def _total_db(self) -> float:
        return self._now.insertion_loss_db + self._now.position_steps * _DB_PER_STEP

    def _changed(self) -> None:
        self._note(self._gear_name, json.dumps(asdict(self._now)))
        self._show()

    def _stand_again(self, state: str) -> None:
        self._now = _State(**json.loads(state))
        self._show()

    def _show(self) -> None:
        mismatch_nm = self._calibrated_at_nm - self._link.wavelength_nm
        added_db = self._now.motor_steps * _DB_PER_STEP * self._defects.scale
        self._link.set_inline_db(self._gear_name, added_db * (1 + _SLOPE_PER_NM * mismatch_nm))


def _whole(number: float) -> int:
    if not number.is_integer():
        raise Refusal("bad_command")
    return int(number)
