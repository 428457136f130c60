"""What a person sees: panels on a terminal, plain lines elsewhere, and nothing that a device can spoil."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from drivers.contact.found import DeviceContact, Interface
from drivers.contact.rows import rows_of, title_of
from drivers.facts.names import load_names
from drivers.roles import Identity
from drivers.wires.https_certificate import Distrust, ServerCertificate, ShownCertificate
from tests.acceptance.benches import PROJECT
from tests.contact.contact_lab import INVENTORY, check

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0


def on_a_terminal(columns: int, lab_file: Path) -> str:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "drivers", "check", "--lab-file", str(lab_file), "--verbose"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=follower)
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        shown += chunk
    os.close(leader)
    assert process.wait(timeout=60) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


@pytest.mark.parametrize("columns", [80, 120])
def test_panels_fit_the_terminal(columns: int, lab_file: Path) -> None:
    page = on_a_terminal(columns, lab_file)
    lines = page.splitlines()
    assert max(len(line) for line in lines) == columns
    for panel in ("alice", "bob", "voa", "otdr_a", "otdr_b"):
        assert any(line.startswith(f"╭─ {panel} (") for line in lines)
    assert sum(line.startswith("╰─") for line in lines) == 5
    fingerprint = re.findall(r"[0-9A-F]{2}(?::[0-9A-F]{2}){15}:?", page)
    assert len(fingerprint) == 4, "each half of a fingerprint stands on one line"
    assert "5 of 5 devices reached, all as the inventory says" in page
    assert "  python -m sweeps run attenuation --plan paper --target emulator --dry-run" in lines


def contact(**changes: object) -> DeviceContact:
    interface = Interface("names.yaml", load_names("viavi_map_mvoa"))
    fields: dict[str, object] = {
        "name": "voa",
        "driver": "viavi_map_mvoa",
        "expected": "attenuator",
        "address": "TCPIP::192.0.2.1::8201::SOCKET",
        "interface": interface,
    }
    return DeviceContact(**(fields | changes))  # pyright: ignore[reportArgumentType] - a test's own fields


def test_what_a_device_says_cannot_steer_the_terminal() -> None:
    identity = Identity("Evil\x1b[2J", "[bold]m\rVOA", "\u202e1\n2", "\x07")
    rows = dict(rows_of(contact(identity=identity), 0.0, is_verbose=False))
    assert rows["identity"] == "Evil\\x1b[2J, [bold]m\\rVOA, serial \\u202e1\\n2, firmware \\x07"


@pytest.mark.parametrize(
    ("now_s", "said"), [(90 * DAY_S, "10 days left"), (130 * DAY_S, "EXPIRED 30 days ago")]
)
def test_the_days_that_a_certificate_has_left_are_told(now_s: float, said: str) -> None:
    certificate = ServerCertificate("", "", (), 0.0, 100 * DAY_S, ":".join(["AB"] * 32), is_self_signed=False)
    shown = ShownCertificate(certificate, Distrust("other", "some reason"))
    listed = rows_of(contact(certificate=shown), now_s, is_verbose=False)
    rows = dict(listed)
    assert rows["  valid"] == f"1970-01-01 to 1970-04-11, {said}"
    assert rows["certificate"] == "NOT TRUSTED: some reason"
    assert rows["  names"] == rows["  subject"] == rows["  issuer"] == "none"
    first = listed.index(("  SHA-256", rows["  SHA-256"]))
    assert listed[first][1] + listed[first + 1][1] == certificate.sha256


@pytest.mark.parametrize(
    ("offset_s", "said"),
    [(0.0123, "+12.3 ms ± 0.5 ms"), (-2.5, "-2.50 s ± 0.5 ms"), (86_400.0, "+86400 s ± 0.5 ms")],
)
def test_clock_offsets_carry_sign_unit_and_uncertainty(offset_s: float, said: str) -> None:
    from drivers.contact.found import ClockOffset

    rows = dict(rows_of(contact(clock=ClockOffset(offset_s, 0.0005)), 0.0, is_verbose=False))
    assert rows["clock"] == f"{said} beside this host's"


def test_a_title_says_what_the_inventory_has_there() -> None:
    assert title_of(contact()) == "voa (attenuator, viavi_map_mvoa) at TCPIP::192.0.2.1::8201::SOCKET"
    assert title_of(contact(name="bob", expected="bob")).startswith("bob (viavi_map_mvoa) at ")


def test_plain_text_breaks_no_line_and_has_no_colour(lab_file: Path) -> None:
    page = check(INVENTORY, "--lab-file", lab_file, "--verbose").stdout
    assert "\x1b" not in page
    assert "╭" not in page
    assert max(len(line) for line in page.splitlines()) > 100


def test_json_is_all_that_is_printed_when_asked_for(lab_file: Path) -> None:
    assert json.loads(check(INVENTORY, "--lab-file", lab_file, "--json", "--verbose").stdout)["version"] == 1
