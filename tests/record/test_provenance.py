"""Where a run comes from, also where git does not tell."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sweeps.record import provenance as module
from sweeps.record.provenance import CodeState, code_state, provenance

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PROJECT_FOLDER", tmp_path)
    # Whatever lies above is nobody's repository.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def git(place: Path, *arguments: str) -> None:
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=place, check=True, capture_output=True)


def committed(place: Path) -> None:
    (place / "code.py").write_text("x = 1\n")
    git(place, "init", "-q")
    git(place, "add", ".")
    git(place, "commit", "-q", "-m", "as it is")


def state(place: Path) -> CodeState:
    return code_state(place / "inventory.yaml", place / "limits.yaml")


def test_a_commit_is_clean_until_the_code_is_changed(project: Path) -> None:
    committed(project)
    (project / "inventory.yaml").write_text("edited: true\n")
    assert state(project).is_dirty is False
    (project / "code.py").write_text("x = 2\n")
    assert state(project).is_dirty is True


def test_without_a_repository_nothing_is_known(project: Path) -> None:
    assert state(project) == CodeState(None, None)
    told = provenance(project / "inventory.yaml", b"", project / "limits.yaml")
    assert (told["git_commit"], told["git_dirty"]) == (None, None)


def test_without_git_nothing_is_known(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(project)
    monkeypatch.setenv("PATH", "")
    assert state(project) == CodeState(None, None)


def test_a_git_that_cannot_compare_does_not_make_a_clean_tree(project: Path) -> None:
    committed(project)
    (project / ".git" / "index").write_bytes(b"no index")
    (project / "code.py").write_text("x = 2\n")
    found = state(project)
    assert found.commit is not None
    assert found.is_dirty is None
