"""The report for machines: exactly its keys, nothing that JSON does not have, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil_tests.paper import compare_with_paper
from hil_tests.report.acceptance_json import provenance_of, write_acceptance_json
from hil_tests.verdict import judge
from tests.hil.fibre_runs import fibre_run
from tests.hil.shipped_limits import LIMITS
from tests.hil.synthetic_runs import ALL_DB, attenuation_run, stability_run

CHECK_KEYS = {
    *("name", "value", "unit", "limit", "margin", "verdict"),
    *("title", "procedure", "quantity", "point_db", "wavelength_nm", "low", "high", "guard_band"),
    *("n", "n_effective", "standard_error", "source", "note"),
}
PAPER_KEYS = {"quantity", "added_db", "published", "published_sd", "measured", "measured_sd", "z"}
PROVENANCE_KEYS = {
    *("procedure", "plan_name", "station", "target", "clock", "seed", "fidelity", "profile"),
    *("started_utc_s", "finished_utc_s", "appliances", "attenuator", "fibre", "provenance"),
    *("otdrs", "artefacts"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Write and read the report of a sweep that did not visit 7 dB."""
    folder = tmp_path_factory.mktemp("json")
    run = attenuation_run(folder / "sweep", 1, added_db=ALL_DB, unvisited=frozenset({7.0}))
    path = folder / "acceptance.json"
    write_acceptance_json(path, judge(LIMITS, run), compare_with_paper(run), provenance_of([run]))
    assert [file.name for file in folder.glob("*.json*")] == ["acceptance.json"]
    return json.loads(path.read_text())


def test_the_keys_are_these(report: dict[str, Any]) -> None:
    assert set(report) == {"verdict", "not_done", "checks", "paper", "provenance"}
    assert {frozenset(check) for check in report["checks"]} == {frozenset(CHECK_KEYS)}
    assert {frozenset(row) for row in report["paper"]} == {frozenset(PAPER_KEYS)}
    assert set(report["provenance"]["runs"]["sweep"]) == PROVENANCE_KEYS


def test_a_check_has_its_figures_and_its_limit_as_text(report: dict[str, Any]) -> None:
    by_name = {check["name"]: check for check in report["checks"]}
    rate = by_name["attenuation_skr_3db_bps"]
    assert (rate["limit"], rate["low"], rate["high"], rate["unit"]) == (">= 1898", 1898, None, "bps")
    assert rate["margin"] == pytest.approx(rate["value"] - 1898)
    assert rate["verdict"] == "pass"
    assert by_name["attenuation_skr_12db_bps"]["limit"] == "== 0"


def test_what_was_not_measured_is_null_and_incomplete(report: dict[str, Any]) -> None:
    by_name = {check["name"]: check for check in report["checks"]}
    missed = by_name["attenuation_skr_7db_bps"]
    assert (missed["value"], missed["margin"], missed["verdict"]) == (None, None, "incomplete")
    assert 7 not in {row["added_db"] for row in report["paper"]}


def test_the_zero_of_the_paper_has_no_z(report: dict[str, Any]) -> None:
    zero = next(row for row in report["paper"] if row["added_db"] == 12)
    assert (zero["published"], zero["measured"], zero["published_sd"], zero["z"]) == (0, 0, None, None)


def test_provenance_says_where_the_run_comes_from(report: dict[str, Any]) -> None:
    run = report["provenance"]["runs"]["sweep"]
    assert run["seed"] == 1
    assert run["clock"] == "virtual"
    assert run["provenance"]["limits_sha256"] == "b" * 64


def test_a_trace_stands_in_provenance_with_its_sum_and_its_otdr(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "fibre", 1)
    provenance = provenance_of([run])["runs"]["fibre"]
    assert provenance["artefacts"] == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in run.artefacts.iterdir()
    }
    assert len(provenance["artefacts"]) == 2
    assert provenance["otdrs"]["otdr_b"]["serial"] == "SO-gdc_b"


def test_the_fibre_stands_beside_table_1(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "fibre", 1)
    path = tmp_path / "acceptance.json"
    write_acceptance_json(path, judge(LIMITS, run), compare_with_paper(run), provenance_of([run]))
    written = json.loads(path.read_text())
    length, loss = written["paper"]
    assert (length["quantity"], length["published"], length["added_db"]) == ("fibre_length_km", 19.87, None)
    assert (loss["quantity"], loss["published"]) == ("fibre_loss_db", 12.47)
    of_the_loss = next(check for check in written["checks"] if check["name"] == "fibre_loss_1550nm")
    assert (of_the_loss["quantity"], of_the_loss["wavelength_nm"]) == ("fibre_loss", 1550.0)


def test_facts_not_recorded_are_null(tmp_path: Path) -> None:
    def forget(meta: dict[str, Any]) -> None:
        del meta["seed"]

    run = stability_run(tmp_path / "run", 1, meta=forget)
    assert provenance_of([run])["runs"]["run"]["seed"] is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_refused_and_the_old_report_stays(tmp_path: Path, value: float) -> None:
    path = tmp_path / "acceptance.json"
    path.write_text("the old report")
    checks = [replace(check, value=value) for check in judge(LIMITS, stability_run(tmp_path / "run", 1))]
    with pytest.raises(ValueError, match="JSON compliant"):
        write_acceptance_json(path, checks, [], {})
    assert path.read_text() == "the old report"


def test_a_full_disk_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break the write half-way: what people then find is the old report, not half of a new one."""

    def half(self: Path, data: str, **_: str) -> int:
        with self.open("w") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    path = tmp_path / "acceptance.json"
    path.write_text("the old report")
    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="No space"):
        write_acceptance_json(path, [], [], {})
    assert path.read_text() == "the old report"
