"""Inputs that are wrong: told all at once, without a traceback, and with nothing sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from drivers.contact.choice import choose
from drivers.errors import InventoryError
from drivers.facts.connections import WebApiConnection
from tests.acceptance.benches import write_inventory
from tests.contact.contact_lab import INVENTORY, check

if TYPE_CHECKING:
    from pathlib import Path


def test_all_mistakes_of_an_inventory_are_told(tmp_path: Path) -> None:
    bad = write_inventory(tmp_path, {"fibre.length_km": "far", "limits.added_db_max": -1})
    done = check(bad)
    assert done.exit_code == 2
    assert "InventoryError" in done.stderr
    assert "fibre.length_km: got 'far'" in done.stderr
    assert "limits.added_db_max: got -1" in done.stderr
    assert done.stdout == ""


def test_an_inventory_that_is_not_there(tmp_path: Path) -> None:
    done = check(tmp_path / "nowhere.yaml")
    assert done.exit_code == 2
    assert "cannot be read: No such file" in done.stderr


def test_an_unknown_station_is_told_with_the_known_ones() -> None:
    done = check(INVENTORY, "--station", "mars")
    assert done.exit_code == 2
    assert "no station 'mars'; there are: paper-link" in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "python -m emulators serve"), ("{}", "pid: Field required"), ("\x00", "is no lab.json")],
)
def test_a_lab_file_that_is_none(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "lab.json"
    if content is not None:
        path.write_text(content)
    done = check(INVENTORY, "--lab-file", path)
    assert done.exit_code == 2
    assert "LabError" in done.stderr
    assert said in done.stderr


def two_stations(tmp_path: Path) -> Path:
    content = yaml.safe_load(INVENTORY.read_text())
    content["stations"]["other-link"] = content["stations"]["paper-link"]
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_lab_of_another_station_is_refused(lab_file: Path, tmp_path: Path) -> None:
    done = check(two_stations(tmp_path), "--lab-file", lab_file, "--station", "other-link")
    assert done.exit_code == 2
    assert "this emulated lab is 'paper-link', not 'other-link'" in done.stderr


def test_the_labs_own_station_is_taken_and_named_in_what_comes_next(lab_file: Path, tmp_path: Path) -> None:
    done = check(two_stations(tmp_path), "--lab-file", lab_file)
    assert done.exit_code == 0, done.output
    assert "--station paper-link --dry-run" in done.stdout


def test_several_stations_need_a_name(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="several stations; name one of: other-link, paper-link"):
        choose(two_stations(tmp_path), None, None)
    assert choose(two_stations(tmp_path), "other-link", None).station_name == "other-link"


def test_files_of_the_lab_are_found_from_the_inventory(tmp_path: Path) -> None:
    bob = choose(write_inventory(tmp_path, {}), None, None).connections["bob"]
    assert isinstance(bob, WebApiConnection)
    assert bob.ca_file == tmp_path / "secrets" / "management-ca.pem"


def test_a_wire_log_that_cannot_be_written(lab_file: Path, tmp_path: Path) -> None:
    done = check(INVENTORY, "--lab-file", lab_file, "--wire-log", tmp_path / "no" / "such" / "folder")
    assert done.exit_code == 2
    assert "No such file or directory" in done.stderr


def test_virtual_time_is_remarked(lab_file: Path, tmp_path: Path) -> None:
    virtual = tmp_path / "lab.json"
    virtual.write_text(json.dumps({**json.loads(lab_file.read_text()), "clock": "virtual"}))
    done = check(INVENTORY, "--lab-file", virtual)
    assert done.exit_code == 0
    assert "virtual time, so clock offsets mean nothing: serve it with --clock wall" in done.stdout
