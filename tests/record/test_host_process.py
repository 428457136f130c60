"""Whether the process that works on a run still lives: real processes, and numbers given away again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drivers.clock import utc_now_s
from sweeps.record import host_process
from sweeps.record.host_process import HostProcess, is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this system")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "input()"]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with started:
        yield started
        started.kill()


def process_of(pid: int, started_utc_s: float | None = None, ticks: int | None = None) -> HostProcess:
    return HostProcess(pid, socket.gethostname(), started_utc_s or utc_now_s(), ticks)


def ticks_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_a_process_lives_until_it_ends(process: subprocess.Popen[bytes]) -> None:
    runner = process_of(process.pid)
    assert is_alive(runner) is True
    process.kill()
    process.wait()
    assert is_alive(runner) is False


@needs_proc
def test_a_process_that_nobody_has_collected_yet_is_not_alive(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and left where it is
    assert Path(f"/proc/{process.pid}").exists()
    assert is_alive(process_of(process.pid)) is False


@needs_proc
def test_a_number_that_was_given_to_another_process_is_not_the_runner() -> None:
    ticks = ticks_of(os.getpid())
    assert is_alive(process_of(os.getpid(), ticks=ticks)) is True
    assert is_alive(process_of(os.getpid(), ticks=ticks - 1)) is False
    assert is_alive(process_of(os.getpid(), started_utc_s=utc_now_s() - 1e6)) is False


@needs_proc
def test_ticks_are_believed_where_the_hosts_clock_was_set_meanwhile() -> None:
    assert is_alive(process_of(os.getpid(), utc_now_s() - 1e6, ticks_of(os.getpid()))) is True


def test_of_another_hosts_processes_nothing_is_known() -> None:
    assert is_alive(HostProcess(os.getpid(), "another-host", utc_now_s())) is None


def test_without_proc_the_number_alone_must_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host_process, "_PROC", tmp_path)
    assert is_alive(process_of(os.getpid(), ticks=1)) is True
    assert is_alive(process_of(2**22 + 5)) is False


def test_a_number_that_no_process_can_have_is_not_alive() -> None:
    assert is_alive(process_of(2**70)) is False


@needs_proc
def test_a_name_with_brackets_and_spaces_does_not_hide_the_process(tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to(sys.executable)
    with subprocess.Popen([odd, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_alive(process_of(process.pid, ticks=ticks_of(process.pid))) is True
        process.kill()
