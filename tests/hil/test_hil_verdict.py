"""Verdicts: every branch, margins, the order of badness, and the text of what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BenchError
from hil_tests.limits import Limit, load_limits
from hil_tests.measure.estimates import Estimate
from hil_tests.measure.measured import Measured
from hil_tests.verdict import Check, Verdict, check_of, failures_text, judge, limit_text, margin_of, overall
from sweeps.record.run_record import RunRecord
from tests.hil.synthetic_runs import ALL_DB, attenuation_run, stability_run

LIMITS_FILE = Path(__file__).parents[2] / "hil_tests" / "limits" / "paper-link.yaml"
LIMITS = load_limits(LIMITS_FILE)


def limit_of() -> Limit:
    settings = {
        "title": "a test",
        "procedure": "stability",
        "quantity": "skr",
        "statistic": "mean",
        "low": 10.0,
        "high": 20.0,
        "unit": "bps",
        "guard_band": 2.0,
        "min_effective_samples": 5.0,
        "source": "here",
    }
    return Limit.model_validate(settings)


def check_with(estimate: Estimate | None, *, is_finished: bool = True, is_final: bool = False) -> Check:
    measured = Measured(estimate, "as measured", is_final)
    return check_of("skr_test", limit_of(), measured, "stability", is_finished=is_finished)


@pytest.mark.parametrize(
    ("value", "error", "verdict", "margin"),
    [
        (15.0, 1.0, "pass", 5.0),
        (12.0, 1.0, "pass", 2.0),
        (11.9, 1.0, "marginal", 1.9),
        (18.1, 1.0, "marginal", 1.9),
        (10.0, 0.1, "marginal", 0.0),
        (10.0, 0.0, "pass", 0.0),
        (9.9, 1.0, "fail", -0.1),
        (20.5, 9.0, "fail", -0.5),
    ],
)
def test_verdict_of_a_value(value: float, error: float, verdict: Verdict, margin: float) -> None:
    check = check_with(Estimate(value, error, 10, 10.0))
    assert check.verdict == verdict
    assert check.margin == pytest.approx(margin)


@pytest.mark.parametrize(
    ("estimate", "is_finished", "words"),
    [
        (None, True, "as measured"),
        (Estimate(15.0, 0.1, 100, 4.9), True, "4.9 effective samples, 5 needed"),
        (Estimate(15.0, 0.1, 100, 100.0), False, "did not finish"),
        (Estimate(15.0, None, 10, 10.0), True, "scatter is not known"),
    ],
)
def test_what_cannot_be_judged_is_incomplete(
    estimate: Estimate | None, is_finished: bool, words: str
) -> None:
    check = check_with(estimate, is_finished=is_finished)
    assert check.verdict == "incomplete"
    assert words in check.note


def test_few_samples_are_incomplete_even_outside_the_limit() -> None:
    assert check_with(Estimate(5.0, 0.1, 100, 2.0)).verdict == "incomplete"


def test_final_facts_stand_though_the_run_did_not_finish() -> None:
    assert check_with(Estimate(9.0, 0.0, 10, 10.0), is_finished=False, is_final=True).verdict == "fail"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (2000.0, None, ">= 2000"),
        (None, 0.03, "<= 0.03"),
        (0.98, 1.0, "0.98 to 1"),
        (0.0, 0.0, "== 0"),
        (-0.5, 0.5, "-0.5 to 0.5"),
    ],
)
def test_limit_as_text(low: float | None, high: float | None, text: str) -> None:
    assert limit_text(low, high) == text


@given(
    value=st.floats(-1e6, 1e6),
    low=st.one_of(st.none(), st.floats(-1e6, 0)),
    high=st.one_of(st.none(), st.floats(0, 1e6)),
)
def test_margin_is_negative_exactly_outside(value: float, low: float | None, high: float | None) -> None:
    if low is None and high is None:
        return
    is_inside = (low is None or value >= low) and (high is None or value <= high)
    assert (margin_of(value, low, high) >= 0) == is_inside


@pytest.mark.parametrize(
    ("values", "worst"),
    [
        ([15.0, 15.0], "pass"),
        ([15.0, 11.0], "marginal"),
        ([15.0, 11.0, None], "incomplete"),
        ([15.0, 11.0, None, 1.0], "fail"),
        ([], "incomplete"),
    ],
)
def test_overall_is_the_worst(values: list[float | None], worst: Verdict) -> None:
    estimates = [None if value is None else Estimate(value, 1.0, 10, 10.0) for value in values]
    assert overall(check_with(estimate) for estimate in estimates) == worst


def test_failures_text_lists_all_that_is_bad_in_aligned_columns() -> None:
    checks = [
        check_with(Estimate(9.0, 1.0, 10, 10.0)),
        check_with(Estimate(15.0, 1.0, 10, 10.0)),
        check_with(None),
        check_with(Estimate(123456.0, 1.0, 10, 10.0)),
    ]
    lines = failures_text(checks).splitlines()
    assert len(lines) == 4
    assert "-1 " in lines[1]
    assert "incomplete" in lines[2]
    assert "123456" in lines[3]
    assert {line.index("10 to 20") for line in lines[1:]} == {lines[0].index("limit")}


def test_failures_text_is_empty_when_nothing_failed() -> None:
    assert failures_text([check_with(Estimate(11.0, 1.0, 10, 10.0))]) == ""


# --- whole runs


def test_an_unfinished_run_never_passes(tmp_path: Path) -> None:
    def unfinish(meta: dict[str, Any]) -> None:
        del meta["finished_utc_s"]

    checks = judge(LIMITS, stability_run(tmp_path / "run", 1, meta=unfinish))
    about_records = {check.verdict for check in checks if not check.name.startswith("appliance_")}
    assert about_records == {"incomplete"}
    assert overall(checks) == "incomplete"


def test_points_that_are_not_planned_are_left_out(tmp_path: Path) -> None:
    names = {check.name for check in judge(LIMITS, attenuation_run(tmp_path / "run", 1))}
    assert "attenuation_skr_5db_bps" in names
    assert not {name for name in names if "_3db" in name or "_12db" in name}


def test_a_planned_point_that_is_missing_is_incomplete(tmp_path: Path) -> None:
    run = attenuation_run(tmp_path / "run", 1, unvisited=frozenset({5.0}))
    incomplete = {check.name for check in judge(LIMITS, run) if check.verdict == "incomplete"}
    assert incomplete == {
        "attenuation_wavelength_nm",
        "attenuation_setting_db",
        "attenuation_count_drop_db",
        "attenuation_records_5db",
        "attenuation_point_homogeneous_5db",
        "attenuation_skr_5db_bps",
        "attenuation_qber_5db",
    }


def test_checks_for_long_runs_are_left_out_of_short_plans(tmp_path: Path) -> None:
    short = {check.name for check in judge(LIMITS, stability_run(tmp_path / "short", 1))}
    hour = {check.name for check in judge(LIMITS, stability_run(tmp_path / "hour", 1, records=1000))}
    day = {check.name for check in judge(LIMITS, stability_run(tmp_path / "day", 1, records=5000))}
    assert hour - short == {"stability_key_rate_agrees"}
    assert day - hour == {"stability_qber_share_below_2p9"}


def test_missing_records_do_not_make_a_check_vanish(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run", 1, records=5000, missing=frozenset(range(50, 5000)))
    by_name = {check.name: check for check in judge(LIMITS, run)}
    assert by_name["stability_qber_share_below_2p9"].verdict == "incomplete"
    assert by_name["stability_coverage"].verdict == "fail"


def test_a_run_without_records_is_incomplete_and_has_no_coverage(tmp_path: Path) -> None:
    run = stability_run(tmp_path / "run", 1, missing=frozenset(range(60)))
    by_name = {check.name: check for check in judge(LIMITS, run)}
    assert by_name["stability_coverage"].verdict == "fail"
    assert by_name["stability_skr_mean_bps"].verdict == "incomplete"
    assert by_name["stability_zero_count_records"].verdict == "incomplete"


def test_a_run_that_says_nothing_of_itself_is_a_bench_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="which procedure"):
        judge(LIMITS, RunRecord.create(tmp_path / "run", {}))


def test_a_fact_of_the_wrong_kind_is_a_bench_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot be read"):
        judge(LIMITS, RunRecord.create(tmp_path / "run", {"procedure": "stability", "seed": "many"}))


def test_a_run_with_hardly_any_facts_is_incomplete(tmp_path: Path) -> None:
    run = RunRecord.create(
        tmp_path / "run", {"procedure": "attenuation", "finished_utc_s": 1.0, "seed": None}
    )
    checks = judge(LIMITS, run)
    assert {check.verdict for check in checks} == {"incomplete"}


def test_a_sweep_of_one_point_has_no_drop_to_show(tmp_path: Path) -> None:
    run = attenuation_run(tmp_path / "run", 1, added_db=(3.0,))
    drop = next(check for check in judge(LIMITS, run) if check.name == "attenuation_count_drop_db")
    assert drop.verdict == "incomplete"


def test_order_is_that_of_the_limits_file(tmp_path: Path) -> None:
    run = attenuation_run(tmp_path / "run", 1, added_db=ALL_DB)
    names = [check.name for check in judge(LIMITS, run)]
    in_file = list(yaml.safe_load(LIMITS_FILE.read_text())["checks"])
    assert names == [name for name in in_file if name in set(names)]
