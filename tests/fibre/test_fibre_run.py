"""A whole run of the procedure `fibre`: what it leaves, how the operator is asked, what is told of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.read import read_sor
from sweeps.__main__ import app
from sweeps.procedures.registry import PROCEDURES
from tests.fibre.fibre_runs import (
    LEAD_M,
    LENGTH_KM,
    SITES,
    TRACES,
    WAVELENGTHS_NM,
    faces_an_appliance,
    fibre_bench,
    pairs_seen,
    patches,
    sor_files,
    taken,
)
from tests.running.broken_runs import kinds, make, meta, smoke, texts

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.roles import OtdrEvent


def total_loss_db(found: list[OtdrEvent]) -> float:
    """Return the loss of launch, link and tail, by the table's last line."""
    total = found[-1].total_loss_db
    assert total is not None
    return total.value


def test_each_end_traces_the_fibre_at_each_wavelength(whole: Path) -> None:
    rows = [row for row, _ in taken(whole)]
    assert [(row.step, row.site, row.wavelength_nm) for row in rows] == [
        (step, site, wavelength_nm)
        for step, (site, wavelength_nm) in enumerate((s, nm) for s in SITES for nm in WAVELENGTHS_NM)
    ]
    assert {row.gear for row in rows} == {"otdr_a", "otdr_b"}
    assert {(row.pulse_ns, row.range_km, row.averaging_s) for row in rows} == {(100.0, 40.0, 10.0)}
    index_of = {1310.0: 1.4675, 1550.0: 1.468, 1625.0: 1.4685}
    assert all(row.group_index == index_of[row.wavelength_nm] for row in rows)
    assert [row.backscatter_db for row in rows] == [-81.0, -82.0] * 2
    assert {(row.launch_m, row.tail_m) for row in rows} == {(LEAD_M, LEAD_M)}
    times_s = [row.taken_s for row in rows]
    assert times_s == sorted(set(times_s))
    assert (meta(whole)["records_planned"], "finished_utc_s" in meta(whole)) == (TRACES, True)


def test_the_events_are_those_of_the_link_between_launch_and_tail(whole: Path) -> None:
    for row, found in taken(whole):
        assert [event.number for event in found] == list(range(1, len(found) + 1))
        whole_m = 1000.0 * LENGTH_KM + row.launch_m + row.tail_m
        assert found[-1].kind == "End"
        assert found[-1].distance_m == pytest.approx(whole_m, abs=10.0)
        if row.wavelength_nm == 1550.0:
            leads_db = 0.195 * (row.launch_m + row.tail_m) / 1000.0
            assert total_loss_db(found) == pytest.approx(12.47 + leads_db, abs=0.1)


def test_every_trace_is_among_the_artefacts_as_its_row_says(whole: Path) -> None:
    rows = [row for row, _ in taken(whole)]
    files = sor_files(whole)
    assert list(files) == [f"{row.step}-{row.site}-{row.wavelength_nm:g}nm.sor" for row in rows]
    for row in rows:
        assert hashlib.sha256(files[row.sor]).hexdigest() == row.sor_sha256
        assert read_sor(files[row.sor]).block(FxdParams).wavelength_tenth_nm == 10 * row.wavelength_nm


def test_no_otdr_ever_faces_an_appliance_and_the_link_is_given_back(whole: Path) -> None:
    assert patches(whole) == [
        ("gdc_b", "nothing"),
        ("gdc_a", "otdr"),
        ("gdc_a", "nothing"),
        ("gdc_b", "otdr"),
        ("gdc_b", "qkd"),
        ("gdc_a", "qkd"),
    ]
    assert not faces_an_appliance(whole)
    assert set(pairs_seen(whole)[-1].values()) == {"qkd"}
    assert kinds(whole)[-1] == "end"


