"""The inventory: stations, sites, gear and plans, as one YAML file that is checked whole.

Models only; `drivers.facts.checked_yaml` reads a file and reports every mistake in it at once.
Unknown keys are refused everywhere. Secrets are never written here: a `SecretReference` names the
environment variable or the file that holds one.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from drivers.facts.fibre_path import AnyPart, FibreName, Positive, path_length_m, path_loss_db

VISA_SOCKET_PATTERN = r"^TCPIP\d*::[^:]+::\d+::SOCKET$"

Decibels = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _with_a_port_that_exists(url: str) -> str:
    try:
        urlsplit(url).port  # noqa: B018 - it raises for a port beyond 65535
    except ValueError as error:
        raise ValueError(f"expected a port up to 65535: {error}") from None
    return url


# An hour: longer than any answer of a living device, short enough for every library's time-out.
DeadlineSeconds = Annotated[float, Field(gt=0, le=3600)]
GearName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
HttpsUrl = Annotated[
    str,
    Field(pattern=r"^https://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:\d{1,5})?$"),
    AfterValidator(_with_a_port_that_exists),
]
WavelengthNm = Annotated[float, Field(ge=1200, le=1700)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Base of every model here: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretReference(Strict):
    """Where a secret is kept: the name of an environment variable, or a file holding only the secret."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of 'env' and 'file'")
        return self

    def read(self) -> str:
        """Return the secret; LookupError with the reference's name, never its value, if it is not there."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None:
                raise LookupError(f"environment variable {self.env} is not set")
            return value
        assert self.file is not None  # noqa: S101 - the validator allows no other case
        try:
            return self.file.read_text().strip()
        except OSError as error:
            raise LookupError(f"secret file {self.file}: {error.strerror}") from None


# --- connections: how a device is reached; the same models in the inventory and in lab.json


class Connection(Strict):
    """Base of all ways to reach a device."""

    live: bool = False
    """Whether others depend on the device: what darkens the link, restarts it or uses up keys then needs an
    explicit permission."""


class VisaSocketConnection(Connection):
    """A SCPI device on a raw TCP socket."""

    def relative_to(self, folder: Path) -> Self:  # noqa: ARG002 - the connections' common method
        """Return this connection: it names no file."""
        return self

    @property
    def address(self) -> str:
        """What no two devices share."""
        return f"{self.resource} {self.device}"

    resource: Annotated[str, Field(pattern=VISA_SOCKET_PATTERN)]
    """VISA resource, `TCPIP::host::port::SOCKET`."""
    device: Annotated[int, Field(ge=1)] = 1
    """Device number within a cassette or mainframe."""
    deadline_s: DeadlineSeconds = 5.0


class WebApiConnection(Connection):
    """A management Web API over HTTPS; the server's certificate is always verified."""

    @property
    def address(self) -> str:
        """What no two devices share."""
        return self.url

    url: HttpsUrl
    """Scheme, host and port, without a path."""
    ca_file: Path | None = None
    """Certificate authority to trust, PEM; the public ones when absent."""
    user: str
    password: SecretReference
    deadline_s: DeadlineSeconds = 10.0

    def relative_to(self, folder: Path) -> Self:
        """Return this connection with the files that it names found from `folder`, the inventory's."""
        ca_file = None if self.ca_file is None else folder / self.ca_file
        password = self.password
        if password.file is not None:
            password = SecretReference(file=folder / password.file)
        return self.model_copy(update={"ca_file": ca_file, "password": password})


class SerialConnection(Connection):
    """A device on a serial port, 8 data bits, no parity, 1 stop bit."""

    def relative_to(self, folder: Path) -> Self:  # noqa: ARG002 - the connections' common method
        """Return this connection: a port's path does not depend on the inventory's place."""
        return self

    @property
    def address(self) -> str:
        """What no two devices share."""
        return self.port

    port: Annotated[str, Field(pattern=r"^/[^\x00]+$")]
    """Path of the port; for a USB adapter the one in /dev/serial/by-id/, which stays the same."""
    baud_rate: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    deadline_s: DeadlineSeconds = 10.0


AnyConnection = VisaSocketConnection | WebApiConnection | SerialConnection


# --- gear: a role, filled by a driver, reached by a connection for each target


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
    lab: VisaSocketConnection | None = None
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


# --- stations


