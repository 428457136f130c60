"""The acceptance report for machines: checks, comparison with the paper, provenance."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hil_tests.verdict import overall
from sweeps.record.measured_rows import acquisitions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hil_tests.paper import PaperRow
    from hil_tests.verdict import Check
    from sweeps.record.run_record import RunRecord

_PAPER_KEYS = ("quantity", "added_db", "published", "published_sd", "measured", "measured_sd", "z")
_PROVENANCE_KEYS = (
    "procedure",
    "plan_name",
    "station",
    "target",
    "clock",
    "seed",
    "fidelity",
    "profile",
    "started_utc_s",
    "finished_utc_s",
    "appliances",
    "attenuator",
    "otdrs",
    "fibre",
    "provenance",
)


def write_acceptance_json(
    path: Path,
    checks: Sequence[Check],
    paper: Sequence[PaperRow],
    provenance: Mapping[str, Any],
    *,
    not_done: Sequence[str] = (),
) -> None:
    """Write the report to `path`, whole or not at all; ValueError for a value that JSON does not have.

    `not_done` are procedures that were not run and what the bench could not do.
    """
    report = {
        "verdict": overall(checks, not_done),
        "not_done": list(not_done),
        "checks": [check_json(check) for check in checks],
        "paper": [{key: value for key, value in asdict(row).items() if key in _PAPER_KEYS} for row in paper],
        "provenance": dict(provenance),
    }
    text = json.dumps(report, indent=2, allow_nan=False)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def check_json(check: Check) -> dict[str, Any]:
    """Return a check as JSON has it: its limit is a text, beside the figures it was made of."""
    return {"name": check.name, "limit": check.limit, **asdict(check)}


def provenance_of(runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Return where the runs come from: {"runs": {run name: its facts}}; facts not recorded are null.

    `artefacts` are the files beside its rows with their SHA-256.
    """
    return {"runs": {run.folder.name: _facts_of(run) for run in runs}}


def _facts_of(run: RunRecord) -> dict[str, Any]:
    meta = run.meta()
    facts = {key: meta.get(key) for key in _PROVENANCE_KEYS}
    return {**facts, "artefacts": {taken.sor: taken.sor_sha256 for taken in acquisitions(run)}}
