"""What a station needs of its gear: one small Protocol per role, and the values they exchange.

A driver fills a role by having its methods; sweeps and HIL tests know roles and never drivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from drivers.facts.lab import Fault, JournalEntry, Patch, PatchEnd, PatchPort
    from drivers.facts.plant_events import FibreFault, PlantEvent
    from drivers.facts.telemetry import RecordGap, TelemetryRecord

Role = Literal["qkd_appliance", "attenuator", "otdr"]
"""The roles that gear of the inventory fills."""
LINK_ROLES: tuple[Role, ...] = ("qkd_appliance", "attenuator")
"""What a QKD link is made of; an OTDR is brought to it for a measurement and taken away again."""

RUNNING = "Running"
"""State of an appliance that makes key (public name of the maker's, cqptoolkit `SystemState`)."""
POWER_OFF = "PowerOff"
"""State of an appliance that waits to be started (likewise)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is."""

    vendor: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class AttenuatorSpec:
    """Limits of an attenuator as its maker states them, in dB and nm."""

    min_db: float
    max_db: float
    resolution_db: float
    """Of what can be asked for."""
    readback_db: float
    """How far a reading may be from what was set, when the device stands where it should."""
    insertion_loss_db: float
    min_wavelength_nm: float
    max_wavelength_nm: float
    has_shutter: bool = True
    """Whether it can block the light altogether."""
    values_db: tuple[float, ...] | None = None
    """The only attenuations that it makes, rising; None for all between the limits."""
    max_input_dbm: float | None = None
    """The most light that it bears; None where that is not known."""


@dataclass(frozen=True, slots=True)
class ApplianceStatus:
    """What one QKD appliance says of itself, and its clock beside ours."""

    identity: Identity
    end: str
    """Which end of the link it is: "alice" (transmitter) or "bob" (receiver)."""
    protocol: str
    wavelength_nm: float
    state: str
    """System state in the maker's words, e.g. `Running`."""
    clock_offset_s: float
    """Appliance clock less station clock, in s."""


@dataclass(frozen=True, slots=True)
class TelemetryBatch:
    """New telemetry of an appliance, oldest first; `gaps` are numbers that can no longer be had."""

    records: Sequence[TelemetryRecord]
    gaps: Sequence[RecordGap]


@dataclass(frozen=True, slots=True)
class OperatorTask:
    """One thing to be done by hand, for a person to read."""

    do: str
    """What to do, in one sentence."""
    why: str
    patch: Patch | PatchEnd | PatchPort | None = None
    """The same act for a machine that stands in for the person; None where only a person can do it."""


@dataclass(frozen=True, slots=True)
class OperatorAnswer:
    """What the operator said when it was done, and who that was."""

    text: str
    """"done", or a remark."""
    answered_by: str


@dataclass(frozen=True, slots=True)
class OtdrSettings:
    """One acquisition of an OTDR, as it is asked for or as the device took it."""

    wavelength_nm: float
    range_km: float
    pulse_ns: float
    averaging_s: float
    resolution_m: float | None = None
    """Distance from point to point; None leaves it to the device."""
    group_index: float = 1.468
    """Of the fibre, 1.3 to 1.7."""
    backscatter_db: float = -81.0
    """K: backscatter of a pulse of 1 ns, relative to the pulse, -90 to -40."""


@dataclass(frozen=True, slots=True)
class MarkedDb:
    """A loss (dB), reflectance (dB) or slope (dB/km) of an event table, with the marks that it came with."""

    value: float
    is_approximate: bool = False
    bound: Literal["at_least", "at_most"] | None = None
    """A peak that saturates the receiver reflects at least so much."""


@dataclass(frozen=True, slots=True)
class OtdrEvent:
    """One row of an OTDR's event table; what the device left empty is None."""

    number: int
    kind: str
    """In the device's own words; may be empty."""
    distance_m: float
    """From the front panel."""
    loss_db: MarkedDb | None = None
    reflectance_db: MarkedDb | None = None
    slope_db_per_km: MarkedDb | None = None
    """Of the fibre that leads to the event."""
    section_m: float | None = None
    """From the event before."""
    total_loss_db: MarkedDb | None = None
    """From the front panel to the event, whose own loss is not in it."""
    is_end: bool = False
    """Whether the device takes it for the end of fibre."""
    is_ghost: bool = False
    """Whether the device takes it for an echo of others."""


@dataclass(frozen=True, slots=True, eq=False)
class OtdrCurve:
    """A trace: levels in dB one way over distances in m from the front panel, both of shape (points,)."""

    distances_m: NDArray[np.float64]
    levels_db: NDArray[np.float64]


@runtime_checkable
class Attenuator(Protocol):
    """A variable optical attenuator in line with the quantum channel."""

    @property
    def spec(self) -> AttenuatorSpec:
        """The device limits."""
        ...

    def identity(self) -> Identity:
        """Ask the device who it is."""
        ...

    def attenuation_db(self) -> float:
        """Read the attenuation setting in dB (without insertion loss); NotHomed if the device lost count."""
        ...

    def uncertainty_db(self) -> float:
        """Return how far the light's attenuation may be from what is read now, in dB: a bound, no s.d.

        NotHomed as for `attenuation_db`.
        """
        ...

    def set_attenuation_db(self, attenuation_db: float) -> None:
        """Set the attenuation in dB and return when it has settled; LimitError for what the device cannot."""
        ...

    def shutter_open(self) -> bool:
        """Read whether light passes; always, where there is no shutter."""
        ...

    def set_shutter_open(self, is_open: bool) -> None:
        """Open or block the light path; LimitError to block it where there is no shutter."""
        ...

    def wavelength_nm(self) -> float:
        """Read the wavelength in nm for which the attenuation is calibrated."""
        ...

    def set_wavelength_nm(self, wavelength_nm: float) -> None:
        """Set the calibration wavelength in nm; LimitError outside the device limits."""
        ...

    def close(self) -> None:
        """Close the connection; the device keeps its settings."""
        ...


@runtime_checkable
class PowerMeter(Protocol):
    """A meter of the light behind an attenuator, as some attenuators have one at their output."""

    def set_averaging_s(self, averaging_s: float) -> None:
        """Set the averaging time in s.

        LimitError for what no such meter does, DeviceError if the device has no meter, SettingNotTaken if it
        took another time.
        """
        ...

    def power_dbm(self) -> float:
        """Read the power in dBm.

        Underload or Overload outside the meter's range, DeviceError if the device has no meter.
        """
        ...


@runtime_checkable
class QkdAppliance(Protocol):
    """One end of a QKD pair, by its management interface."""

    def status(self) -> ApplianceStatus:
        """Ask for identity, end, state and clock."""
        ...

    def start(self) -> None:
        """Start key making."""
        ...

    def stop(self) -> None:
        """Stop key making."""
        ...

    def skip_telemetry(self) -> None:
        """Take all records made so far as read, so that the next reading starts with the next record."""
        ...

    def continue_telemetry(self, newest: TelemetryRecord) -> None:
        """Take all records up to `newest`, read in an earlier session, as read."""
        ...

    def read_telemetry(self) -> TelemetryBatch:
        """Read the records made since the last reading: duplicates dropped, lost numbers as gaps."""
        ...

    def close(self) -> None:
        """Close the connection; the appliance goes on."""
        ...


@runtime_checkable
class Otdr(Protocol):
    """An optical time domain reflectometer at one site."""

    def identity(self) -> Identity:
        """Ask the device who it is."""
        ...

    def wavelengths_nm(self) -> tuple[float, ...]:
        """Read the wavelengths in nm of the lasers that are fitted."""
        ...

    def set_up(self, settings: OtdrSettings, *, may_clamp: bool = False) -> OtdrSettings:
        """Set the device up, read back what it took, and return that.

        LimitError for what no such device does, before anything is sent, and for a wavelength that is not
        fitted; SettingNotTaken where the device took something else, unless it `may_clamp`; DeviceBusy
        while it measures.
        """
        ...

    def start(self) -> None:
        """Begin to measure, with light, as it was set up, and return when it does.

        DeviceBusy if it measures already or was set up by somebody else since; AcquisitionBroken if it
        does not begin.
        """
        ...

    def is_running(self) -> bool:
        """Read whether it measures."""
        ...

    def laser_on(self) -> bool:
        """Read whether it sends light."""
        ...

    def wait(self, deadline_s: float) -> None:
        """Return when it does not measure any more.

        TransportTimeout after `deadline_s` of lab time; AcquisitionBroken if it ended before its time.
        """
        ...

    def stop(self) -> None:
        """End the measurement and the light; nothing if there is none."""
        ...

    def events(self) -> tuple[OtdrEvent, ...]:
        """Read the table of events that the device found in its trace."""
        ...

    def curve(self) -> OtdrCurve:
        """Read the trace."""
        ...

    def sor(self) -> bytes:
        """Read trace and events as a `.sor` file; AcquisitionBroken if it is not of what was set up."""
        ...

    def close(self) -> None:
        """Close the connection; the device goes on."""
        ...


@runtime_checkable
class FaultInjector(Protocol):
    """Whoever can break things on purpose: an emulated lab's control, or an operator's hands."""

    def inject(self, fault: Fault) -> None:
        """Add one fault to the schedule."""
        ...

    def clear(self) -> None:
        """Remove every fault that is still scheduled."""
        ...

    def journal(self) -> Sequence[JournalEntry]:
        """Return what was done so far, oldest first."""
        ...


class PlantEvents(Protocol):
    """Whoever can harm the fibre on purpose and mend it: an emulated lab's plant."""

    def happen(self, event: PlantEvent) -> None:
        """Let `event` happen to the fibre now."""
        ...

    def mend(self, fault: FibreFault | None = None) -> None:
        """Put one fault right, or all of them."""
        ...


class Operator(Protocol):
    """Whoever does by hand what no wire can: a person at a terminal, or an emulated lab's patch panel."""

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        """Have `task` done and return the answer; OperatorAbort if it was not, StationError if nobody can."""
        ...
