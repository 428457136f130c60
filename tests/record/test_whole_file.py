"""A file is there whole, or as it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.errors import RecordError
from sweeps.record.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_is_there_in_place_of_what_was(tmp_path: Path) -> None:
    path = tmp_path / "trace.sor"
    for content in (b"first", b"", b"second" * 100_000):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_disk_that_fails_at_any_step_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "trace.sor"
    write_whole(path, b"before")

    def fail(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "No space left on device")

    place = "sweeps.record.whole_file.os" if step == "fsync" else "pathlib.Path"
    with monkeypatch.context() as failing:
        failing.setattr(f"{place}.{step}", fail)
        with pytest.raises(RecordError, match=r"trace\.sor: No space left on device"):
            write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stop_in_the_middle_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sweeps.record.whole_file.os.fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "trace.sor", b"content")
    assert list(tmp_path.iterdir()) == []


def test_what_a_power_cut_left_half_written_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "trace.sor.partial").write_bytes(b"ha")
    write_whole(tmp_path / "trace.sor", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["trace.sor"]
