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
from drivers.facts.connections import (
    SecretReference,
    SerialConnection,
    VisaSocketConnection,
    WebApiConnection,
)
from sweeps.running import lease
from sweeps.running.device_key import device_key
from sweeps.running.lease import gear_lease, run_lease
from tests.acceptance.benches import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.connections import AnyConnection

VOA = VisaSocketConnection(resource="TCPIP::198.51.100.20::8201::SOCKET", device=1)
VOA_2 = VisaSocketConnection(resource="TCPIP::198.51.100.20::8201::SOCKET", device=2)
BOB = WebApiConnection(
    url="https://198.51.100.12", user="bench", password=SecretReference(env="QKD_BOB_PASSWORD")
)

_HOLD = """
import sys, pathlib
from drivers.facts.connections import VisaSocketConnection
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
    monkeypatch.setattr(lease, "_HOST_BASES", (tmp_path / "none", tmp_path))
    tmp_path.chmod(0o1777)
    with gear_lease([VOA], tmp_path / "run", "runner"):
        (lock,) = (tmp_path / "qkd-hil").glob("*.lock")
        assert (tmp_path / "qkd-hil").stat().st_mode & 0o7777 == 0o777
        assert lock.stat().st_mode & 0o777 == 0o666
    monkeypatch.setattr(lease, "_HOST_BASES", (tmp_path / "none",))
    with pytest.raises(StationError, match="no folder for leases"), gear_lease([VOA], tmp_path, "runner"):
        pass


def test_a_folder_is_chosen_by_its_mode_and_not_by_what_root_may_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots, everybodys = tmp_path / "lock", tmp_path / "tmp"
    roots.mkdir(0o755)
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    monkeypatch.setattr(lease, "_HOST_BASES", (roots, everybodys))
    assert lease._host_folder() == everybodys / "qkd-hil"
    (everybodys / "qkd-hil").chmod(0o1777)  # as an older program left it
    assert lease._host_folder() == everybodys / "qkd-hil"
    assert (everybodys / "qkd-hil").stat().st_mode & 0o7777 == 0o777
    (roots / "qkd-hil").mkdir()
    assert lease._host_folder() == everybodys / "qkd-hil"
    (roots / "qkd-hil").chmod(0o777)  # as an administrator may
    assert lease._host_folder() == roots / "qkd-hil"


def test_the_folder_of_the_host_is_not_each_users_own(tmp_path: Path) -> None:
    code = "from sweeps.running import lease; print(*lease._HOST_BASES)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "/run/lock /tmp\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_lock_that_another_user_left_can_be_leased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_HOST_BASES", (tmp_path,))
    tmp_path.chmod(0o1777)
    for _ in range(2):
        with gear_lease([VOA], tmp_path / "run", "runner"):
            (lock,) = (tmp_path / "qkd-hil").glob("*.lock")
        os.chown(lock, 12345, 12345)


def test_no_link_leads_the_writing_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_HOST_BASES", (tmp_path,))
    tmp_path.chmod(0o1777)
    victim, folder = tmp_path / "victim", tmp_path / "elsewhere"
    victim.write_text("precious")
    folder.mkdir(0o700)
    (tmp_path / "qkd-hil").symlink_to(folder)
    with pytest.raises(StationError, match="qkd-hil: cannot be opened to all"):
        lease._host_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "owner").symlink_to(victim)
    with pytest.raises(FileExistsError):
        lease._write_new(tmp_path / "owner", "{}")
    assert victim.read_text() == "precious"
    assert lease._read_owner(tmp_path / "owner") == {}
    os.mkfifo(tmp_path / "pipe")
    assert lease._read_owner(tmp_path / "pipe") == {}


def test_a_user_without_a_name_has_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_entry() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", no_entry)
    with run_lease(tmp_path, "runner"):
        assert json.loads((tmp_path / "run.owner.json").read_text())["owner"] == str(os.getuid())


def visa(resource: str, device: int = 1) -> VisaSocketConnection:
    return VisaSocketConnection(resource=resource, device=device)


def web(url: str) -> WebApiConnection:
    return WebApiConnection(url=url, user="bench", password=SecretReference(env="QKD_BOB_PASSWORD"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (visa("TCPIP::voa.example::8201::SOCKET"), visa("TCPIP0::VOA.example::08201::SOCKET")),
        (web("https://bob.example"), web("https://BOB.example:443")),
    ],
)
def test_one_device_has_one_key_however_its_address_is_written(
    tmp_path: Path, one: AnyConnection, other: AnyConnection
) -> None:
    assert device_key(one) == device_key(other)
    with (
        gear_lease([one], tmp_path / "theirs", "runner", tmp_path),
        pytest.raises(StationError, match="in use"),
    ):
        try_lease(tmp_path, other)


def test_a_port_is_where_its_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    ports = [SerialConnection(port=str(tmp_path / name)) for name in ("ttyUSB0", "by-id")]
    assert device_key(ports[0]) == device_key(ports[1])


def test_two_devices_have_two_keys() -> None:
    several = [
        visa("TCPIP::h::8201::SOCKET"),
        visa("TCPIP::h::8201::SOCKET", 2),
        visa("TCPIP::h::8202::SOCKET"),
        visa("TCPIP::i::8201::SOCKET"),
        web("https://h"),
        web("https://h:8443"),
    ]
    assert len({device_key(connection) for connection in several}) == len(several)
