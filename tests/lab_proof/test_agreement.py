"""When two acceptance reports agree, on reports made up for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab_proof.agreement import disagreements


def check(name: str, value: float | None, error: float | None = 0.0, **facts: float | str) -> dict[str, Any]:
    return {
        "name": name,
        "procedure": "stability",
        "value": value,
        "standard_error": error,
        "verdict": "pass",
        **facts,
    }


def told(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    return disagreements({"checks": [ours]}, {"checks": [theirs]})


def test_reports_with_the_same_values_agree() -> None:
    report = {"checks": [check("a", 1.0, 0.1), check("b", 2.0), check("c", None, None)]}
    assert disagreements(report, report) == []


@pytest.mark.parametrize(("other", "agrees"), [(14.9, True), (15.1, False), (5.1, True), (4.9, False)])
def test_values_may_differ_by_three_standard_errors_of_the_difference(other: float, agrees: bool) -> None:
    # Of 1.0 and 4/3 the difference has 5/3.
    assert (told(check("a", 10.0, 1.0), check("a", other, 4.0 / 3.0)) == []) is agrees


def test_a_value_without_an_error_must_be_the_same() -> None:
    assert told(check("a", 1.0), check("a", 1.0)) == []
    assert told(check("a", 1.0), check("a", 1.001)) == ["a: 1 and 1.001, standard error 0"]


def test_another_verdict_disagrees_whatever_the_values() -> None:
    assert told(check("a", 1.0, 9.0), check("a", 1.0, 9.0, verdict="marginal")) == [
        "a: verdict pass and marginal"
    ]


def test_a_check_that_only_one_report_has_disagrees() -> None:
    ours = {"checks": [check("a", 1.0), check("b", 1.0)]}
    theirs = {"checks": [check("a", 1.0), check("b", 1.0, procedure="attenuation")]}
    assert disagreements(ours, theirs) == [
        "b (attenuation): in one report only",
        "b (stability): in one report only",
    ]


def test_a_value_that_only_one_run_has_disagrees() -> None:
    assert told(check("a", 1.0, 1.0), check("a", None, None)) == ["a: measured in one run only"]
    assert told(check("a", None, None), check("a", 0.0, 0.0)) == ["a: measured in one run only"]


def test_the_drift_that_a_short_run_cannot_see_is_added_to_its_error() -> None:
    name = "stability_count_mean"
    assert told(check(name, 18_000.0, 8.0), check(name, 18_250.0, 8.0)) == []
    assert told(check(name, 18_000.0, 8.0), check(name, 18_300.0, 8.0)) != []


def test_the_largest_of_some_records_is_as_uncertain_as_one_record() -> None:
    mean = check("stability_qber_mean", 0.019, 0.001, n_effective=16.0)
    for largest, agrees in ((0.040, True), (0.042, False)):
        ours = {"checks": [mean, check("stability_qber_max", 0.024)]}
        theirs = {"checks": [mean, check("stability_qber_max", largest)]}
        assert (disagreements(ours, theirs) == []) is agrees
