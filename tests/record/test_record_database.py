"""Records in folders where one may not write, and beside files that a killed writer left."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drivers.errors import RecordError
from sweeps.record.catalogue import summary_of
from sweeps.record.database import open_to_read
from sweeps.record.export import export_run
from sweeps.record.measured_rows import add_reading, power_readings
from sweeps.record.run_record import LOG_NAME, RunRecord
from sweeps.record.schema import PowerReading
from sweeps.record.snapshot import snapshot_of
from sweeps.watching.watcher import RunWatcher
from tests.acceptance.benches import PROJECT
from tests.record.written_runs import stability

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_NOBODY = 65534
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.record.written_runs import record, stability
from sweeps.record.run_record import RunRecord
folder = stability(Path(sys.argv[1]), records=0)
run = RunRecord.open(folder)
for slot in range(30):
    run.add_record(slot, None, record(slot))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a folder that every user of the host may look into, as `tmp_path` is not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Let nobody write in `folder` while the block runs; root may always, so it is somebody else there."""
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(_NOBODY)
    try:
        with pytest.raises(OSError, match="denied"):
            (folder / "probe").touch()
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)


def killed(place: Path) -> Path:
    """Return a run whose 30 records stand in its write-ahead log and nowhere else."""
    folder = place / "run"
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=PROJECT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (folder / f"{LOG_NAME}-wal").stat().st_size > 0
    return folder


def test_a_finished_run_is_read_where_one_may_not_write(place: Path, tmp_path: Path) -> None:
    folder = stability(place / "run")
    with read_only(folder):
        assert summary_of(folder).records_taken == 3
        with snapshot_of(folder) as snapshot:
            assert list(snapshot.rows("SELECT slot FROM telemetry")) == [(0,), (1,), (2,)]
        with RunRecord.open(folder, is_read_only=True) as run:
            assert run.count_records() == 3
        assert RunWatcher(folder).look().taken == 3
        with pytest.raises(RecordError):
            RunRecord.open(folder)
    assert [path.name for path in folder.iterdir() if path.name.startswith(LOG_NAME)] == [LOG_NAME]
    assert export_run(folder, tmp_path / "to")


def test_an_empty_write_ahead_log_hides_nothing(place: Path) -> None:
    folder = stability(place / "run")
    (folder / f"{LOG_NAME}-wal").touch()
    with read_only(folder), snapshot_of(folder) as snapshot:
        assert snapshot.run.count_records() == 3


def test_rows_in_a_write_ahead_log_that_cannot_be_read_are_told_and_never_dropped(place: Path) -> None:
    folder = killed(place)
    (folder / f"{LOG_NAME}-shm").unlink()
    told = r"its log.sqlite-wal cannot be read here; copy the folder to where you may write"
    with read_only(folder):
        with pytest.raises(RecordError, match=told):
            RunRecord.open(folder, is_read_only=True)
        with pytest.raises(RecordError, match=told), snapshot_of(folder):
            pass
        with pytest.raises(RecordError, match=told):
            RunWatcher(folder).look()
    copy = shutil.copytree(folder, place / "copy")
    with RunRecord.open(copy, is_read_only=True) as run:
        assert run.count_records() == 30


def test_a_lock_is_no_reason_to_read_without_the_write_ahead_log(tmp_path: Path) -> None:
    path = stability(tmp_path / "run") / LOG_NAME
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        open_to_read(path, busy_s=0.0)
    other.close()


@pytest.mark.parametrize("behind", ["BEGIN", "INSERT"])
def test_an_interrupt_amid_rows_written_together_loses_no_later_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: str
) -> None:
    """What is written on the way out of an interrupted run has a commit of its own."""
    write = RunRecord._write

    def interrupted(run: RunRecord, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        cursor = write(run, statement, values)
        if statement.startswith(behind):
            raise KeyboardInterrupt
        return cursor

    with RunRecord.create(tmp_path / "run", {}) as run:
        reading = PowerReading(0, 0, 0.0, 0.0, 0.0, 1550.0, 1.0)
        monkeypatch.setattr(RunRecord, "_write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            add_reading(run, reading)
        monkeypatch.setattr(RunRecord, "_write", write)
        run.add_event(1.0, "safe state", "reference")
        run.set_meta("ended", "KeyboardInterrupt")
    with RunRecord.open(tmp_path / "run", is_read_only=True) as run:
        assert [event.text for event in run.events()] == ["reference"]
        assert run.meta()["ended"] == "KeyboardInterrupt"
        assert power_readings(run) == []
