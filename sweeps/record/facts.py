"""What a run's meta says of it, as far as the catalogue needs it; what was not recorded is None."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from drivers.errors import RecordError
from sweeps.record.run_record import LOG_NAME
from sweeps.record.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Generator

    from sweeps.record.run_record import RunRecord


class _Recorded(BaseModel):
    """Base of all facts: frozen, finite, and keys that are not known here are left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class AttenuationSize(_Recorded):
    """Size of the planned sweep."""

    added_db: tuple[float, ...] = ()
    records_per_point: int = 0


class StabilitySize(_Recorded):
    """Size of the planned stability run."""

    records: int | None = None


class PlanFacts(_Recorded):
    """The plan that was frozen into the run."""

    title: str | None = None
    attenuation: AttenuationSize | None = None
    stability: StabilitySize | None = None


class ProvenanceFacts(_Recorded):
    """Where one session of the run comes from."""

    git_commit: str | None = None
    git_dirty: bool | None = None
    inventory_sha256: str | None = None


class RunFacts(_Recorded):
    """One run, by its own meta."""

    procedure: str | None = None
    plan_name: str | None = None
    plan: PlanFacts = PlanFacts()
    plan_sha256: str | None = None
    station: str | None = None
    target: str | None = None
    seed: int | None = None
    started_utc_s: float | None = None
    finished_utc_s: float | None = None
    ended: str | None = None
    """Why it was broken off."""
    follows: str | None = None
    runner: Runner | None = None
    provenance: ProvenanceFacts = ProvenanceFacts()

    @property
    def records_planned(self) -> int | None:
        """How many records the plan wants; None if the run does not tell."""
        if self.procedure == "stability" and self.plan.stability is not None:
            return self.plan.stability.records
        if self.procedure == "attenuation" and self.plan.attenuation is not None:
            return len(self.plan.attenuation.added_db) * self.plan.attenuation.records_per_point
        return None


def read_facts(run: RunRecord) -> RunFacts:
    """Read what `run` says of itself; RecordError if that cannot be understood."""
    with _understood(run):
        # A null is as good as a missing key: the run did not know it.
        return RunFacts.model_validate({key: value for key, value in run.meta().items() if value is not None})


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
        raise RecordError(f"{run.folder / LOG_NAME}: {where}: {first['msg']}") from None
    except ValueError as error:
        raise RecordError(f"{run.folder / LOG_NAME}: facts that are no JSON: {error}") from None
