"""Whether two acceptance reports agree: the same checks, the same verdicts, values within 3 standard errors.

The standard error of a difference is made of those of the two checks. Four kinds of checks have none, or
none that holds for so short a run:

- The slow drift of the optical power (knots every 60 s) hardly moves the records of a few seconds, so their
  standard error knows nothing of it, and two runs at different times differ by it. It is added to the counts.
- The largest of some records: taken as uncertain as a single record is.
- The distance of the worst record, in standard deviations: uncertain by one of these.
- The clock's offset is known to half of a round trip, which the report does not have: 50 ms are allowed.

All other checks without a standard error (who answers, what was set, how many records) must be equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STANDARD_ERRORS = 3.0

_POWER_DRIFT_RMS = 0.011  # emulators/cow4/profiles/cerberis_xgr_paper.yaml
_OWN_ERRORS = {
    # paper, Table 2: standard deviation of the count over days
    "stability_count_mean": 65.0,
    # The power may have drifted at either point.
    "attenuation_count_drop_db": math.sqrt(2.0) * 10.0 * math.log10(1.0 + _POWER_DRIFT_RMS),
    "attenuation_point_homogeneous_0db": 1.0,
    "attenuation_point_homogeneous_5db": 1.0,
    "attenuation_point_homogeneous_10db": 1.0,
    "appliance_clock_offset_s": 0.05,
}
_LARGEST_OF = {"stability_qber_max": "stability_qber_mean"}

Checks = dict[tuple[str, str], dict[str, Any]]
"""Checks of a report by procedure and name: an `any` check is judged in each run."""


def checks_of(report: Mapping[str, Any]) -> Checks:
    """Return the checks of a report by procedure and name."""
    checks = {(check["procedure"], check["name"]): check for check in report["checks"]}
    assert len(checks) == len(report["checks"])
    return checks


def disagreements(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return a line for each way in which two reports do not agree."""
    ours, theirs = checks_of(one), checks_of(other)
    told = [f"{name} ({procedure}): in one report only" for procedure, name in ours.keys() ^ theirs.keys()]
    for key in ours.keys() & theirs.keys():
        told += _compare(key[1], ours[key], theirs[key], _error_of(key, ours), _error_of(key, theirs))
    return sorted(told)


def _compare(
    name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any], our_error: float, their_error: float
) -> list[str]:
    told: list[str] = []
    if ours["verdict"] != theirs["verdict"]:
        told.append(f"{name}: verdict {ours['verdict']} and {theirs['verdict']}")
    if ours["value"] is None or theirs["value"] is None:
        return told if ours["value"] is theirs["value"] else [*told, f"{name}: measured in one run only"]
    difference = ours["value"] - theirs["value"]
    error = math.hypot(our_error, their_error)
    if abs(difference) > STANDARD_ERRORS * error:
        told.append(f"{name}: {ours['value']:.6g} and {theirs['value']:.6g}, standard error {error:.3g}")
    return told


def _error_of(key: tuple[str, str], checks: Checks) -> float:
    procedure, name = key
    if name in _LARGEST_OF:
        mean = checks[procedure, _LARGEST_OF[name]]
        return mean["standard_error"] * math.sqrt(mean["n_effective"])
    return math.hypot(checks[key]["standard_error"] or 0.0, _OWN_ERRORS.get(name, 0.0))
