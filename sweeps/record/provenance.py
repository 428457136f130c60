"""Where a run comes from, taken without being asked: code, versions, host, hashes of what steered it."""

from __future__ import annotations

import hashlib
import platform
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROJECT_FOLDER = Path(__file__).parents[2]
_PACKAGES = ("numpy", "pydantic", "pyvisa", "pyvisa-py", "requests", "pytest", "pytest-html", "matplotlib")


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class CodeState:
    """The code that runs: its commit, and whether it was changed since; None where git does not tell."""

    commit: str | None
    is_dirty: bool | None


def code_state(inventory: Path, limits: Path) -> CodeState:
    """Return the state of the code, whatever became of inventory and limits."""
    changes = _git("status", "--porcelain", "--", ".", *_all_but(inventory, limits))
    return CodeState(_git("rev-parse", "HEAD"), is_dirty=None if changes is None else bool(changes))


def provenance(inventory: Path, inventory_bytes: bytes, limits: Path) -> dict[str, Any]:
    """Return the provenance of a run that is steered by this inventory and these limits.

    `git_dirty` is about the code; inventory and limits, which every laboratory changes, have hashes. What
    git does not tell is None.
    """
    code = code_state(inventory, limits)
    return {
        "git_commit": code.commit,
        "git_dirty": code.is_dirty,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": {name: version(name) for name in _PACKAGES},
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "inventory_sha256": sha256_of(inventory_bytes),
        "limits_sha256": sha256_of(limits.read_bytes()) if limits.exists() else None,
    }


def _all_but(*paths: Path) -> list[str]:
    """Return what tells git to look away from those of `paths` that lie in this project."""
    inside = [path.resolve() for path in paths if path.resolve().is_relative_to(PROJECT_FOLDER)]
    return [f":(exclude,top){path.relative_to(PROJECT_FOLDER).as_posix()}" for path in inside]


def _git(*arguments: str) -> str | None:
    """Ask git about this project; None where it does not answer: no git, no repository, one it distrusts."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", *arguments],  # noqa: S607 - the git of whoever runs this
            cwd=PROJECT_FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
