"""An emulated lab that is kept as foreign gear would be: reached by its addresses and what it hands over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tests.acceptance.benches import PROJECT, STATION, write_inventory

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

SEED = 119
"""Of the foreign lab's draws; the bench does not know it.

Which records a run gets depends on when it starts. By the plan `glance` two runs disagree about once in five
times: six records may look correlated and then count as too few. With this seed and the bench's seed 1 it is
about once in 500 times (2700 starts within the lab's first 70 s, at 40 dates, were looked at).
"""
WEB_PORT = 18443
SCPI_PORT = 18201

# Addresses and leases are the whole host's: of two people who test at the same time each needs his own.
_NUMBER = os.getpid()
NETWORK = f"{_NUMBER // 250 % 250 + 1}.{_NUMBER % 250 + 1}"
"""Two numbers in the middle of every address of this process's labs."""

PLANS: dict[str, Any] = {
    # By the wall clock, so as little as the limits' effective samples allow.
    "glance": {
        "title": "Three points and a moment of stability",
        "virtual_t0": "2024-01-01T00:00:00Z",
        "record_period_s": 1,
        "attenuation": {"added_db": [0, 5, 10], "records_per_point": 6, "settle_s": 1},
        "stability": {"records": 12},
    },
    "glimpse": {
        "title": "Two points",
        "virtual_t0": "2024-01-01T00:00:00Z",
        "record_period_s": 1,
        "attenuation": {"added_db": [0, 10], "records_per_point": 4, "settle_s": 1},
        "stability": {"records": 6},
    },
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """Addresses of the two sites, and the command before a command that runs it at either place."""

    site_a: str
    site_b: str
    in_lab: Sequence[str] = ()
    at_bench: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ForeignLab:
    """A lab that is served, what it hands over, and the inventory that a bench elsewhere has of it."""

    hosts: Hosts
    process: subprocess.Popen[str]
    authority: Path
    password: Path
    inventory: Path


@contextmanager
def foreign_lab(
    folder: Path, hosts: Hosts, voa_defects: Mapping[str, Any] | None = None
) -> Generator[ForeignLab]:
    """Serve a lab at `hosts` while the block runs. Its own files and the bench's lie in folders apart."""
    own = folder / "lab"
    own.mkdir(parents=True)
    described = with_plans(write_inventory(own, {"gear.voa.defects": voa_defects or {}}))
    command = [*hosts.in_lab, sys.executable, "-m", "emulators", "serve", str(described)]
    command += ["--clock", "wall", "--plan", "glance", "--seed", str(SEED), "--folder", str(own / "files")]
    # Should this process be killed; a session on the lab target is no client of the lab's control.
    command += ["--idle-exit-s", "600"]
    for name, place in _places(hosts).items():
        command += ["--listen", f"{name}={place}"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("{"), ready + process.stdout.read()
            authority, password = own / "files/pki/_ca.pem", own / "files/pki/management-password"
            inventory = bench_inventory(folder / "bench", hosts, authority, password)
            yield ForeignLab(hosts, process, authority, password, inventory)
        finally:
            process.terminate()


def bench_inventory(
    folder: Path,
    hosts: Hosts,
    authority: Path,
    password: Path,
    *,
    live: bool = False,
    scpi_port: int = SCPI_PORT,
) -> Path:
    """Write an inventory as a bench's people would: addresses, and what the lab gave them by reference."""
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    shutil.copy(authority, secrets / "management-ca.pem")
    shutil.copy(password, secrets / "password")
    web = {
        "ca_file": "secrets/management-ca.pem",
        "user": "bench",
        "password": {"file": "secrets/password"},
        "live": live,
    }
    voa = {"resource": f"TCPIP::{hosts.site_b}::{scpi_port}::SOCKET", "live": live}
    changes = {
        "gear.alice.lab": {"url": f"https://{hosts.site_a}:{WEB_PORT}", **web},
        "gear.bob.lab": {"url": f"https://{hosts.site_b}:{WEB_PORT}", **web},
        "gear.voa.lab": voa,
    }
    return without_otdrs(with_plans(write_inventory(folder, changes)))


def without_otdrs(inventory: Path) -> Path:
    """Take the OTDRs out: nobody has brought one to this bench."""
    content = yaml.safe_load(inventory.read_text())
    gear = content["stations"][STATION]["gear"]
    content["stations"][STATION]["gear"] = {name: one for name, one in gear.items() if one["role"] != "otdr"}
    inventory.write_text(yaml.safe_dump(content))
    return inventory


def with_plans(inventory: Path) -> Path:
    """Add the short plans; `smoke` becomes the shortest, so that a bare session is short too."""
    content = yaml.safe_load(inventory.read_text())
    content["plans"] |= {**PLANS, "smoke": PLANS["glimpse"]}
    inventory.write_text(yaml.safe_dump(content))
    return inventory


def found_at(lab: ForeignLab) -> dict[str, Any]:
    """Return what `python -m drivers check` of the bench finds, by device; it changes nothing."""
    command = [*lab.hosts.at_bench, sys.executable, "-m", "drivers", "check", str(lab.inventory), "--json"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {device["name"]: device for device in json.loads(done.stdout)["devices"]}


def _places(hosts: Hosts) -> dict[str, str]:
    return {
        "alice": f"{hosts.site_a}:{WEB_PORT}",
        "bob": f"{hosts.site_b}:{WEB_PORT}",
        "voa": f"{hosts.site_b}:{SCPI_PORT}",
    }
