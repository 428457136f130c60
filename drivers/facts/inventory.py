"""The inventory: stations and plans, as one YAML file that is checked whole.

Models only; `drivers.facts.checked_yaml` reads a file and reports every mistake in it at once.
Unknown keys are refused everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from drivers.facts.fibre_path import AnyPart, Positive, path_length_m, path_loss_db
from drivers.facts.gear import AnyGear, CerberisXgrGear, FixedAttenuatorsGear, ViaviOtdrGear
from drivers.facts.strict import Decibels, GearName, Strict, WavelengthNm

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


SAME_LASER_NM = 1.0
"""Two wavelengths nearer than this (nm) are one laser of an OTDR."""


class FibrePlan(Strict):
    """Traces of the fibre by the OTDR of each site that has one: at each wavelength, from each such end."""

    wavelengths_nm: Annotated[list[WavelengthNm], Field(min_length=1)]
    range_km: Positive
    pulse_ns: Positive
    averaging_s: Positive
    group_index: Annotated[float, Field(ge=1.3, le=1.7)] | None = None
    """At every wavelength; the usual fibre's at each of them when absent."""

    @model_validator(mode="after")
    def _each_laser_is_named_once(self) -> Self:
        """Refuse a laser named twice: its traces from one end would pass for those from both."""
        for one_nm, next_nm in pairwise(sorted(self.wavelengths_nm)):
            if next_nm - one_nm < SAME_LASER_NM:
                raise ValueError(
                    f"wavelengths_nm: {one_nm:g} and {next_nm:g} nm are one laser:"
                    f" expected wavelengths at least {SAME_LASER_NM:g} nm apart"
                )
        return self


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
