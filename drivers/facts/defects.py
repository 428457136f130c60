"""What may be wrong with emulated gear; a right bench has none of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drivers.facts.strict import Decibels, Fraction, Strict, WavelengthNm


class MvoaDefects(Strict):
    """What is wrong with an emulated attenuator; a right bench has none of these."""

    scale: float = 1.0
    """Attenuation in the light per dB set."""
    stuck: bool = False
    """The setting reads back and the light does not change."""
    breaks_at_db: Decibels | None = None
    """Settings from here on are refused with an execution error."""
    wavelength_stuck_nm: WavelengthNm | None = None
    """The calibration wavelength that it keeps whatever is set."""
    repeatability_db: Decibels | None = None
    """Standard deviation of the attenuation at one setting from visit to visit, for a worn motor."""
    shutter_stuck: bool = False
    """The shutter blocks, and says so, whatever is set."""
    has_no_power_meter: bool = False
    """It is of the kind without one, whatever the inventory says."""


class OzDd100Defects(Strict):
    """What is wrong with an emulated motor-driven attenuator; a right bench has none of these."""

    scale: float = 1.0
    """Attenuation in the light per dB set."""
    stuck: bool = False
    """Position and attenuation read back and the light does not change."""
    breaks_at_db: Decibels | None = None
    """Settings from here on (beyond the insertion loss) are refused: the motor's voltage is too high."""
    home_sensor_fails: bool = False
    """Homing ends with an error, so that the attenuator never knows where it stands."""
    calibrated_at_nm: WavelengthNm | None = None
    """The wavelength at which it was really calibrated."""


class CerberisXgrDefects(Strict):
    """What is wrong with an emulated appliance or with what it reports; a right bench has none of these."""

    is_other_end: bool = False
    """The appliance at this address is the other end of the pair."""
    visibility: Fraction | None = None
    dark_count_factor: Annotated[float, Field(gt=0)] = 1.0
    rate_unit: Literal["bps", "kbps"] = "bps"
    error_unit: Literal["fraction", "percent"] = "fraction"
    repeats_record: bool = False
    """The same content for ever, under rising numbers."""
    zeros_every: Annotated[int, Field(ge=2)] | None = None
    """Every so many records a poll of the detector times out inside and zeros are reported."""
    late_s: Annotated[float, Field(ge=0)] = 0.0
    """A record comes out, and says it was taken, this much later than the window it covers."""


class FixedAttenuatorsDefects(Strict):
    """What is wrong with an emulated set of fixed attenuators; a right bench has none of these."""

    scale: float = 1.0
    """Loss in the light per dB of each one's value."""
    stuck: bool = False
    """The operator says that it is done, and the light does not change."""


class OtdrDefects(Strict):
    """What is wrong with an emulated OTDR; a right bench has none of these."""

    stops_at: Fraction | None = None
    """Share of the averaging time at which every measurement ends by itself."""
    is_busy: bool = False
    """Somebody at its keys has it measuring, on and on."""
    longest_pulse_ns: Annotated[float, Field(gt=0)] | None = None
    """Longer pulses are clamped to this."""
    missing_nm: tuple[WavelengthNm, ...] = ()
    """Wavelengths that are not fitted, whatever the inventory says."""
    no_light: bool = False
    """The laser is dead: it measures nothing but its own noise."""
