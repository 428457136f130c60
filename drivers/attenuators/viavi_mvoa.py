"""The VIAVI (JDSU) MAP-200/300 mVOA attenuator cassette, over SCPI.

Commands and how well each is known: `drivers/facts/names/viavi_map_mvoa.yaml`.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from drivers.attenuators.mvoa_queries import MvoaQueries
from drivers.errors import (
    DeviceError,
    LimitError,
    ProtocolError,
    SettingNotTaken,
    TransportError,
    TransportTimeout,
)
from drivers.roles import AttenuatorSpec
from drivers.wires.scpi_errors import raise_device_error
from drivers.wires.scpi_wire import ScpiWire

if TYPE_CHECKING:
    from collections.abc import Generator

    from drivers.clock import Clock
    from drivers.facts.connections import VisaSocketConnection
    from drivers.wires.byte_log import ByteLog

# Range, resolution, wavelengths, largest input and averaging times: ModelMAP200_mVoaC1 and K@TE
# InstrumentMAP200.py (public drivers).
# Insertion loss: ASSUMED, since no public data sheet gives it; measure yours before you rely on it.
MVOA_SPEC = AttenuatorSpec(
    min_db=0.0,
    max_db=70.0,
    resolution_db=0.001,
    readback_db=0.001,
    insertion_loss_db=1.5,
    min_wavelength_nm=1260.0,
    max_wavelength_nm=1650.0,
    max_input_dbm=23.0,
)
MIN_AVERAGING_S, MAX_AVERAGING_S = 0.002, 5.0
_AVERAGING_STEP_S = 0.001

# Accuracy: typical, by a reseller's summary of the data sheet; as in hil_tests/limits/paper-link.yaml.
_ACCURACY_DB = 0.05
# Settling time: not public; a motor that is still busy after this has stuck.
_SETTLING_DEADLINE_S = 10.0
_POLL_INTERVAL_S = 0.05
_UNDEFINED_HEADER = -113


class ViaviMvoa(MvoaQueries):
    """One attenuator of a MAP mVOA cassette; fills the roles `Attenuator` and `PowerMeter`."""

    def __init__(self, wire: ScpiWire, device_number: int, clock: Clock) -> None:
        super().__init__(wire, device_number)
        self.spec = MVOA_SPEC
        self._clock = clock

    def clear_errors(self) -> None:
        """Empty the device's error queue of what earlier users left in it."""
        self._tell(self._names["clear"])

    def uncertainty_db(self) -> float:
        """Return the accuracy of any setting in dB."""
        return _ACCURACY_DB

    def set_attenuation_db(self, attenuation_db: float) -> None:
        """Set the attenuation (0 to 70 dB, rounded to 0.001 dB) and return when it has settled.

        Raises LimitError before anything is sent, DeviceError if the device refuses, TransportTimeout
        if it does not settle.
        """
        self._check("attenuation", attenuation_db, self.spec.min_db, self.spec.max_db, "dB")
        self._set(self._command("set_attenuation", attenuation_db=attenuation_db))

    def set_shutter_open(self, is_open: bool) -> None:
        """Open or block the light path; DeviceError if the device refuses."""
        self._set(self._command("set_shutter", blocked=int(not is_open)))

    def set_wavelength_nm(self, wavelength_nm: float) -> None:
        """Set the calibration wavelength (1260 to 1650 nm); LimitError before anything is sent."""
        self._check(
            "wavelength", wavelength_nm, self.spec.min_wavelength_nm, self.spec.max_wavelength_nm, "nm"
        )
        self._set(self._command("set_wavelength", wavelength_nm=wavelength_nm))

    def set_averaging_s(self, averaging_s: float) -> None:
        """Set the averaging time of the power meter (0.002 to 5 s, in steps of 1 ms).

        LimitError before anything is sent, DeviceError if there is no power meter, SettingNotTaken if it
        reads back another time.
        """
        self._check("averaging time", averaging_s, MIN_AVERAGING_S, MAX_AVERAGING_S, "s")
        command = self._command("set_averaging", averaging_ms=averaging_s * 1000.0)
        with self._power_meter_expected():
            self._tell(command)
            taken_s = self.averaging_s()
        if abs(taken_s - averaging_s) > _AVERAGING_STEP_S / 2 + 1e-9:
            raise SettingNotTaken(self._wire.device, command, f"it reads back {taken_s:g} s")

    def power_dbm(self) -> float:
        """Read the power at the output in dBm.

        Underload or Overload outside the meter's range, DeviceError if there is no power meter.
        """
        with self._power_meter_expected():
            return super().power_dbm()

    @contextmanager
    def _power_meter_expected(self) -> Generator[None]:
        """Say what it means if the device does not know what the block asks."""
        try:
            yield
        except DeviceError as error:
            if error.code != _UNDEFINED_HEADER:
                raise
            text = f"{error.text}: this mVOA has no power meter"
            raise DeviceError(error.device, error.command, error.code, text) from None

    def _check(self, what: str, value: float, low: float, high: float, unit: str) -> None:
        if not low <= value <= high:  # also refuses NaN
            raise LimitError(
                f"{self._wire.device}: {what} {value} {unit}: the device does {low:g} to {high:g}"
            )

    def _set(self, command: str) -> None:
        self._tell(command)
        self._wait_until_settled(command)

    def _tell(self, command: str) -> None:
        with self._wire.locked():
            self._wire.write(command)
            self._raise_device_error(command)

    def _wait_until_settled(self, command: str) -> None:
        started_s = self._clock.now_s()
        while self._flag("busy"):
            elapsed_s = self._clock.now_s() - started_s
            if elapsed_s >= _SETTLING_DEADLINE_S:
                raise TransportTimeout(self._wire.device, command, "the device is still moving", elapsed_s)
            self._clock.sleep(_POLL_INTERVAL_S)

    def _ask(self, command: str) -> str:
        try:
            return self._wire.query(command)
        except TransportTimeout:
            # The device meets a query that it does not know with silence and an entry in its queue.
            with suppress(TransportError, ProtocolError):
                self._raise_device_error(command)
            raise

    def _raise_device_error(self, command: str) -> None:
        raise_device_error(self._wire, self._names["error"], command)


def open_viavi_mvoa(name: str, connection: VisaSocketConnection, clock: Clock, log: ByteLog) -> ViaviMvoa:
    """Connect to the mVOA called `name`, make sure that it is one, and clear its error queue.

    Raises TransportError if nobody answers and ProtocolError if it is another device.
    """
    wire = ScpiWire(name, connection.resource, clock, connection.deadline_s, log)
    attenuator = ViaviMvoa(wire, connection.device, clock)
    try:
        attenuator.identity()
        attenuator.clear_errors()
    except BaseException:
        wire.close()
        raise
    return attenuator
