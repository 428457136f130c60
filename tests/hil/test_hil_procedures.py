"""Of what an acceptance is made: the plan says it, and a session makes no test of what it leaves out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hil_tests.acceptance import Acceptance
from hil_tests.limits import load_limits
from hil_tests.procedures import procedures_not_run, procedures_of
from sweeps.choice import choose
from sweeps.record.facts import PlanFacts
from tests.acceptance.benches import PROJECT, run_pytest, write_inventory
from tests.hil.fibre_runs import fibre_run
from tests.hil.synthetic_runs import attenuation_run, stability_run

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.inventory import Plan

FIBRE = {"wavelengths_nm": [1550], "range_km": 40, "pulse_ns": 100, "averaging_s": 30}
CALIBRATION = {"settings_db": [0, 5], "rounds": 2, "settle_s": 1}


def inventory_with(folder: Path, **plan: Any) -> Path:  # noqa: ANN401 - as YAML has it
    """Write the shipped inventory, the plan `smoke` changed; None leaves a procedure out."""
    path = write_inventory(folder, {})
    content = yaml.safe_load(path.read_text())
    smoke = {**content["plans"]["smoke"], **plan}
    content["plans"]["smoke"] = {key: value for key, value in smoke.items() if value is not None}
    path.write_text(yaml.safe_dump(content))
    return path


def plan_with(folder: Path, **plan: Any) -> Plan:  # noqa: ANN401 - as YAML has it
    return choose(inventory_with(folder, **plan), None, "smoke", "emulator", 1).plan


def test_a_plan_has_what_it_names() -> None:
    assert procedures_of(PlanFacts()) == ["stability", "attenuation"]
    both = PlanFacts.model_validate({"fibre": FIBRE, "calibration": CALIBRATION})
    assert procedures_of(both) == ["fibre", "calibration", "stability", "attenuation"]
    assert procedures_not_run(["stability", None], both) == [
        "Fibre",
        "Calibration of the attenuator",
        "Attenuation sweep",
    ]


@pytest.mark.parametrize(
    ("plan", "not_run"),
    [
        ({"fibre": None, "calibration": None}, []),
        ({"fibre": FIBRE, "calibration": None}, ["Fibre"]),
        ({"fibre": FIBRE, "calibration": CALIBRATION}, ["Fibre", "Calibration of the attenuator"]),
    ],
    ids=["without a fibre", "with a fibre", "with both"],
)
def test_what_the_plan_leaves_out_is_not_missed(
    tmp_path: Path, plan: dict[str, Any], not_run: list[str]
) -> None:
    acceptance = Acceptance(load_limits(_limits()), plan_with(tmp_path, **plan))
    acceptance.add_run(stability_run(tmp_path / "stability", 1))
    acceptance.add_run(attenuation_run(tmp_path / "attenuation", 1))
    verdict = "incomplete" if not_run else "pass"
    assert f'class="verdict verdict-{verdict}"' in acceptance.summary_html()
    assert ("No run record of: " + ", ".join(not_run) + "." in acceptance.summary_html()) == bool(not_run)
    acceptance.write_json(tmp_path / "acceptance.json")
    written = yaml.safe_load((tmp_path / "acceptance.json").read_text())
    assert (written["verdict"], written["not_done"]) == (verdict, not_run)


def test_a_whole_acceptance_with_the_fibre_passes(tmp_path: Path) -> None:
    acceptance = Acceptance(load_limits(_limits()), plan_with(tmp_path, fibre=FIBRE, calibration=None))
    for run in (
        fibre_run(tmp_path / "fibre", 1),
        stability_run(tmp_path / "stability", 1),
        attenuation_run(tmp_path / "attenuation", 1),
    ):
        acceptance.add_run(run)
    assert 'class="verdict verdict-pass"' in acceptance.summary_html()


def test_a_fibre_that_nobody_allowed_is_incomplete_by_name(tmp_path: Path) -> None:
    acceptance = Acceptance(load_limits(_limits()), plan_with(tmp_path, fibre=FIBRE))
    acceptance.refuse("fibre", "fibre was not run: it darkens the link")
    acceptance.write_json(tmp_path / "acceptance.json")
    checks = yaml.safe_load((tmp_path / "acceptance.json").read_text())["checks"]
    assert {check["verdict"] for check in checks} == {"incomplete"}
    assert {check["wavelength_nm"] for check in checks} == {None, 1550.0}
    assert len(checks) == 8


def _limits() -> Path:
    return PROJECT / "hil_tests" / "limits" / "paper-link.yaml"


# --- what a session collects


def collected(folder: Path, inventory: Path, *arguments: str) -> list[str]:
    """Return the functions of all tests of a session, and nothing else that pytest reports of them."""
    done = run_pytest(folder, f"--inventory={inventory}", "--collect-only", "-q", *arguments)
    assert "skip" not in done.stdout, done.stdout
    return re.findall(r"::(test_\w+)\[", done.stdout)


def test_a_plan_without_a_fibre_makes_no_test_of_it(tmp_path: Path) -> None:
    inventory = inventory_with(tmp_path, fibre=None, calibration=None)
    assert set(collected(tmp_path, inventory)) == {"test_attenuation", "test_stability"}
    named = collected(tmp_path, inventory, str(PROJECT / "hil_tests" / "test_fibre.py"))
    assert "test_fibre" not in named


def test_a_plan_with_a_fibre_makes_a_test_of_each_limit(tmp_path: Path) -> None:
    names = collected(tmp_path, inventory_with(tmp_path, fibre=FIBRE, calibration=None))
    assert names.count("test_fibre") == 8
    assert {"test_attenuation", "test_stability"} < set(names)