class Site(Strict):
    """A place where gear stands."""

    name: str


# How far a path may be from what was measured: the index of a cabled fibre and the readings of an OTDR and of
# a power meter differ by about as much.
_LENGTH_TOLERANCE = 0.01
_LOSS_TOLERANCE_DB = 0.1


class Fibre(Strict):
    """The fibre between the sites, with what was measured of it."""

    length_km: Annotated[float, Field(gt=0)]
    loss_db: Decibels
    wavelength_nm: WavelengthNm
    source: str
    path: tuple[AnyPart, ...] | None = None
    """What it is made of, where that is known, from the site of the transmitter (alice) to that of the
    receiver (bob). Length and loss agree with the figures above within 1 % and 0.1 dB."""

    @model_validator(mode="after")
    def _path_agrees(self) -> Self:
        if self.path is None:
            return self
        length_km = path_length_m(self.path) / 1000.0
        loss_db = path_loss_db(self.path, self.wavelength_nm)
        wrong: list[str] = []
        if abs(length_km - self.length_km) > _LENGTH_TOLERANCE * self.length_km:
            wrong.append(f"path has {length_km:.3f} km of fibre, length_km says {self.length_km:g} km")
        if abs(loss_db - self.loss_db) > _LOSS_TOLERANCE_DB:
            where = f"at {self.wavelength_nm:g} nm"
            wrong.append(f"path loses {loss_db:.2f} dB {where}, loss_db says {self.loss_db:g} dB")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class StationLimits(Strict):
    """Limits of this station; they only ever tighten a device's own."""

    added_db_max: Decibels


class SafeState(Strict):
    """How the gear is left on every way out."""

    attenuator: Literal["reference", "maximum", "as_left"] = "reference"
    """`reference`: open, at the reference of 0 dB; `maximum`: open, at the station's largest attenuation;
    `as_left`: whatever is in line stays there, since only an operator can move it (fixed attenuators)."""


class Reference(Strict):
    """What 0 dB of added attenuation means here."""

    kind: Literal["referenced_out", "attenuator_removed"]
    """`referenced_out`: the fibre's loss was measured with the attenuator in line and at 0 dB, so its
    insertion loss belongs to the fibre and what is set is what is added. `attenuator_removed`: it was
    measured without the attenuator; 0 dB has it taken out by the operator, and in line it adds its insertion
    loss and what is set."""


class Emulation(Strict):
    """What the emulated lab puts in the place of this station's gear and fibre."""

    profile: str
    fidelity: Literal["statistical"] = "statistical"
    has_ideal_attenuator: bool = False
    """Whether an mVOA attenuates by what it is set to and nothing else; else it has errors of its own."""
    extra_loss_db: Decibels = 0.0
    """Loss that the fibre has and the inventory does not know of (a wrong bench)."""


