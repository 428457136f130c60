"""The VIAVI SmartOTDR over its TCP port for fibre-optic applications (8002).

Its one key starts a measurement and ends the one that is on, and nothing keeps two controllers apart. So what
it does and how it is set up is read before the key is pressed, and what it has measured is held against that.
Commands and how well each is known: `drivers/facts/names/viavi_smartotdr.yaml`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from drivers.errors import (
    AcquisitionBroken,
    DeviceBusy,
    DeviceError,
    LimitError,
    ProtocolError,
    SettingNotTaken,
    TransportError,
    TransportTimeout,
)
from drivers.otdr.curve_block import parse_points
from drivers.otdr.event_table import parse_line
from drivers.otdr.smartotdr_platform import platform_of
from drivers.otdr.smartotdr_queries import SmartOtdrQueries, smartotdr_wire
from drivers.otdr.smartotdr_settings import check_limits, differences, parse_number, setting_commands
from drivers.otdr.sor_check import mismatches
from drivers.roles import OtdrCurve
from drivers.wires.scpi_errors import raise_device_error

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.connections import VisaSocketConnection
    from drivers.otdr.smartotdr_platform import SmartOtdrPlatform
    from drivers.roles import OtdrEvent, OtdrSettings
    from drivers.wires.byte_log import ByteLog
    from drivers.wires.scpi_wire import ScpiWire

_POLL_INTERVAL_S = 0.5
# FOMS2 waits so long after the mode before it sends the rest.
_MODE_S = 0.2
# Settings clamp each other in the order in which they come. FOMS2 sends all of them twice for that.
_ROUNDS = 2
# ASSUMED: how long it may take to begin, and to end when the key was pressed.
_KEY_DEADLINE_S = 5.0
# A measurement that ends by itself while the key is on its way is started by it: press again.
_PRESSES_TO_STOP = 3
# Some of the averaging time may go into other things.
_WHOLE_TIME = 0.95
_LARGEST_BLOCK_BYTES = 16 * 1024 * 1024
_LONGEST_TABLE = 1000
_SET_UP = "set up"
_METRES = {"m": 1.0, "km": 1000.0}


class ViaviSmartOtdr(SmartOtdrQueries):
    """One SmartOTDR; fills the role `Otdr`."""

    def __init__(self, wire: ScpiWire, clock: Clock, platform: SmartOtdrPlatform | None = None) -> None:
        super().__init__(wire, platform)
        self._clock = clock
        self._taken: OtdrSettings | None = None
        """How the device said that it was set up."""
        self._begun_s: float | None = None
        """Lab time at which the measurement began that is on or lies there; None if it is not ours."""
        # Who had the device before may have pressed the key just now.
        self._begins_before_s = clock.now_s() + _KEY_DEADLINE_S
        """Lab time until which a press of the key may still bring light."""

    def clear_errors(self) -> None:
        """Empty the device's error queue of what earlier users left in it."""
        self._tell(self._names["clear"])

    def set_up(self, settings: OtdrSettings, *, may_clamp: bool = False) -> OtdrSettings:
        """Set the device up, read back what it took, and return that.

        LimitError for what the interface does not do, before anything is sent, and for a wavelength that
        is not fitted; SettingNotTaken where it took something else, unless it `may_clamp`; DeviceBusy
        while it measures.
        """
        check_limits(self._wire.device, settings)
        self._taken = self._begun_s = None
        with self._wire.locked():
            self._refuse_if_running(_SET_UP)
            self._tell(self._names["manual"])
            self._clock.sleep(_MODE_S)
            for _ in range(_ROUNDS):
                self._set_laser(settings.wavelength_nm)
                for command in setting_commands(self._names, settings):
                    self._tell(command)
            taken = self.settings()
        if taken.wavelength_nm != settings.wavelength_nm:
            raise LimitError(
                self._not_fitted(settings.wavelength_nm, f"it stays at {taken.wavelength_nm:g} nm")
            )
        changed = differences(settings, taken)
        if changed and not may_clamp:
            raise SettingNotTaken(self._wire.device, _SET_UP, "; ".join(changed))
        self._taken = taken
        return taken

    def start(self) -> None:
        """Begin to measure, with light, as it was set up, and return when it does.

        DeviceBusy if it measures already or was set up by somebody else since; AcquisitionBroken if it
        was not set up or does not begin.
        """
        command = self._names["start_or_stop"]
        if self._taken is None:
            raise AcquisitionBroken(self._wire.device, command, "it was not set up; set it up first")
        with self._wire.locked():
            self._refuse_if_running(command)
            changed = differences(self._taken, self.settings())
            if changed:
                problem = f"somebody else has set it up meanwhile: {'; '.join(changed)}"
                raise DeviceBusy(self._wire.device, command, problem)
            self._begun_s = self._clock.now_s()
            self._press(command)
        if not self._comes_to(is_running=True):
            self._begun_s = None
            # It keeps no deadline that we know of.
            self._begins_before_s = self._clock.now_s() + _KEY_DEADLINE_S
            raise AcquisitionBroken(self._wire.device, command, "it did not begin to measure")

    def wait(self, deadline_s: float) -> None:
        """Return when it does not measure any more.

        TransportTimeout after `deadline_s` of lab time; AcquisitionBroken if it ended before its time.
        """
        command = self._names["acquisition"]
        asked_s = self._clock.now_s()
        while self.is_running():
            elapsed_s = self._clock.now_s() - asked_s
            if elapsed_s >= deadline_s:
                raise TransportTimeout(self._wire.device, command, "it is still measuring", elapsed_s)
            self._clock.sleep(min(_POLL_INTERVAL_S, deadline_s - elapsed_s))
        if self._taken is not None and self._begun_s is not None:
            self._refuse_half(command, self._clock.now_s() - self._begun_s, self._taken.averaging_s)

    def stop(self) -> None:
        """End the light, also what a key pressed so far is yet to begin; TransportTimeout if it goes on."""
        command = self._names["start_or_stop"]
        for _ in range(_PRESSES_TO_STOP):
            if not self.laser_on():
                return
            self._begun_s = None
            self._press(command)
            self._comes_to(is_running=False)
        if self.laser_on():
            raise TransportTimeout(self._wire.device, command, "it is still measuring")

    def laser_on(self) -> bool:
        """Read whether it sends light; False, after some seconds, if no key pressed so far will bring any."""
        while True:
            is_settled = self._clock.now_s() >= self._begins_before_s
            if self.is_running():
                return True
            if is_settled:
                return False
            self._clock.sleep(_POLL_INTERVAL_S)

    def events(self) -> tuple[OtdrEvent, ...]:
        """Read the table of events that the device found in its trace."""
        with self._wire.locked():
            size = self._read("table_size", int)
            if not 0 <= size <= _LONGEST_TABLE:
                raise ProtocolError(
                    self._wire.device, self._names["table_size"], f"{size} is no size of a table"
                )
            return tuple(self._event(number) for number in range(1, size + 1))

    def curve(self) -> OtdrCurve:
        """Read the trace."""
        command = self._names["curve"]
        with self._wire.locked():
            scales = ("curve_x_scale", "curve_x_offset", "curve_y_scale", "curve_y_offset")
            spacing_m, first_m, step_db, zero_db = (self._read(name, parse_number) for name in scales)
            block = self._ask_block(command)
        try:
            points = parse_points(block)
        except ValueError as error:
            raise ProtocolError(self._wire.device, command, str(error)) from None
        distances_m = first_m + np.arange(len(points), dtype=np.float64) * spacing_m
        return OtdrCurve(distances_m, points.astype(np.float64) * step_db + zero_db)

    def sor(self) -> bytes:
        """Read trace and events as a `.sor` file; AcquisitionBroken if it is not of what was set up."""
        command = self._names["sor_file"]
        data = self._ask_block(command)
        if self._taken is not None and self._begun_s is not None:
            try:
                other = mismatches(data, self._taken, _WHOLE_TIME)
            except ValueError as error:
                raise ProtocolError(self._wire.device, command, f"no .sor file: {error}") from None
            if other:
                problem = f"the trace is not the one that was started: {'; '.join(other)}"
                raise AcquisitionBroken(self._wire.device, command, problem)
        return data

    def _event(self, number: int) -> OtdrEvent:
        metres_to_unit = _METRES[self._names["table_unit"]]
        event = self._read("table_line", lambda line: parse_line(line, metres_to_unit), number=number)
        if event.number != number:
            command = self._names["table_line"].format(number=number)
            raise ProtocolError(self._wire.device, command, f"line {number} holds event {event.number}")
        return event

    def _set_laser(self, wavelength_nm: float) -> None:
        try:
            self._tell(self._names["set_laser"].format(wavelength_nm=wavelength_nm))
        except DeviceError as error:
            raise LimitError(self._not_fitted(wavelength_nm, error.problem)) from error

    def _not_fitted(self, wavelength_nm: float, says: str) -> str:
        return f"{self._wire.device}: wavelength {wavelength_nm:g} nm is not fitted: {says}"

    def _refuse_if_running(self, command: str) -> None:
        if self.is_running():
            raise DeviceBusy(self._wire.device, command, "it measures already; wait for its end or stop it")

    def _refuse_half(self, command: str, ran_s: float, averaging_s: float) -> None:
        if ran_s + _POLL_INTERVAL_S < _WHOLE_TIME * averaging_s:
            self._begun_s = None
            raise AcquisitionBroken(
                self._wire.device, command, f"it ended after {ran_s:.3g} s of {averaging_s:g} s"
            )

    def _comes_to(self, *, is_running: bool) -> bool:
        """Return whether it begins or ends to measure within the time that this may take."""
        until_s = self._clock.now_s() + _KEY_DEADLINE_S
        while self.is_running() != is_running:
            if self._clock.now_s() >= until_s:
                return False
            self._clock.sleep(_POLL_INTERVAL_S)
        return True

    def _press(self, command: str) -> None:
        # Noted beforehand: a press that fails may have reached the device.
        self._begins_before_s = self._clock.now_s() + _KEY_DEADLINE_S
        try:
            self._tell(command)
        finally:
            self._begins_before_s = self._clock.now_s() + _KEY_DEADLINE_S

    def _tell(self, command: str) -> None:
        with self._wire.locked():
            self._wire.write(command)
            self._raise_device_error(command)

    def _ask(self, command: str) -> str:
        try:
            return self._wire.query(command)
        except TransportTimeout:
            self._explain_silence(command)
            raise

    def _ask_block(self, command: str) -> bytes:
        try:
            return self._wire.query_block(command, _LARGEST_BLOCK_BYTES)
        except TransportTimeout:
            self._explain_silence(command)
            raise

    def _explain_silence(self, command: str) -> None:
        # The device meets a query that it does not know with silence and an entry in its queue.
        with suppress(TransportError, ProtocolError):
            self._raise_device_error(command)

    def _raise_device_error(self, command: str) -> None:
        raise_device_error(self._wire, self._names["error"], command)


def open_viavi_smartotdr(
    name: str, connection: VisaSocketConnection, clock: Clock, log: ByteLog
) -> ViaviSmartOtdr:
    """Connect to the SmartOTDR called `name`, make sure that it is one, and clear its error queue.

    Raises TransportError if nobody answers, ProtocolError if it is another device, and DeviceError or
    ProtocolError if its platform, where the connection names one, knows no OTDR application there.
    """
    wire = smartotdr_wire(name, connection, clock, log)
    otdr = ViaviSmartOtdr(wire, clock, platform_of(name, connection, clock, log))
    try:
        otdr.identity()
        otdr.clear_errors()
    except BaseException:
        wire.close()
        raise
    return otdr
