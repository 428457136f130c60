"""An export holds what the record holds, to the last digit, whole or not at all."""

from __future__ import annotations

import csv
import json
import sys
import threading
import tracemalloc
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import pytest

from drivers.errors import RecordError
from sweeps.record.export import Format, default_folder, export_run
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import SCHEMA_VERSION
from sweeps.record.snapshot import snapshot_of
from tests.hil.synthetic_runs import T0_S
from tests.record.written_runs import meta, record, spoil, stability, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

parquet: Any = pytest.importorskip("pyarrow.parquet")
NAMES = ["acquisitions", "gaps", "journal", "otdr_events", "points", "power_readings", "telemetry"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def read_parquet(path: Path) -> list[dict[str, Any]]:
    return parquet.read_table(path).to_pylist()


def parsed(row: Mapping[str, str]) -> dict[str, Any]:
    """Read a CSV row as a program does that knows nothing of us: numbers where they are numbers."""

    def value(text: str) -> float | str | None:
        try:
            return float(text) if text else None
        except ValueError:
            return text

    return {key: value(text) for key, text in row.items()}


def read(to: Path, name: str, file_format: Format) -> list[dict[str, Any]]:
    path = to / f"{name}.{file_format}"
    return [parsed(row) for row in read_csv(path)] if file_format == "csv" else read_parquet(path)


FORMATS: list[Format] = ["csv", "parquet"]


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_record_comes_back_to_the_last_digit(tmp_path: Path, file_format: Format) -> None:
    folder = sweep(tmp_path / "run")
    export_run(folder, tmp_path / "to", file_format)
    with RunRecord.open(folder) as run:
        slots, points = run.slots(), {point.number: point for point in run.points()}
    rows = read(tmp_path / "to", "telemetry", file_format)
    assert len(rows) == len(slots) == 6
    for row, slot in zip(rows, slots, strict=True):
        *values, readings = astuple(slot.record)
        assert slot.point is not None
        assert list(row.values())[:3] == [slot.slot, slot.point, points[slot.point].added_db]
        assert list(row.values())[3:11] == values
        assert row["written_utc_s"] > T0_S
        assert {name: row[f"reading_{name}"] for name in ("R0", "R1")} == {"R0": None, "R1": None} | readings
    assert list(rows[0])[3:11] == [
        *("sequence", "window_start_s", "window_s", "skr_bps", "key_rate_bps", "qber", "visibility"),
        "detection_count_per_s",
    ]


@pytest.mark.parametrize("file_format", FORMATS)
def test_points_gaps_and_journal_come_back(tmp_path: Path, file_format: Format) -> None:
    folder = sweep(tmp_path / "run")
    export_run(folder, tmp_path / "to", file_format)
    with RunRecord.open(folder) as run:
        points, gaps, events = run.points(), run.gaps(), run.events()
    assert [tuple(row.values()) for row in read(tmp_path / "to", "points", file_format)] == [
        astuple(point) for point in points
    ]
    exported = read(tmp_path / "to", "gaps", file_format)
    keys = ("slot", "first_sequence", "last_sequence", "reason", "point")
    assert [tuple(row[key] for key in keys) for row in exported] == [astuple(gap) for gap in gaps]
    assert [row["slot"] for row in exported] == [2, 3, None]
    journal = read(tmp_path / "to", "journal", file_format)
    assert [tuple(row.values()) for row in journal] == [astuple(event) for event in events]


def test_parquet_columns_have_types_also_where_there_are_no_rows(tmp_path: Path) -> None:
    export_run(stability(tmp_path / "run", records=0), tmp_path / "to", "parquet")
    for name, column, kind in (
        ("telemetry", "skr_bps", "double"),
        ("telemetry", "slot", "int64"),
        ("gaps", "reason", "string"),
    ):
        schema = parquet.read_schema(tmp_path / "to" / f"{name}.parquet")
        assert str(schema.field(column).type) == kind
        assert read_parquet(tmp_path / "to" / f"{name}.parquet") == []


def test_more_rows_than_one_parquet_group(tmp_path: Path) -> None:
    export_run(stability(tmp_path / "run", records=25_001), tmp_path / "to", "parquet")
    rows = read_parquet(tmp_path / "to" / "telemetry.parquet")
    assert [row["slot"] for row in rows] == list(range(25_001))


def test_meta_is_json_with_every_session(tmp_path: Path) -> None:
    folder = sweep(tmp_path / "run")
    export_run(folder, tmp_path / "to")
    content = json.loads((tmp_path / "to" / "meta.json").read_text())
    with RunRecord.open(folder) as run:
        assert content["meta"] == run.meta()
        sessions = run.sessions()
    started = [session.pop("started_utc_s") for session in content["sessions"]]
    assert content["sessions"] == sessions
    assert started == sorted(started)
    assert (content["run"], content["record_version"]) == ("run", SCHEMA_VERSION)


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_files_are_returned_and_are_all_that_is_there(tmp_path: Path, file_format: Format) -> None:
    folder = stability(tmp_path / "run")
    to = default_folder(folder)
    files = export_run(folder, to, file_format)
    expected = {f"{name}.{file_format}" for name in NAMES} | {"meta.json"}
    assert {path.name for path in files} == expected
    assert sorted(files) == sorted(to.iterdir())
    assert list(to.parent.iterdir()) == [to]


def test_an_export_is_replaced_only_by_force(tmp_path: Path) -> None:
    folder, to = stability(tmp_path / "run"), tmp_path / "deep" / "to"
    export_run(folder, to)
    with RunRecord.open(folder) as run:
        run.add_record(3, None, record(3))
    with pytest.raises(RecordError, match="holds an export; --force"):
        export_run(folder, to)
    assert len(read_csv(to / "telemetry.csv")) == 3
    export_run(folder, to, "parquet", is_forced=True)
    assert len(read_parquet(to / "telemetry.parquet")) == 4
    assert not list(to.glob("*.csv"))
    assert list(to.parent.iterdir()) == [to]


def test_files_of_others_are_never_touched(tmp_path: Path) -> None:
    folder = stability(tmp_path / "run")
    to = tmp_path / "to"
    to.mkdir()
    (to / "thesis.tex").write_text("mine")
    with pytest.raises(RecordError, match=r"holds thesis.tex, which is no export"):
        export_run(folder, to, is_forced=True)
    assert [path.name for path in to.iterdir()] == ["thesis.tex"]
    with pytest.raises(RecordError, match="is a file"):
        export_run(folder, to / "thesis.tex", is_forced=True)


def test_an_empty_folder_and_a_link_to_one_are_filled(tmp_path: Path) -> None:
    folder = stability(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    export_run(folder, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / "telemetry.csv").exists()


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("readings", ["{", '{"R": "warm"}'])
def test_an_export_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, file_format: Format, readings: str
) -> None:
    folder, to = stability(tmp_path / "run"), tmp_path / "to"
    export_run(folder, to)
    before = {path.name: path.read_bytes() for path in to.iterdir()}
    spoil(folder, f"UPDATE telemetry SET readings = '{readings}' WHERE slot = 2")  # noqa: S608 - of this test
    for target, is_forced in ((to, True), (tmp_path / "new", False)):
        with pytest.raises(RecordError, match="export to"):
            export_run(folder, target, file_format, is_forced=is_forced)
    assert {path.name: path.read_bytes() for path in to.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "to"]


def test_a_swap_that_fails_brings_the_old_export_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path as PathClass

    folder, to = stability(tmp_path / "run"), tmp_path / "to"
    export_run(folder, to)
    rename = PathClass.rename

    def refuse_partial(self: Path, target: Path) -> Path:
        if ".partial-" in self.name:
            raise OSError("disk trouble")
        return rename(self, target)

    monkeypatch.setattr(PathClass, "rename", refuse_partial)
    with pytest.raises(RecordError, match="disk trouble"):
        export_run(folder, to, is_forced=True)
    assert len(read_csv(to / "telemetry.csv")) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "to"]


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordError, match="Not a directory"):
        export_run(stability(tmp_path / "run"), tmp_path / "file" / "to")


