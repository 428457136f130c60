"""`python -m emulators serve --listen`: a lab at the addresses that somebody named."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from drivers.facts.gear import OzDd100Gear
from emulators.wires.places import FREE_PLACE, Place, PlaceError, listening_at, read_places
from tests.acceptance.benches import PROJECT
from tests.contact.contact_lab import BOB, VOA
from tests.lab_proof.foreign_lab import NETWORK, Hosts, foreign_lab, found_at

if TYPE_CHECKING:
    from pathlib import Path

SITE_A, SITE_B = f"127.{NETWORK}.50", f"127.{NETWORK}.60"
GEAR = {"bob": BOB, "voa": VOA}
SERIAL = OzDd100Gear(role="attenuator", driver="oz_dd100mc", site="here", calibration_nm=1550)


def serve(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Serve the shipped station until it sees that nobody comes."""
    command = [sys.executable, "-m", "emulators", "serve", str(PROJECT / "inventory.yaml")]
    command += ["--folder", str(folder), "--idle-exit-s", "0.5", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_named_gear_and_control_are_there_and_all_else_is_on_free_ports_of_loopback(tmp_path: Path) -> None:
    wanted = ("--listen", f"alice={SITE_A}:18443", "--listen", f"control={SITE_B}:18000")
    done = serve(tmp_path, *wanted)
    assert (done.returncode, done.stderr) == (0, "")
    addresses = json.loads(done.stdout)
    assert addresses["connections"]["alice"]["url"] == f"https://{SITE_A}:18443"
    assert addresses["control"] == {"host": SITE_B, "port": 18000}
    assert addresses["connections"]["bob"]["url"].startswith("https://127.0.0.1:")
    assert addresses["connections"]["voa"]["resource"].startswith("TCPIP::127.0.0.1::")


def test_a_lab_at_fixed_addresses_is_met_as_a_lab_is(tmp_path: Path) -> None:
    """By an inventory alone: the certificate holds the address, and the clock is the host's."""
    with foreign_lab(tmp_path, Hosts(SITE_A, SITE_B)) as lab:
        found = found_at(lab)
    for name, host in (("alice", SITE_A), ("bob", SITE_B)):
        certificate = found[name]["certificate"]
        assert certificate["distrust"] is None
        assert set(certificate["certificate"]["names"]) == {"127.0.0.1", "localhost", name, host}
        # As far as the bench can tell; between two readings of the host's clock a machine may pause.
        clock = found[name]["clock"]
        assert abs(clock["offset_s"]) < clock["uncertainty_s"] + 0.01


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("bob=203.0.113.7:18443", "bob cannot listen at 203.0.113.7:18443: this host has no such address"),
        ("mars=127.0.3.1:18443", "no gear 'mars'; there are: alice, bob, voa, "),
    ],
)
def test_a_mistake_is_told_in_words_before_any_file_is_touched(
    wanted: str, told: str, tmp_path: Path
) -> None:
    done = serve(tmp_path, "--listen", wanted)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            ["--listen", f"alice={SITE_A}:18443"],
            f"alice cannot listen at {SITE_A}:18443: another program listens there",
        ),
        ([], "a lab that runs already has this folder"),
    ],
    ids=["same-address", "same-folder"],
)
def test_a_second_lab_in_the_same_folder_leaves_the_first_one_its_files(
    tmp_path: Path, wanted: list[str], told: str
) -> None:
    folder = tmp_path / "lab" / "files"
    with foreign_lab(tmp_path, Hosts(SITE_A, SITE_B)) as lab:
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert before[folder / "lab-history.jsonl"] != b""
        done = serve(folder, *wanted)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert found_at(lab)["alice"]["is_as_expected"]


@pytest.mark.parametrize(
    ("left", "told"),
    [(None, "holds no act"), (b"XX\nXX\n", "line 1 of 2 is no act")],
    ids=["nothing", "damaged"],
)
def test_there_is_no_going_on_from_a_broken_history(tmp_path: Path, left: bytes | None, told: str) -> None:
    if left is not None:
        (tmp_path / "lab-history.jsonl").write_bytes(left)
    done = serve(tmp_path, "--clock", "virtual", "--go-on-at-s", "1704067300.0")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"lab-history.jsonl: {told}" in done.stderr
    assert "Traceback" not in done.stderr


def test_places_are_read() -> None:
    places = read_places(["bob=10.1.2.3:443", "voa=127.0.0.1:0", "control=127.0.0.1:65535"], GEAR)
    assert places == {
        "bob": Place("10.1.2.3", 443),
        "voa": FREE_PLACE,
        "control": Place("127.0.0.1", 65535),
    }
    assert read_places([], GEAR) == {}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("bob", "expected NAME=ADDRESS:PORT"),
        ("bob=127.0.0.1", "expected NAME=ADDRESS:PORT"),
        ("bob=localhost:80", "expected NAME=ADDRESS:PORT"),
        ("bob=[::1]:80", "expected NAME=ADDRESS:PORT"),
        ("bob=127.0.0.1:", "a port is 1 to 65535"),
        ("bob=127.0.0.1:-1", "a port is 1 to 65535"),
        ("bob=127.0.0.1:65536", "a port is 1 to 65535"),
        ("bob=0.0.0.0:80", "name one address of this host"),
        ("serial=127.0.0.1:80", "serial is on a serial port, which has no address"),
        ("=127.0.0.1:80", "no gear ''"),
    ],
)
def test_what_is_no_place_is_told_with_what_was_given(wanted: str, told: str) -> None:
    with pytest.raises(PlaceError) as caught:
        read_places([wanted], {**GEAR, "serial": SERIAL})
    assert f"\n  {wanted}: " in str(caught.value)
    assert told in str(caught.value)


def test_every_mistake_is_told_at_once_also_one_given_twice() -> None:
    with pytest.raises(PlaceError) as caught:
        read_places(["bob=127.0.0.1:1", "bob=127.0.0.1:2", "nobody=127.0.0.1:3"], GEAR)
    assert str(caught.value).count("\n") == 2
    assert "bob was given before" in str(caught.value)


def test_a_port_in_use_and_any_other_reason_are_told_with_the_place() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place("127.0.0.1", taken.getsockname()[1])
        with (
            pytest.raises(PlaceError, match=f"^bob cannot listen at 127.0.0.1:{place.port}: another program"),
            listening_at("bob", place),
        ):
            socket.create_server((place.host, place.port))
    with pytest.raises(PlaceError, match=os.strerror(23)), listening_at("bob", FREE_PLACE):
        raise OSError(23, os.strerror(23))
