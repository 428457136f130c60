"""One run has the gear, one process has a run: the lock dies with its owner, the words tell who it is."""

from __future__ import annotations

import getpass
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from drivers.clock import utc_now_s
from drivers.errors import StationError
from drivers.facts.inventory import SecretReference, VisaSocketConnection, WebApiConnection
from sweeps.running import lease
from sweeps.running.lease import gear_lease, run_lease
from tests.acceptance.benches import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.inventory import AnyConnection

VOA = VisaSocketConnection(resource="TCPIP::198.51.100.20::8201::SOCKET", device=1)
VOA_2 = VisaSocketConnection(resource="TCPIP::198.51.100.20::8201::SOCKET", device=2)
BOB = WebApiConnection(
    url="https://198.51.100.12", user="bench", password=SecretReference(env="QKD_BOB_PASSWORD")
)

_HOLD = """
import sys, pathlib
from drivers.facts.inventory import VisaSocketConnection
from sweeps.running.lease import gear_lease
voa = VisaSocketConnection(resource="TCPIP::198.51.100.20::8201::SOCKET", device=1)
with gear_lease([voa], pathlib.Path("runs/theirs"), "runner", pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(leases: Path) -> Generator[subprocess.Popen[str]]:
    """Have another process hold the lease of VOA."""
    command = [sys.executable, "-c", _HOLD, str(leases)]
    holder = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
    finally:
        holder.kill()
        holder.communicate()


def try_lease(leases: Path, *connections: AnyConnection) -> None:
    with gear_lease(connections, leases / "mine", "runner", leases):
        pass


def test_gear_that_another_process_has_is_refused_with_its_owner(tmp_path: Path) -> None:
    begun_s = utc_now_s()
    with held_elsewhere(tmp_path) as holder:
        with pytest.raises(StationError) as caught:
            try_lease(tmp_path, BOB, VOA)
        said = str(caught.value)
        assert said.startswith("the device at TCPIP::198.51.100.20::8201::SOCKET 1 is in use: by ")
        assert f"by {getpass.getuser()} on {socket.gethostname()}, process {holder.pid}, since " in said
        assert said.endswith("for the run runs/theirs")
        since = datetime.fromisoformat(said.split("since ")[1].partition(",")[0])
        assert begun_s - 1.0 <= since.astimezone(UTC).timestamp() <= utc_now_s()
        try_lease(tmp_path, BOB, VOA_2)  # what it does not have; and of the try above nothing is kept
        # Killed, it leaves its name and no lock.
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        (owner_file,) = tmp_path.glob("*8201*1.owner.json")
        assert json.loads(owner_file.read_text())["pid"] == holder.pid
        with gear_lease([VOA], tmp_path, "runner", tmp_path):
            assert json.loads(owner_file.read_text())["pid"] == os.getpid()
    assert not owner_file.exists()


def test_a_lease_is_over_however_its_block_ends(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), gear_lease([VOA, BOB], tmp_path, "runner", tmp_path):
        raise KeyboardInterrupt
    try_lease(tmp_path, VOA, BOB)


def test_the_same_device_twice_is_leased_once(tmp_path: Path) -> None:
    try_lease(tmp_path, VOA, VOA)


def test_an_owner_file_that_makes_no_sense_hides_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_NAMING_S", 0.05)
    with run_lease(tmp_path, "runner"):
        for content in ("[1, 2]", "", "\x00"):
            (tmp_path / "run.owner.json").write_text(content)
            with (
                pytest.raises(StationError, match="somebody who left no name"),
                run_lease(tmp_path, "runner"),
            ):
                pass
    with run_lease(tmp_path, "guard"):
        pass


def test_a_folder_where_nobody_can_lock_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "leases").write_text("no folder")
    with pytest.raises(StationError, match=r"device at .* cannot be leased: .*leases"):
        try_lease(tmp_path / "leases", VOA)


def test_the_folder_of_the_host_is_shared_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_HOST_FOLDERS", (tmp_path / "none", tmp_path))
    with gear_lease([VOA], tmp_path / "run", "runner"):
        (lock,) = (tmp_path / "qkd-hil").glob("*.lock")
        assert (tmp_path / "qkd-hil").stat().st_mode & 0o7777 == 0o1777
        assert lock.stat().st_mode & 0o777 == 0o666
    monkeypatch.setattr(lease, "_HOST_FOLDERS", (tmp_path / "none",))
    with pytest.raises(StationError, match="no folder for leases"), gear_lease([VOA], tmp_path, "runner"):
        pass