def test_the_operator_hears_of_launch_and_tail(whole: Path) -> None:
    asked = texts(whole, "operator asked")
    assert asked[0].startswith(
        "At STT GDC-B, connect the end of the fibre to nothing but the tail fibre of 1000 m. ("
    )
    assert asked[1].startswith(
        "At STT GDC-A, connect the end of the fibre to the OTDR (switched on, and on the network there),"
        " through the launch fibre of 1000 m. ("
    )


def test_who_measured_is_in_the_record(whole: Path) -> None:
    otdrs = meta(whole)["otdrs"]
    assert {name: otdr["model"] for name, otdr in otdrs.items()} == dict.fromkeys(
        ("otdr_a", "otdr_b"), "SmartOTDR"
    )


@pytest.mark.parametrize(("gone", "site"), [("otdr_a", "gdc_b"), ("otdr_b", "gdc_a")])
def test_one_otdr_measures_from_its_end(tmp_path: Path, gone: str, site: str) -> None:
    inventory = fibre_bench(tmp_path, without=(gone,), wavelengths_nm=[1550])
    make(inventory, tmp_path / "run", "fibre")
    assert [row.site for row, _ in taken(tmp_path / "run")] == [site]
    assert not faces_an_appliance(tmp_path / "run")
    assert set(pairs_seen(tmp_path / "run")[-1].values()) == {"qkd"}


def test_loss_that_nobody_knows_of_is_seen_from_both_ends(tmp_path: Path, whole: Path) -> None:
    inventory = fibre_bench(tmp_path, {"emulation.extra_loss_db": 1.5})
    make(inventory, tmp_path / "run", "fibre")
    for (row, found), (_, right) in zip(taken(tmp_path / "run"), taken(whole), strict=True):
        assert total_loss_db(found) - total_loss_db(right) == pytest.approx(1.5, abs=0.1), row


def test_another_procedure_opens_no_otdr_and_needs_no_address_of_one(tmp_path: Path) -> None:
    inventory = fibre_bench(tmp_path, {"gear.otdr_a.lab": None, "gear.otdr_b.lab": None})
    choice = smoke(inventory, "lab")
    assert set(choice.lab_connections(PROCEDURES["stability"].roles)) == {"alice", "bob", "voa"}
    make(inventory, tmp_path / "run", "stability")
    assert "otdrs" not in meta(tmp_path / "run")
    assert b"otdr" not in (tmp_path / "run" / "artefacts" / "wires.log").read_bytes()


def test_a_dry_run_tells_every_step(tmp_path: Path) -> None:
    inventory = fibre_bench(tmp_path)
    arguments = ["run", "fibre", "--dry-run", f"--inventory={inventory}", f"--runs={tmp_path / 'runs'}"]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0
    assert (
        "4. ask an operator to free the end of the fibre at STT GDC-B, with 1000 m of tail fibre"
        in told.output
    )
    assert "5. ask an operator to connect otdr_a at STT GDC-A, with 1000 m of launch fibre" in told.output
    assert "3. reach otdr_a; set it up for each wavelength, without light" in told.output
    assert "10. reach otdr_b, which may be the same instrument, carried there; set it up" in told.output
    assert "otdr_b: 1625 nm, 100 ns, 40 km, average for 10 s" in told.output
    assert "records: 4\nlab time: 0:00:40\n" in told.output
    assert "touches: alice, bob, otdr_a, otdr_b, voa; it takes the fibre away" in told.output
    assert not (tmp_path / "runs").exists()


def test_it_is_listed_and_shown(whole: Path) -> None:
    listed = CliRunner().invoke(app, ["list", f"--runs={whole.parent}"])
    assert "finished" in listed.output
    assert "4/4" in listed.output
    shown = CliRunner().invoke(app, ["show", str(whole)])
    assert shown.exit_code == 0
    assert "acquisitions of the fibre" in shown.output
    assert "artefacts/3-gdc_b-1625nm.sor" in shown.output
    assert "otdrs.otdr_b.model" in shown.output
