"""Every lab and session of the proof, started once and all at the same time: they keep wall time."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.lab_proof.foreign_lab import NETWORK, ForeignLab, Hosts, foreign_lab
from tests.lab_proof.namespaces import NoNamespaces, cabled_namespaces
from tests.lab_proof.sessions import Session, session

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

ON_LOOPBACK = Hosts(f"127.{NETWORK}.10", f"127.{NETWORK}.20")
WRONG_ON_LOOPBACK = Hosts(f"127.{NETWORK}.30", f"127.{NETWORK}.40")


@dataclass(frozen=True, slots=True)
class Proof:
    """A foreign lab, and the acceptance session that is made on it from outside."""

    lab: ForeignLab
    session: Session


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is under way."""

    loopback: Proof
    namespaces: Proof | None
    why_no_namespaces: str
    wrong: Proof
    """A lab whose attenuator has a wrong scale, with the shorter plan and the sweep alone."""
    emulator: Session
    """What all but the wrong lab have to agree with: the same options on an emulator."""
    short_emulator: Session


@pytest.fixture(scope="session")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Generator[Proofs]:
    folder = tmp_path_factory.mktemp("proofs")
    with ExitStack() as stack:
        loopback = stack.enter_context(foreign_lab(folder / "loopback", ON_LOOPBACK))
        at_loopback = _accept(stack, loopback, folder / "at-loopback", "--plan=glance")
        try:
            cabled = stack.enter_context(cabled_namespaces())
        except NoNamespaces as reason:
            namespaces, why_no_namespaces = None, str(reason)
        else:
            apart = stack.enter_context(foreign_lab(folder / "namespaces", cabled))
            namespaces = _accept(stack, apart, folder / "at-namespaces", "--plan=glance")
            why_no_namespaces = ""
        wrong = stack.enter_context(
            foreign_lab(folder / "wrong", WRONG_ON_LOOPBACK, voa_defects={"scale": 1.5})
        )
        at_wrong = _accept(stack, wrong, folder / "at-wrong", "--plan=glimpse", "-k", "test_attenuation")
        emulator = _emulate(stack, loopback, folder / "emulator", "--plan=glance")
        short_emulator = _emulate(
            stack, wrong, folder / "short-emulator", "--plan=glimpse", "-k", "test_attenuation"
        )
        yield Proofs(at_loopback, namespaces, why_no_namespaces, at_wrong, emulator, short_emulator)


@pytest.fixture(params=["loopback", "namespaces"])
def proof(request: pytest.FixtureRequest, proofs: Proofs) -> Proof:
    """Give the right lab at fixed loopback addresses, then the one in a network of its own."""
    if request.param == "loopback":
        return proofs.loopback
    if proofs.namespaces is None:
        pytest.skip(f"no network namespaces here: {proofs.why_no_namespaces}")
    return proofs.namespaces


def _accept(stack: ExitStack, lab: ForeignLab, folder: Path, *options: str) -> Proof:
    arguments = ("--target=lab", f"--inventory={lab.inventory}", *options)
    return Proof(lab, stack.enter_context(session(folder, *arguments, place=lab.hosts.at_bench)))


def _emulate(stack: ExitStack, lab: ForeignLab, folder: Path, *options: str) -> Session:
    return stack.enter_context(session(folder, "--target=emulator", f"--inventory={lab.inventory}", *options))
