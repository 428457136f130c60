"""The verdict layer: a run record beside acceptance limits gives checks with margins and verdicts.

The device under test failing is a verdict and never an exception; what could not be measured is
"incomplete" and never looks like a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from drivers.errors import BenchError
from hil_tests.measure.directions import is_same_wavelength
from hil_tests.measure.registry import measure
from hil_tests.run_data import read_run
from sweeps.record.facts import is_same_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hil_tests.limits import Limit, Limits
    from hil_tests.measure.estimates import Estimate
    from hil_tests.measure.measured import Measured
    from sweeps.record.facts import ProcedureName, RunFacts
    from sweeps.record.run_record import RunRecord

Verdict = Literal["pass", "marginal", "fail", "incomplete"]

_OF_THE_PAIR: tuple[ProcedureName, ...] = ("attenuation", "stability")
"""Procedures in which the QKD pair is at work."""
WORST_FIRST: tuple[Verdict, ...] = ("fail", "incomplete", "marginal", "pass")


@dataclass(frozen=True, slots=True)
class Check:
    """One value beside its limit."""

    name: str
    title: str
    procedure: ProcedureName
    quantity: str
    point_db: float | None
    wavelength_nm: float | None
    """Of the OTDR; None for what is no measurement of the fibre."""
    value: float | None
    unit: str
    low: float | None
    high: float | None
    guard_band: float
    """Standard errors."""
    margin: float | None
    """Distance to the nearest limit in `unit`; negative outside."""
    verdict: Verdict
    n: int
    n_effective: float
    standard_error: float | None
    source: str
    note: str

    @property
    def limit(self) -> str:
        """The limit as text, such as ">= 2000", "0.98 to 1" or "== 0"."""
        return limit_text(self.low, self.high)


def judge(limits: Limits, run: RunRecord) -> list[Check]:
    """Judge `run` by every limit of its procedure, in the order of the limits file.

    Checks that the run's plan has no point or not enough records for are left out. BenchError if the
    run does not say which procedure it is.
    """
    data = read_run(run)
    procedure = data.facts.procedure
    if procedure is None:
        raise BenchError(f"run {data.name} does not say which procedure it is")
    return [
        check_of(name, limit, measure(data, limit), procedure, is_finished=data.facts.is_finished)
        for name, limit in limits.checks.items()
        if applies(limit, data.facts)
    ]


def check_of(
    name: str, limit: Limit, measured: Measured, procedure: ProcedureName, *, is_finished: bool
) -> Check:
    """Put a measured value beside its limit."""
    estimate = measured.estimate
    value = None if estimate is None else estimate.value
    margin = None if value is None else margin_of(value, limit.low, limit.high)
    verdict, reason = _verdict(limit, measured, margin, is_finished=is_finished)
    return Check(
        name=name,
        title=limit.title,
        procedure=procedure,
        quantity=limit.quantity,
        point_db=limit.point_db,
        wavelength_nm=limit.wavelength_nm,
        value=value,
        unit=limit.unit,
        low=limit.low,
        high=limit.high,
        guard_band=limit.guard_band,
        margin=margin,
        verdict=verdict,
        n=0 if estimate is None else estimate.n,
        n_effective=0.0 if estimate is None else estimate.n_effective,
        standard_error=None if estimate is None else estimate.standard_error,
        source=limit.source,
        note="; ".join(part for part in (reason, measured.note) if part),
    )


def margin_of(value: float, low: float | None, high: float | None) -> float:
    """Return the distance from `value` to the nearest limit, negative outside the limits."""
    distances = [value - low] if low is not None else []
    if high is not None:
        distances.append(high - value)
    return min(distances)


def limit_text(low: float | None, high: float | None) -> str:
    """Write a limit as people do."""
    if low is None:
        return f"<= {high:.10g}"
    if high is None:
        return f">= {low:.10g}"
    return f"== {low:.10g}" if low == high else f"{low:.10g} to {high:.10g}"


def overall(checks: Iterable[Check], not_done: Sequence[str] = ()) -> Verdict:
    """Return the worst verdict of all; no checks at all are incomplete, and so is what was not done."""
    verdicts: set[Verdict] = {check.verdict for check in checks}
    if not_done:
        verdicts.add("incomplete")
    for verdict in WORST_FIRST:
        if verdict in verdicts:
            return verdict
    return "incomplete"


def failures_text(checks: Iterable[Check]) -> str:
    """List every check that failed or is incomplete as an aligned table; empty if there is none."""
    bad = [check for check in checks if check.verdict in ("fail", "incomplete")]
    if not bad:
        return ""
    rows = [("check", "value", "limit", "margin", "unit", "verdict", "note"), *(_row(check) for check in bad)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(check: Check) -> Sequence[str]:
    value = "-" if check.value is None else f"{check.value:.6g}"
    margin = "-" if check.margin is None else f"{check.margin:.4g}"
    return (check.name, value, check.limit, margin, check.unit, check.verdict, check.note)


def _verdict(
    limit: Limit, measured: Measured, margin: float | None, *, is_finished: bool
) -> tuple[Verdict, str]:
    """Return the verdict and, where it is not plain from the figures, the reason."""
    if measured.estimate is None or margin is None:
        return "incomplete", ""
    missing = _what_is_missing(limit, measured.estimate, is_finished=is_finished or measured.is_final)
    if missing:
        return "incomplete", missing
    if margin < 0:
        return "fail", ""
    if margin < limit.guard_band * (measured.estimate.standard_error or 0.0):
        errors = "standard error" if limit.guard_band == 1 else "standard errors"
        return "marginal", f"closer to the limit than {limit.guard_band:g} {errors}"
    return "pass", ""


def _what_is_missing(limit: Limit, estimate: Estimate, *, is_finished: bool) -> str:
    if not is_finished:
        return "the run did not finish"
    if estimate.n_effective < limit.min_effective_samples:
        return f"{estimate.n_effective:.3g} effective samples, {limit.min_effective_samples:g} needed"
    if limit.guard_band > 0 and estimate.standard_error is None:
        return "the scatter is not known"
    return ""


def applies(limit: Limit, facts: RunFacts) -> bool:
    """Tell whether a run with these facts is judged by `limit`: its procedure, its points, its size."""
    procedures = _OF_THE_PAIR if limit.procedure == "any" else (limit.procedure,)
    if facts.procedure not in procedures or not _is_in_plan(limit.wavelength_nm, facts):
        return False
    if facts.procedure == "calibration" and facts.plan.calibration is None:
        return False
    planned_db = facts.plan.attenuation.added_db
    point_db = limit.point_db
    if point_db is not None and planned_db and not any(is_same_point(point_db, db) for db in planned_db):
        return False
    planned = facts.records_planned_at(limit.point_db)
    least = limit.applies_when_records_at_least
    return least is None or planned is None or planned >= least


def _is_in_plan(wavelength_nm: float | None, facts: RunFacts) -> bool:
    if wavelength_nm is None:
        return True
    plan = facts.plan.fibre
    return plan is not None and any(is_same_wavelength(wavelength_nm, nm) for nm in plan.wavelengths_nm)
