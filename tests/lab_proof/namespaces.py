"""Two network namespaces with a cable between them: one for the lab, one for the bench.

They belong to a user namespace, so that no root is needed where the system allows those, and nothing of
this host's network is touched. Each lives as long as the process that holds it, which ends with this one.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.lab_proof.foreign_lab import NETWORK, Hosts

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

BENCH = f"10.{NETWORK}.1"
SITE_A = f"10.{NETWORK}.10"
SITE_B = f"10.{NETWORK}.20"

_PROGRAMS = ("unshare", "nsenter", "ip")


class NoNamespaces(Exception):
    """This host does not let us have namespaces; the text says what was refused."""


@contextmanager
def cabled_namespaces() -> Generator[Hosts]:
    """Have both namespaces while the block runs; NoNamespaces where rights or programs are missing."""
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        raise NoNamespaces(f"no {', '.join(missing)} on this host")
    with ExitStack() as stack:
        bench = stack.enter_context(_held(["unshare", "--user", "--map-root-user", "--net"]))
        lab = stack.enter_context(_held([*_inside(bench), "unshare", "--net"]))
        _lay_cable(bench, lab)
        yield Hosts(SITE_A, SITE_B, in_lab=_inside(lab), at_bench=_inside(bench))


@contextmanager
def _held(command: Sequence[str]) -> Generator[subprocess.Popen[str]]:
    """Make a namespace by `command` and hold it by a process that ends when its standard input does."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "cat"], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stderr is not None
        try:
            holder.stdin.write("there\n")
            holder.stdin.flush()
            there = holder.stdout.readline()
        except BrokenPipeError:
            there = ""
        if not there:
            raise NoNamespaces(holder.stderr.read().strip())
        yield holder
        holder.stdin.close()


def _inside(holder: subprocess.Popen[str]) -> list[str]:
    return ["nsenter", f"--target={holder.pid}", "--user", "--net", "--preserve-credentials", "--"]


def _lay_cable(bench: subprocess.Popen[str], lab: subprocess.Popen[str]) -> None:
    at_bench, in_lab = _inside(bench), _inside(lab)
    _do(at_bench, f"link add to-lab type veth peer name to-bench netns {lab.pid}")
    for place, link, addresses in ((at_bench, "to-lab", [BENCH]), (in_lab, "to-bench", [SITE_A, SITE_B])):
        for address in addresses:
            _do(place, f"addr add {address}/24 dev {link}")
        _do(place, f"link set {link} up")
        _do(place, "link set lo up")


def _do(place: Sequence[str], what: str) -> None:
    done = subprocess.run([*place, "ip", *what.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoNamespaces(f"ip {what}: {done.stderr.strip()}")
