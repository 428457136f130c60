"""The gear of a station: a role, filled by a driver, reached by a connection."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from drivers.facts.connections import (
    SerialConnection,
    SmartOtdrConnection,
    VisaSocketConnection,
    WebApiConnection,
)
from drivers.facts.defects import (
    CerberisXgrDefects,
    FixedAttenuatorsDefects,
    MvoaDefects,
    OtdrDefects,
    OzDd100Defects,
)
from drivers.facts.fibre_path import FibreName, Positive
from drivers.facts.strict import Decibels, GearName, Strict, WavelengthNm


class InsertionLoss(Strict):
    """Loss of a device in line at its zero setting, as it was measured."""

    loss_db: Decibels
    source: str
    """Who measured it, when and with what."""


class InLineGear(Strict):
    """What all gear has that stands in line with the fibre."""

    insertion_loss: InsertionLoss | None = None
    """What was measured of this very device; what the device's specification says where absent."""


class CalibrationSource(Strict):
    """A stabilised light source, for an attenuator's input, whose power was measured by a power meter."""

    power_dbm: Annotated[float, Field(ge=-60, le=60)]
    """At the end of the cord that goes into the attenuator."""
    wavelength_nm: WavelengthNm
    uncertainty_db: Decibels
    """How far from it the true power may be."""
    source: Annotated[str, StringConstraints(min_length=1)]
    """Which source it is, and who measured it, when and with what."""


class MapMvoaGear(InLineGear):
    """A VIAVI MAP mVOA cassette over SCPI."""

    role: Literal["attenuator"]
    driver: Literal["viavi_map_mvoa"]
    site: str
    has_power_meter: bool = False
    """Whether it is of the kind that measures the light at its output."""
    calibration_source: CalibrationSource | None = None
    """What it is calibrated with; None if it is not."""
    lab: VisaSocketConnection | None = None
    defects: MvoaDefects = MvoaDefects()

    @model_validator(mode="after")
    def _source_needs_a_meter(self) -> Self:
        if self.calibration_source is not None and not self.has_power_meter:
            raise ValueError("calibration_source: of no use without has_power_meter: true")
        return self


class OzDd100Gear(InLineGear):
    """An OZ Optics DD-100-MC motor-driven attenuator over RS-232."""

    role: Literal["attenuator"]
    driver: Literal["oz_dd100mc"]
    site: str
    calibration_nm: WavelengthNm
    """Wavelength at which the maker calibrated it (its certificate); the device does not tell."""
    lab: SerialConnection | None = None
    defects: OzDd100Defects = OzDd100Defects()


class MeasuredLoss(Strict):
    """Loss of one fixed attenuator, as it was measured."""

    loss_db: Decibels
    uncertainty_db: Decibels
    """How far from it the true loss may be."""
    source: str
    """Who measured it, when and with what."""


class FixedAttenuator(Strict):
    """One attenuator of a fixed value, connectors included."""

    nominal_db: Annotated[float, Field(gt=0, le=60)]
    """What is written on it; the value by which it is picked."""
    tolerance_db: Decibels
    """How far from that its maker allows it to be."""
    measured: MeasuredLoss | None = None

    def loss_db(self) -> float:
        """Return what is known of its loss in dB: the measured one goes before the nominal one."""
        return self.nominal_db if self.measured is None else self.measured.loss_db

    def uncertainty_db(self) -> float:
        """Return how far the true loss may be from `loss_db`, in dB."""
        return self.tolerance_db if self.measured is None else self.measured.uncertainty_db


class FixedAttenuatorsGear(Strict):
    """A set of fixed attenuators that an operator puts in line with the fibre, one or more at a time."""

    role: Literal["attenuator"]
    driver: Literal["fixed_attenuators"]
    site: str
    maker: str = "not told"
    calibration_nm: WavelengthNm
    """Wavelength at which the values hold."""
    pieces: Annotated[dict[GearName, FixedAttenuator], Field(min_length=1, max_length=10)]
    """Each one by the name that the operator reads on it."""
    lab: None = None
    """There is no wire to it."""
    defects: FixedAttenuatorsDefects = FixedAttenuatorsDefects()


class CerberisXgrGear(Strict):
    """One end of an ID Quantique Cerberis XGR pair, by its management Web API."""

    role: Literal["qkd_appliance"]
    driver: Literal["cerberis_xgr"]
    end: Literal["alice", "bob"]
    site: str
    lab: WebApiConnection | None = None
    defects: CerberisXgrDefects = CerberisXgrDefects()


class LeadFibre(Strict):
    """A length of fibre that is put between an OTDR and the link, or at the link's far end."""

    fibre: FibreName
    length_m: Positive


class ViaviOtdrGear(Strict):
    """A VIAVI SmartOTDR over its TCP port for fibre-optic applications (8002)."""

    role: Literal["otdr"]
    driver: Literal["viavi_smartotdr"]
    site: str
    wavelengths_nm: Annotated[tuple[WavelengthNm, ...], Field(min_length=1)]
    """Of the lasers that are fitted, by its label."""
    launch: LeadFibre | None = None
    """What lies between it and the patch panel, so that the link's first connector is measured."""
    tail: LeadFibre | None = None
    """What is put on at the far end when it measures, so that the link's last connector is measured."""
    lab: SmartOtdrConnection | None = None
    defects: OtdrDefects = OtdrDefects()

    @model_validator(mode="after")
    def _a_laser_is_left(self) -> Self:
        if set(self.wavelengths_nm) <= set(self.defects.missing_nm):
            raise ValueError("defects.missing_nm: no laser is left")
        return self


AnyGear = Annotated[
    MapMvoaGear | OzDd100Gear | FixedAttenuatorsGear | CerberisXgrGear | ViaviOtdrGear,
    Field(discriminator="driver"),
]
