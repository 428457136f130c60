"""The factual part of the report: what was tested, where it comes from, what is missing, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from hil_tests.report import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil_tests.run_data import RunData
    from sweeps.record.facts import InstrumentFacts, RunFacts
    from sweeps.record.schema import Gap

MOST_JOURNAL_LINES = 12
MOST_GAP_LINES = 20


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact of every run; one value when all runs agree."""

    label: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class GearRow:
    """A device as it named itself."""

    gear: str
    vendor: str
    model: str
    serial: str
    firmware: str
    details: str


@dataclass(frozen=True, slots=True)
class GapLine:
    """Neighbouring gaps of one reason."""

    run: str
    where: str
    count: int
    reason: str


def run_rows(runs: Sequence[RunData]) -> list[FactRow]:
    """Return what each run was."""
    return _rows([_run_facts(run) for run in runs])


def provenance_rows(runs: Sequence[RunData]) -> list[FactRow]:
    """Return where each run comes from."""
    return _rows([_provenance(run) for run in runs])


def _rows(facts: Sequence[dict[str, str]]) -> list[FactRow]:
    """Put the same facts of several runs beside each other; once where all agree."""
    rows: list[FactRow] = []
    for label in facts[0] if facts else ():
        values = [of_run[label] for of_run in facts]
        rows.append(FactRow(label, values[:1] if len(set(values)) == 1 else values))
    return rows


def _run_facts(run: RunData) -> dict[str, str]:
    facts = run.facts
    return {
        "Procedure": formats.fact(facts.procedure),
        "Plan": _plan(facts),
        "Started (host)": formats.utc(facts.started_utc_s),
        "Finished (host)": formats.utc(facts.finished_utc_s) if facts.is_finished else "did not finish",
        "Lab time covered": _lab_time(run),
        "Records taken": _records(run),
        "Target": formats.fact(facts.target),
        "Clock": formats.fact(facts.clock),
        "Seed": formats.fact(facts.seed),
        "Emulation": _emulation(facts),
    }


def _provenance(run: RunData) -> dict[str, str]:
    facts = run.facts
    source = facts.provenance
    return {
        "Git commit": _commit(facts),
        "Python": formats.fact(source.python),
        "Platform": formats.fact(source.platform),
        "Host": formats.fact(source.host),
        "Versions": _versions(facts),
        "Inventory, SHA-256": formats.fact(source.inventory_sha256),
        "Limits, SHA-256": formats.fact(source.limits_sha256),
        "Plan, SHA-256": formats.fact(facts.plan_sha256),
        "Artefacts, SHA-256": _artefacts(run),
    }


def _artefacts(run: RunData) -> str:
    taken = (trace.acquisition for trace in run.traces)
    return "; ".join(f"{each.sor} {each.sor_sha256}" for each in taken) or "none"


def _plan(facts: RunFacts) -> str:
    name = formats.fact(facts.plan_name)
    return f"{name}: {facts.plan.title}" if facts.plan.title else name


def _lab_time(run: RunData) -> str:
    taken_s = [trace.acquisition.taken_s for trace in run.traces]
    if taken_s:
        return f"{formats.utc(min(taken_s))}, {formats.duration(max(taken_s) - min(taken_s))}"
    if run.readings:
        first_s, last_s = run.readings[0].taken_s, max(reading.taken_s for reading in run.readings)
        return f"{formats.utc(first_s)}, {formats.duration(last_s - first_s)}"
    starts = run.columns.window_start_s
    if starts.size == 0:
        return formats.NOT_RECORDED
    end_s = float(starts[-1] + run.columns.window_s[-1])
    return f"{formats.utc(float(starts[0]))}, {formats.duration(end_s - float(starts[0]))}"


def _records(run: RunData) -> str:
    planned = run.facts.records_planned_at(None)
    # As planned is each step of each round; what was read when a round was taken up again comes on top.
    taken = run.columns.n + len(run.traces) + len(run.planned_readings())
    return f"{taken:,} of {formats.NOT_RECORDED if planned is None else f'{planned:,}'}"


def _emulation(facts: RunFacts) -> str:
    return (
        "none: real gear"
        if facts.target == "lab"
        else (f"profile {formats.fact(facts.profile)}, fidelity {formats.fact(facts.fidelity)}")
    )


def _commit(facts: RunFacts) -> str:
    commit = formats.fact(facts.provenance.git_commit)
    if facts.provenance.git_commit is not None and facts.provenance.git_dirty is None:
        return f"{commit}, not known whether with changes"
    return f"{commit} with changes that are not committed" if facts.provenance.git_dirty else commit


def _versions(facts: RunFacts) -> str:
    versions = facts.provenance.versions
    return (
        ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) or formats.NOT_RECORDED
    )


def gear_rows(runs: Sequence[RunData]) -> list[GearRow]:
    """Return the gear of all runs, each device once unless runs differ in it."""
    rows: dict[GearRow, None] = {}
    for run in runs:
        for gear, it in run.facts.appliances.items():
            details = (
                f"{formats.fact(it.end)} end, {formats.fact(it.protocol)}, "
                f"{formats.fact(it.wavelength_nm, 'nm')}, {formats.fact(it.state)}"
            )
            rows[_gear_row(gear, it, details)] = None
        device = run.facts.attenuator
        if device is not None:
            rows[_gear_row("attenuator", device, "in line with the quantum channel")] = None
        for gear, otdr in run.facts.otdrs.items():
            rows[_gear_row(gear, otdr, _where_it_stood(run, gear))] = None
    return list(rows)


def _where_it_stood(run: RunData, gear: str) -> str:
    sites = {trace.acquisition.site for trace in run.traces if trace.acquisition.gear == gear}
    return f"OTDR at {', '.join(sorted(sites)) or formats.NOT_RECORDED}"


def _gear_row(gear: str, device: InstrumentFacts, details: str) -> GearRow:
    fact = formats.fact
    return GearRow(
        gear, fact(device.vendor), fact(device.model), fact(device.serial), fact(device.firmware), details
    )


def gap_lines(runs: Sequence[RunData]) -> list[GapLine]:
    """Return the gaps of all runs, neighbours of one reason taken together."""
    return [line for run in runs for line in _gap_lines_of(run)]


def _gap_lines_of(run: RunData) -> list[GapLine]:
    numbered = enumerate(run.gaps)
    # Slots that follow each other keep the same distance to their place in the list.
    groups = groupby(numbered, key=lambda item: (item[1].reason, _distance(item[1], item[0])))
    return [_gap_line(run.name, [gap for _, gap in group]) for _, group in groups]


def _distance(gap: Gap, place: int) -> int | str:
    return gap.slot - place if gap.slot is not None else f"lost {place}"


def _gap_line(run: str, gaps: Sequence[Gap]) -> GapLine:
    first, last = gaps[0], gaps[-1]
    if first.slot is None:
        where = f"record numbers {first.first_sequence} to {first.last_sequence}"
        count = 0
        if first.first_sequence is not None and first.last_sequence is not None:
            count = first.last_sequence - first.first_sequence + 1
        return GapLine(run, where, count, first.reason)
    where = f"slot {first.slot}" if first.slot == last.slot else f"slots {first.slot} to {last.slot}"
    return GapLine(run, where, len(gaps), first.reason)