def test_without_pyarrow_one_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stability(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecordError, match="pip install pyarrow"):
        export_run(folder, tmp_path / "to", "parquet")
    assert not (tmp_path / "to").exists()
    export_run(folder, tmp_path / "to", "csv")


def test_a_snapshot_sees_nothing_that_is_written_later_and_holds_nobody_up(tmp_path: Path) -> None:
    folder = stability(tmp_path / "run", records=3)
    with snapshot_of(folder) as snapshot, RunRecord.open(folder) as writer:
        rows = snapshot.rows("SELECT slot FROM telemetry ORDER BY id")
        assert next(rows) == (0,)
        writer.add_record(3, None, record(3))
        writer.set_meta("later", 1)
        assert [slot for (slot,) in rows] == [1, 2]
        assert snapshot.run.count_records() == 3
        assert "later" not in snapshot.run.meta()
    with snapshot_of(folder) as snapshot:
        assert snapshot.run.count_records() == 4


def test_a_running_run_is_exported_as_of_one_moment(tmp_path: Path) -> None:
    """Each record is noted in the journal first: an export may be ahead there by one line, never more."""
    folder, stop = tmp_path / "run", threading.Event()

    def write() -> None:
        with RunRecord.open(folder) as run:
            for slot in range(100_000):
                run.add_event(T0_S, "record", str(slot))
                run.add_record(slot, None, record(slot))
                if stop.is_set():
                    return

    with RunRecord.create(folder, meta(finished_utc_s=None)):
        pass
    writer = threading.Thread(target=write)
    writer.start()
    sizes: list[int] = []
    try:
        while len(sizes) < 100 and (len(sizes) < 5 or sizes[-1] == sizes[0]):
            export_run(folder, tmp_path / "to", is_forced=True)
            records = len(read_csv(tmp_path / "to" / "telemetry.csv"))
            assert len(read_csv(tmp_path / "to" / "journal.csv")) - records in {0, 1}
            sizes.append(records)
    finally:
        stop.set()
        writer.join()
    assert sizes[-1] > sizes[0]


def peak_bytes(folder: Path, to: Path) -> int:
    tracemalloc.start()
    try:
        export_run(folder, to)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    short, long = stability(tmp_path / "short", records=500), stability(tmp_path / "long", records=10_000)
    export_run(short, tmp_path / "warm")
    size = (long / "log.sqlite").stat().st_size
    growth = peak_bytes(long, tmp_path / "b") - peak_bytes(short, tmp_path / "a")
    assert growth < size / 10
