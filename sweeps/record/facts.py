"""What a run record says of its run, read leniently: an old or broken run still has to be shown.

Everything is optional here. What is missing is shown as "not recorded" and, where a check needs it,
makes that check incomplete.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import RecordError
from sweeps.record.host_process import HostProcess
from sweeps.record.run_record import LOG_NAME

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from sweeps.record.run_record import RunRecord

ProcedureName = Literal["fibre", "calibration", "attenuation", "stability"]


class Recorded(BaseModel):
    """Base of all facts: frozen, and keys that are not known here are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class InstrumentFacts(Recorded):
    """A device as it named itself."""

    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None


class ApplianceFacts(InstrumentFacts):
    """One end of the QKD pair as it named itself at the start, beside what the inventory expects."""

    end: str | None = None
    expected_end: str | None = None
    protocol: str | None = None
    wavelength_nm: float | None = None
    state: str | None = None
    clock_offset_s: float | None = None


class FibreFacts(Recorded):
    """The fibre as the inventory gives it."""

    length_km: float | None = None
    loss_db: float | None = None
    wavelength_nm: float | None = None
    source: str | None = None


class AttenuationPlanFacts(Recorded):
    """Size of the planned sweep."""

    added_db: list[float] = Field(default_factory=list[float])
    records_per_point: int | None = None
    settle_s: float = 0.0


class StabilityPlanFacts(Recorded):
    """Size of the planned stability run."""

    records: int | None = None


class FibrePlanFacts(Recorded):
    """How the fibre is measured."""

    wavelengths_nm: list[float] = Field(default_factory=list[float])


class CalibrationPlanFacts(Recorded):
    """How an attenuator is calibrated."""

    settings_db: list[float] = Field(default_factory=list[float])
    rounds: int | None = None


class CalibrationFacts(Recorded):
    """What an attenuator was calibrated with, as the inventory gives it, and what it says of itself."""

    gear: str | None = None
    source_power_dbm: float | None = None
    source_uncertainty_db: float | None = None
    source_wavelength_nm: float | None = None
    source: str | None = None
    attenuator_uncertainty_db: float | None = None
    """How far the light's attenuation may be from its setting, by its maker."""


class PlanFacts(Recorded):
    """The plan that was frozen into the run."""

    title: str | None = None
    record_period_s: float | None = None
    attenuation: AttenuationPlanFacts = AttenuationPlanFacts()
    stability: StabilityPlanFacts = StabilityPlanFacts()
    fibre: FibrePlanFacts | None = None
    calibration: CalibrationPlanFacts | None = None


class ProvenanceFacts(Recorded):
    """Where the run comes from."""

    git_commit: str | None = None
    git_dirty: bool | None = None
    python: str | None = None
    platform: str | None = None
    versions: dict[str, str] = Field(default_factory=dict[str, str])
    host: str | None = None
    inventory_sha256: str | None = None
    limits_sha256: str | None = None


class RunFacts(Recorded):
    """All that a run record says of itself."""

    procedure: ProcedureName | None = None
    plan_name: str | None = None
    plan: PlanFacts = PlanFacts()
    plan_sha256: str | None = None
    station: str | None = None
    station_title: str | None = None
    target: str | None = None
    clock: str | None = None
    seed: int | None = None
    fidelity: str | None = None
    profile: str | None = None
    started_utc_s: float | None = None
    finished_utc_s: float | None = None
    records_planned: int | None = None
    """How many records the procedure takes by its plan."""
    ended: str | None = None
    """Why it was broken off."""
    follows: str | None = None
    """The run of which this one is a new leg."""
    runner: HostProcess | None = None
    appliances: dict[str, ApplianceFacts] = Field(default_factory=dict[str, ApplianceFacts])
    attenuator: InstrumentFacts | None = None
    otdrs: dict[str, InstrumentFacts] = Field(default_factory=dict[str, InstrumentFacts])
    fibre: FibreFacts = FibreFacts()
    calibration: CalibrationFacts = CalibrationFacts()
    provenance: ProvenanceFacts = ProvenanceFacts()

    @property
    def counted(self) -> str:
        """What its records are, in a word for people."""
        return {"fibre": "acquisitions", "calibration": "readings"}.get(self.procedure or "", "records")

    @property
    def is_finished(self) -> bool:
        """Whether the procedure reached its own end."""
        return self.finished_utc_s is not None

    @property
    def is_virtual(self) -> bool:
        """Whether time was kept by an emulated lab's virtual clock."""
        return self.clock == "virtual"

    def records_planned_at(self, point_db: float | None) -> int | None:
        """Return how many records the plan wants at one point of the sweep (None: in the whole run)."""
        if self.procedure == "stability":
            return self.plan.stability.records
        if self.procedure != "attenuation":
            return self.records_planned
        per_point = self.plan.attenuation.records_per_point
        points = self.plan.attenuation.added_db
        if per_point is None or not points:
            return None
        visits = len(points) if point_db is None else sum(is_same_point(point_db, db) for db in points)
        return per_point * visits


def is_same_point(one_db: float, other_db: float) -> bool:
    """Tell whether two figures for attenuation added name the same point of a sweep."""
    return abs(one_db - other_db) < 1e-6


def facts_of(meta: Mapping[str, Any]) -> RunFacts:
    """Return what the meta rows of a run say; pydantic's ValidationError if one is not of its kind."""
    # A null is as good as a missing key: the run did not know it.
    return RunFacts.model_validate({key: value for key, value in meta.items() if value is not None})


def read_facts(run: RunRecord) -> RunFacts:
    """Read what `run` says of itself; RecordError if that cannot be understood."""
    with _understood(run):
        return facts_of(run.meta())


def read_sessions(run: RunRecord) -> list[ProvenanceFacts]:
    """Read where each session of `run` comes from, oldest first; RecordError as above."""
    with _understood(run):
        return [ProvenanceFacts.model_validate(session) for session in run.sessions()]


@contextmanager
def _understood(run: RunRecord) -> Generator[None]:
    """Tell in one line what is not JSON, or not of its kind."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "session"
        raise RecordError(f"{run.folder / LOG_NAME}: cannot be read: {where}: {first['msg']}") from None
    except ValueError as error:
        raise RecordError(f"{run.folder / LOG_NAME}: facts that are no JSON: {error}") from None