class Station(Strict):
    """Two sites, the fibre between them, and the gear at its ends."""

    title: str
    sites: dict[str, Site]
    fibre: Fibre
    reference: Reference
    limits: StationLimits
    safe_state: SafeState = SafeState()
    acceptance_limits: Path
    """Limits file that decides the verdict, relative to the inventory."""
    gear: dict[GearName, AnyGear]
    emulation: Emulation

    @model_validator(mode="after")
    def _sites_exist(self) -> Self:
        for name, gear in self.gear.items():
            if gear.site not in self.sites:
                raise ValueError(f"gear.{name}.site: no site {gear.site!r}; known: {', '.join(self.sites)}")
        return self

    @model_validator(mode="after")
    def _roles_are_filled_once(self) -> Self:
        fillers = [
            gear.end if isinstance(gear, CerberisXgrGear) else gear.role for gear in self.gear.values()
        ]
        wrong = [role for role in ("alice", "bob", "attenuator") if fillers.count(role) != 1]
        if wrong:
            raise ValueError(f"gear: expected exactly one of each: {', '.join(wrong)}")
        return self

    @model_validator(mode="after")
    def _what_only_hands_move_is_told(self) -> Self:
        sets = {name: gear for name, gear in self.gear.items() if isinstance(gear, FixedAttenuatorsGear)}
        is_as_left = self.safe_state.attenuator == "as_left"
        if bool(sets) != is_as_left:
            expected = "as_left: only an operator moves the attenuators" if sets else "a state a wire can set"
            raise ValueError(f"safe_state.attenuator: expected {expected}")
        if sets and self.reference.kind != "attenuator_removed":
            raise ValueError(
                "reference.kind: fixed attenuators need attenuator_removed: 0 dB has none in line"
            )
        twice = [piece for gear in sets.values() for piece in gear.pieces if piece in self.gear]
        if twice:
            raise ValueError(f"gear: one name for a device and a fixed attenuator: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _otdrs_have_a_site_each(self) -> Self:
        sites = [gear.site for gear in self.gear.values() if isinstance(gear, ViaviOtdrGear)]
        crowded = sorted({site for site in sites if sites.count(site) > 1})
        if crowded:
            raise ValueError(f"gear: expected at most one OTDR at a site; more at: {', '.join(crowded)}")
        ends = {self.site_of_end("alice"), self.site_of_end("bob")}
        if sites and (len(ends) == 1 or not ends.issuperset(sites)):
            raise ValueError(
                "gear: an OTDR stands at one end of the fibre, and each end has a site of its own"
            )
        return self

    def site_of_end(self, end: Literal["alice", "bob"]) -> str:
        """Return the site at which an end of the QKD pair stands, and with it that end of the fibre."""
        return self.gear[self.appliance_at(end)].site

    def appliance_at(self, end: Literal["alice", "bob"]) -> str:
        """Return the gear name of one end of the QKD pair."""
        ends = [
            name for name, gear in self.gear.items() if isinstance(gear, CerberisXgrGear) and gear.end == end
        ]
        return ends[0]


# --- plans


class AttenuationPlan(Strict):
    """The attenuation sweep: points in the order in which they are visited."""

    added_db: Annotated[list[Decibels], Field(min_length=1)]
    records_per_point: Annotated[int, Field(ge=1)]
    settle_s: Annotated[float, Field(ge=0, le=86_400)]
    """Lab time to wait at each point after the attenuator has settled."""


class StabilityPlan(Strict):
    """The stability run: one slot each `record_period_s` on an absolute schedule."""

    records: Annotated[int, Field(ge=1)]


class FibrePlan(Strict):
    """Traces of the fibre by the OTDR of each site that has one: at each wavelength, from each such end."""

    wavelengths_nm: Annotated[list[WavelengthNm], Field(min_length=1)]
    range_km: Positive
    pulse_ns: Positive
    averaging_s: Positive
    group_index: Annotated[float, Field(ge=1.3, le=1.7)] = 1.468


class CalibrationPlan(Strict):
    """An attenuator against a power meter: settings in the order in which they are visited, in each round.

    A round is gone through forwards and then backwards, so that play of the motor is seen.
    """

    settings_db: Annotated[list[Decibels], Field(min_length=2)]
    rounds: Annotated[int, Field(ge=2)]
    """How often all of it is done: repeatability needs two."""
    settle_s: Annotated[float, Field(ge=0, le=86_400)]


class Plan(Strict):
    """A named set of procedures with their sizes."""

    title: str
    virtual_t0: Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 2, tzinfo=UTC))]
    """Where a virtual clock starts."""
    record_period_s: Annotated[float, Field(ge=1, le=86_400)]
    """How often the appliance makes a telemetry record (each covers 1 s)."""
    attenuation: AttenuationPlan
    stability: StabilityPlan
    fibre: FibrePlan | None = None
    """None for a station whose fibre is not measured."""
    calibration: CalibrationPlan | None = None
    """None for an attenuator without a power meter behind it."""


class Inventory(Strict):
    """The whole file."""

    version: Literal[1]
    stations: Annotated[dict[str, Station], Field(min_length=1)]
    plans: Annotated[dict[str, Plan], Field(min_length=1)]

    def station_called(self, name: str | None) -> str:
        """Return `name`, or the only station's if None; LookupError with the names that there are."""
        known = ", ".join(self.stations)
        if name is None and len(self.stations) > 1:
            raise LookupError(f"several stations; name one of: {known}")
        chosen = next(iter(self.stations)) if name is None else name
        if chosen not in self.stations:
            raise LookupError(f"no station {chosen!r}; there are: {known}")
        return chosen

    def plan_called(self, name: str) -> Plan:
        """Return the plan called `name`; LookupError with the names that there are."""
        if name not in self.plans:
            raise LookupError(f"no plan {name!r}; there are: {', '.join(self.plans)}")
        return self.plans[name]
