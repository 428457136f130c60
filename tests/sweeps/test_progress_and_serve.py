"""What waiting people see, and the emulated lab as a program of its own."""

from __future__ import annotations

import json
import os
import pty
import socket
import ssl
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

from tests.acceptance.benches import PROJECT, write_inventory

if TYPE_CHECKING:
    from pathlib import Path


def test_a_terminal_shows_a_bar_with_the_time_left(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "sweeps", "run", "attenuation", "--runs", str(tmp_path)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stderr=follower, stdout=subprocess.DEVNULL
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        shown += chunk
    assert process.wait(timeout=60) == 0
    os.close(leader)
    assert b"attenuation" in shown
    assert b"30/30" in shown
    assert b"0:00:00" in shown


def start_lab(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "emulators", "serve", str(PROJECT / "inventory.yaml")]
    return subprocess.Popen(
        [*command, "--folder", str(tmp_path), *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_lab_serves_any_client_on_its_own(tmp_path: Path) -> None:
    """A bare socket and the standard library's HTTPS client: nothing of ours on the client's side."""
    lab = start_lab(tmp_path)
    assert lab.stdout is not None
    addresses = json.loads(lab.stdout.readline())
    assert addresses == json.loads((tmp_path / "lab.json").read_text())
    _, host, port, _ = addresses["connections"]["voa"]["resource"].replace("::", " ").split()
    with socket.create_connection((host, int(port)), timeout=10) as voa:
        voa.sendall(b"*IDN?\r\n")
        assert voa.recv(4096).startswith(b"Viavi")
    bob = addresses["connections"]["bob"]
    trusted = ssl.create_default_context(cafile=bob["ca_file"])
    with urllib.request.urlopen(f"{bob['url']}/openapi.json", context=trusted, timeout=10) as answer:
        assert "/api/v1/telemetry" in json.load(answer)["paths"]
    lab.terminate()
    assert lab.communicate(timeout=20)[1] == ""
    assert lab.returncode == 0


def test_a_lab_without_a_client_ends_itself(tmp_path: Path) -> None:
    lab = start_lab(tmp_path, "--idle-exit-s", "0.5")
    assert lab.communicate(timeout=30)[1] == ""
    assert lab.returncode == 0


def test_the_lab_tells_mistakes_without_a_traceback(tmp_path: Path) -> None:
    bad = write_inventory(tmp_path, {"fibre.length_km": "far", "limits.added_db_max": -1})
    for arguments, said in (
        ([str(bad)], "fibre.length_km: got 'far'"),
        ([str(PROJECT / "inventory.yaml"), "--plan", "nonesuch"], "no plan 'nonesuch'"),
        ([str(PROJECT / "inventory.yaml"), "--station", "mars"], "no station 'mars'"),
    ):
        command = [sys.executable, "-m", "emulators", "serve", *arguments, "--folder", str(tmp_path)]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
