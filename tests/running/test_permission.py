"""What needs a permission: live gear is not darkened, and nothing takes long, unless somebody allows it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from sweeps.__main__ import app
from sweeps.procedures.registry import PROCEDURES
from sweeps.record.run_record import RunRecord
from sweeps.running.meta import as_it_is_now, meta_of
from sweeps.running.permission import LONG_WALL_S, Allowed, live_gear, not_allowed, wall_duration_s
from tests.acceptance.benches import STATION, run_pytest
from tests.attenuators.rigs import PAPERS_SET
from tests.running.broken_runs import bench, smoke

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.choice import Choice, Target

LIVE = {"gear.voa.lab.live": True}


def choice_of(folder: Path, target: Target, *, live: bool, is_long: bool) -> Choice:
    """Return a plan of 1000 s, or of a second less."""
    records = 994 if is_long else 893
    return smoke(bench(folder, LIVE if live else {}, records=records, period_s=1.0), target)


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("destructive", [False, True])
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("target", ["lab", "emulator"])
@pytest.mark.parametrize("procedure", ["attenuation", "stability"])
def test_every_case_of_the_table(
    tmp_path: Path, procedure: str, target: Target, *, live: bool, destructive: bool, long: bool
) -> None:
    choice = choice_of(tmp_path, target, live=live, is_long=True)
    refusal = not_allowed(choice, PROCEDURES[procedure], Allowed(long=long, destructive=destructive))
    is_dark = procedure == "attenuation" and target == "lab" and live and not destructive
    takes_long = procedure == "stability" and target == "lab" and not long
    assert (refusal is not None) == (is_dark or takes_long)
    assert ("--allow-destructive" in (refusal or "")) == is_dark
    assert ("--long" in (refusal or "")) == takes_long


def test_what_is_refused_says_what_and_how_long_and_all_of_it(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, "lab", live=True, is_long=True)
    both = replace(PROCEDURES["stability"], is_destructive=True)
    assert not_allowed(choice, both, Allowed()) == (
        "stability was not run: it takes 0:16:40 by the wall clock; allow it with --long; "
        f"it {both.touches}, and voa is live; allow it with --allow-destructive"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"safe_state.attenuator": "maximum"}, "leaves the link at its largest attenuation"),
        ({"reference.kind": "attenuator_removed"}, "has an operator open the fibre"),
        (
            {
                "reference.kind": "attenuator_removed",
                "safe_state.attenuator": "as_left",
                "gear.voa": PAPERS_SET,
            },
            "has an operator open the fibre",
        ),
    ],
    ids=["maximum", "removed", "fixed"],
)
def test_a_station_may_make_any_procedure_darken_its_link(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    choice = smoke(bench(tmp_path, {**changes, "gear.alice.lab.live": True}), "lab")
    refusal = not_allowed(choice, PROCEDURES["stability"], Allowed(long=True))
    assert refusal is not None
    assert f"it {told}, and alice is live; allow it with --allow-destructive" in refusal
    assert not_allowed(choice, PROCEDURES["stability"], Allowed(long=True, destructive=True)) is None


def test_a_resume_is_judged_by_what_is_live_now(tmp_path: Path) -> None:
    inventory, folder = bench(tmp_path / "bench"), tmp_path / "run"
    choice = smoke(inventory, "lab")
    files = {"inventory.yaml": choice.inventory_bytes}
    RunRecord.create(folder, meta_of(choice, PROCEDURES["attenuation"]), files).close()
    content = yaml.safe_load(inventory.read_text())
    content["stations"][STATION]["gear"]["voa"]["lab"]["live"] = True
    content["plans"].pop("smoke")  # which hides nothing
    inventory.write_text(yaml.safe_dump(content))
    for more in ([], ["--new-leg"], [f"--inventory={folder}/inventory.yaml"]):
        done = CliRunner().invoke(app, ["resume", str(folder), *more])
        assert done.exit_code == 2
        assert "voa is live; allow it with --allow-destructive" in done.output
    with RunRecord.open(folder) as run:
        assert as_it_is_now(choice, run) is not None
        inventory.write_text("no inventory")
        assert as_it_is_now(choice, run) is None
        inventory.unlink()
        assert as_it_is_now(choice, run) is None


def test_a_quarter_of_an_hour_is_not_long(tmp_path: Path) -> None:
    choice = choice_of(tmp_path, "lab", live=False, is_long=False)
    assert 0.99 * LONG_WALL_S < wall_duration_s(choice, PROCEDURES["stability"]) <= LONG_WALL_S
    assert not_allowed(choice, PROCEDURES["stability"], Allowed()) is None


def test_a_virtual_lab_is_fast_and_nobody_depends_on_it(tmp_path: Path) -> None:
    inventory = bench(tmp_path, LIVE, records=86_400)
    assert wall_duration_s(smoke(inventory), PROCEDURES["stability"]) < LONG_WALL_S
    assert live_gear(smoke(inventory), PROCEDURES["stability"]) == []
    assert live_gear(smoke(inventory, "lab"), PROCEDURES["stability"]) == ["voa"]


def test_a_live_otdr_counts_only_where_it_is_used(tmp_path: Path) -> None:
    there = {"resource": "TCPIP::192.0.2.30::8002::SOCKET", "live": True}
    choice = smoke(bench(tmp_path, {"gear.otdr_a.lab": there}), "lab")
    assert not_allowed(choice, PROCEDURES["attenuation"], Allowed(long=True)) is None
    refusal = not_allowed(choice, PROCEDURES["fibre"], Allowed(long=True))
    assert refusal is not None
    assert "and otdr_a is live; allow it with --allow-destructive" in refusal


def test_the_command_line_darkens_no_live_gear_unasked(tmp_path: Path) -> None:
    inventory = bench(tmp_path, LIVE)
    arguments = ["run", "attenuation", "--target=lab", f"--inventory={inventory}", f"--runs={tmp_path}/runs"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "NotAllowed: attenuation was not run" in done.output
    assert "voa is live; allow it with --allow-destructive" in done.output
    assert not (tmp_path / "runs").exists()
    assert CliRunner().invoke(app, [*arguments, "--dry-run"]).exit_code == 0


def test_what_was_not_allowed_is_incomplete_in_the_report_and_never_a_pass(tmp_path: Path) -> None:
    inventory = bench(tmp_path / "bench", LIVE, records=1000)
    done = run_pytest(tmp_path, "--target=lab", f"--inventory={inventory}")
    assert done.returncode == 1, done.stdout
    assert "error" not in done.stdout.splitlines()[-1]
    assert "allow it with --allow-destructive" in done.stdout
    report = json.loads((tmp_path / "reports" / "acceptance.json").read_text())
    verdicts = {check["name"]: check["verdict"] for check in report["checks"]}
    assert {"attenuation_skr_0db_bps", "stability_skr_mean_bps"} <= {*verdicts}
    assert {*verdicts.values()} == {"incomplete"}
    assert report["verdict"] == "incomplete"
    assert "allow it with --allow-destructive" in report["not_done"][0]
    too_long = "it takes 2:46:46 by the wall clock; allow it with --long"
    assert any(too_long in line for line in report["not_done"])
    assert not (tmp_path / "runs").exists()


def test_nothing_is_tried_again_on_the_lab(tmp_path: Path) -> None:
    # The option of pytest-rerunfailures, which a laboratory may have installed.
    option = 'def pytest_addoption(parser):\n    parser.addoption("--reruns", type=int, dest="reruns")\n'
    (tmp_path / "reruns_option.py").write_text(option)
    done = run_pytest(tmp_path, "-p", "reruns_option", "--target=lab", "--reruns=1")
    assert done.returncode == 4
    assert "no reruns on the lab" in done.stderr
