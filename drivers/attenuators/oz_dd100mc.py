"""The OZ Optics DD-100-MC motor-driven attenuator, over RS-232.

Commands and how well each is known: `drivers/facts/names/oz_dd100mc.yaml`. It answers a move when the move
is done, has no shutter, and knows its attenuation only after it was homed. Its own attenuations hold the
insertion loss; here, as everywhere in the role, they do not.

RS-232 has no check sum, and a lost digit leaves a number that looks right: so every reading is taken twice,
and a move is believed when the device afterwards reads back what it was told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.errors import DeviceError, LimitError, NotHomed, ProtocolError
from drivers.facts.names import load_names
from drivers.roles import AttenuatorSpec, Identity
from drivers.wires.serial_wire import LineProtocol, SerialWire

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.connections import SerialConnection
    from drivers.wires.byte_log import ByteLog

_NAMES = load_names("oz_dd100mc")
_PROTOCOL = LineProtocol(
    command_end=_NAMES["command_end"].encode("ascii"),
    is_last_line=lambda line: line == _NAMES["done"] or line.startswith(_NAMES["refusal"]),
    is_refusal=lambda line: line.startswith(_NAMES["refusal"]),
    probes=(
        (_NAMES["configuration"], _NAMES["insertion_loss"]),
        (_NAMES["state"], _NAMES["state_position"]),
    ),
)
# What a motor needs does not depend on how long the bench waits for other answers.
_HOMING_DEADLINE_S = 40.0  # pylablib's; QMI allows 30 s
_MOVE_DEADLINE_S = 20.0  # likewise; QMI allows 5 s
# The device stops on the next motor step, which is a matter of hundredths of a dB (assumed).
_MOTOR_STEP_DB = 0.1
# Accuracy: ASSUMED, since no public document that was at hand gives it.
_ACCURACY_DB = 0.1
# A calibration's wavelength is a nominal one: channels of a grid around it count as the same (assumed).
_CALIBRATION_REACH_NM = 1.0

_ERROR = re.compile(r"Error(-\d+)")


@dataclass(frozen=True, slots=True)
class _Configuration:
    insertion_loss_db: float
    max_total_db: float
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class _State:
    steps: int
    total_db: float | None
    """Attenuation with the insertion loss; None if the device does not know it: it was not homed."""


class OzDd100:
    """One DD-100-MC; fills the role `Attenuator`. Make it with `open_oz_dd100mc`."""

    def __init__(self, wire: SerialWire, calibration_nm: float) -> None:
        self._wire = wire
        self._calibration_nm = calibration_nm
        configuration = self._configuration()
        self.spec = AttenuatorSpec(
            min_db=0.0,
            max_db=round(configuration.max_total_db - configuration.insertion_loss_db, 2),
            resolution_db=0.01,
            readback_db=_MOTOR_STEP_DB,
            insertion_loss_db=configuration.insertion_loss_db,
            min_wavelength_nm=calibration_nm - _CALIBRATION_REACH_NM,
            max_wavelength_nm=calibration_nm + _CALIBRATION_REACH_NM,
            has_shutter=False,
        )

    def identity(self) -> Identity:
        """Read serial number and firmware from the configuration; vendor and model the device does not tell.

        ProtocolError if the answer is no DD-100-MC's.
        """
        configuration = self._configuration()
        return Identity("OZ Optics", "DD-100-MC", configuration.serial, configuration.firmware)

    def home(self) -> None:
        """Send the motor home, to 0 dB, so that the device knows where it stands; the light follows.

        DeviceError -5 if the home sensor has failed.
        """
        command = _NAMES["home"]
        self._integer(command, self._ask(command, _HOMING_DEADLINE_S)[0], _NAMES["home_answer"])

    def attenuation_db(self) -> float:
        """Read the attenuation in dB (without insertion loss), on the motor step where it stands.

        NotHomed if the device was not homed since it was switched on.
        """
        total_db = self._state().total_db
        if total_db is None:
            problem = "not homed: it does not know its attenuation; the next setting homes it"
            raise NotHomed(self._wire.device, _NAMES["state"], problem)
        return round(total_db - self.spec.insertion_loss_db, 4)

    def uncertainty_db(self) -> float:
        """Return the accuracy of any setting in dB."""
        return _ACCURACY_DB

    def set_attenuation_db(self, attenuation_db: float) -> None:
        """Set the attenuation (0.01 dB, to the next motor step) and return when it is there.

        A device that was not homed is homed first. Raises LimitError before anything is sent, DeviceError
        if the device refuses, ProtocolError if it does not read back what it was told.
        """
        if not 0 <= attenuation_db <= self.spec.max_db:  # also refuses NaN
            raise LimitError(
                f"{self._wire.device}: attenuation {attenuation_db} dB: the device does 0 to"
                f" {self.spec.max_db:g} beyond its insertion loss of {self.spec.insertion_loss_db:g} dB"
            )
        total_db = attenuation_db + self.spec.insertion_loss_db
        with self._wire.locked():
            state = self._move(_NAMES["set_attenuation"].format(total_db=total_db))
            if state.total_db is None or abs(state.total_db - total_db) > _MOTOR_STEP_DB:
                problem = f"told to go to {total_db:.2f} dB, it stands at {state.total_db} dB"
                raise ProtocolError(self._wire.device, _NAMES["state"], problem)

    def position_steps(self) -> int:
        """Read the motor's position in steps from home; it means nothing before homing."""
        return self._state().steps

    def set_position_steps(self, steps: int) -> None:
        """Move the motor to `steps` from home and return when it is there; home it if needed."""
        if steps < 0:
            raise LimitError(f"{self._wire.device}: position {steps}: steps count from home on")
        with self._wire.locked():
            state = self._move(_NAMES["set_position"].format(steps=steps))
            if state.steps != steps:
                problem = f"told to go to step {steps}, it stands at step {state.steps}"
                raise ProtocolError(self._wire.device, _NAMES["state"], problem)

    def shutter_open(self) -> bool:
        """Tell that light passes: there is no shutter, whatever the attenuation."""
        return True

    def set_shutter_open(self, is_open: bool) -> None:
        """Do nothing to open what is always open; LimitError to block it."""
        if not is_open:
            raise LimitError(
                f"{self._wire.device}: a DD-100-MC has no shutter; it attenuates by up to"
                f" {self.spec.max_db:g} dB and cannot block the light"
            )

    def wavelength_nm(self) -> float:
        """Return the wavelength in nm of the calibration, from the inventory: the device does not tell."""
        return self._calibration_nm

    def set_wavelength_nm(self, wavelength_nm: float) -> None:
        """Do nothing for a wavelength (nm) within 1 nm of the calibration; LimitError for any other."""
        if not self.spec.min_wavelength_nm <= wavelength_nm <= self.spec.max_wavelength_nm:
            raise LimitError(
                f"{self._wire.device}: wavelength {wavelength_nm} nm: calibrated at"
                f" {self._calibration_nm:g} nm only (calibration_nm in the inventory)"
            )

    def close(self) -> None:
        """Release the port; the device keeps its settings."""
        self._wire.close()

    def _move(self, command: str) -> _State:
        """Do a move and return where the device then stands, which must be where the move ended."""
        if self._state().total_db is None:
            self.home()
        steps = self._integer(command, self._ask(command, _MOVE_DEADLINE_S)[0], _NAMES["position_answer"])
        state = self._state()
        if state.steps != steps:
            problem = f"the move ended at step {steps}, it stands at step {state.steps}"
            raise ProtocolError(self._wire.device, command, problem)
        return state

    def _state(self) -> _State:
        command = _NAMES["state"]
        answer = self._read(command)
        if len(answer) != 3:
            raise ProtocolError(self._wire.device, command, f"{answer} is no position and attenuation")
        steps = self._integer(command, answer[0], _NAMES["state_position"])
        if answer[1].lower() == f"{_NAMES['state_attenuation']}{_NAMES['unknown']}".lower():
            return _State(steps, None)
        return _State(steps, self._decibels(command, answer[1:], _NAMES["state_attenuation"]))

    def _configuration(self) -> _Configuration:
        command = _NAMES["configuration"]
        lines = self._read(command)
        return _Configuration(
            insertion_loss_db=self._decibels(command, lines, _NAMES["insertion_loss"]),
            max_total_db=self._decibels(command, lines, _NAMES["max_attenuation"]),
            serial=_after(_NAMES["serial_number"], lines) or "unknown",
            firmware=_after(_NAMES["firmware"], lines) or "unknown",
        )

    def _read(self, command: str) -> list[str]:
        with self._wire.locked():
            first, second = self._ask(command), self._ask(command)
        if first != second:
            raise ProtocolError(self._wire.device, command, f"two readings differ: {first}, {second}")
        return first

    def _ask(self, command: str, at_least_s: float = 0.0) -> list[str]:
        answer = self._wire.query(command, at_least_s)
        if answer[-1].startswith(_NAMES["refusal"]):
            raise self._refused(command, answer[-1])
        return answer

    def _refused(self, command: str, line: str) -> DeviceError:
        found = _ERROR.match(line)
        code = int(found[1]) if found else 0
        texts = {entry.name: entry.note for entry in _NAMES.entries.values()}
        text = texts.get(found[0], line) if found else line
        return DeviceError(self._wire.device, command, code, text)

    def _decibels(self, command: str, lines: list[str], key: str) -> float:
        text = _after(key, lines)
        if text is None or re.fullmatch(r"\d+(\.\d+)?", text) is None:
            raise ProtocolError(self._wire.device, command, f"no number after {key!r} in {lines}")
        return float(text)

    def _integer(self, command: str, line: str, key: str) -> int:
        text = _after(key, [line])
        if text is None or re.fullmatch(r"[+-]?\d+", text) is None:
            raise ProtocolError(self._wire.device, command, f"{line!r} is not {key!r} and a whole number")
        return int(text)


def _after(key: str, lines: list[str]) -> str | None:
    """Return what follows `key` in the first line that begins with it, in any case of letters."""
    for line in lines:
        if line.lower().startswith(key.lower()):
            return line[len(key) :].strip()
    return None


def open_oz_dd100mc(
    name: str, connection: SerialConnection, calibration_nm: float, clock: Clock, log: ByteLog
) -> OzDd100:
    """Take the serial port of the DD-100-MC called `name` and make sure that one answers; nothing moves.

    Raises TransportError if nobody answers or another program has the port, ProtocolError for another device.
    """
    wire = SerialWire(name, connection, _PROTOCOL, clock, log)
    try:
        return OzDd100(wire, calibration_nm)
    except BaseException:
        wire.close()
        raise
