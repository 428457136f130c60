"""Traces of the fibre leave a record with real columns and with their files."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from drivers.errors import RecordError
from sweeps.record.export import export_run
from sweeps.record.measured_rows import acquisitions
from sweeps.record.run_record import RunRecord
from tests.hil.synthetic_runs import T0_S
from tests.record.test_run_export import FORMATS, parquet, read
from tests.record.written_runs import stability
from tests.record.written_traces import EVENTS, traces

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.record.export import Format


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_acquisition_comes_back_with_its_settings(tmp_path: Path, file_format: Format) -> None:
    folder = traces(tmp_path / "run")
    export_run(folder, tmp_path / "to", file_format)
    with RunRecord.open(folder) as run:
        expected = [astuple(one) for one in acquisitions(run)]
    rows = read(tmp_path / "to", "acquisitions", file_format)
    assert [tuple(row.values())[:-1] for row in rows] == expected
    assert all(row["written_utc_s"] > T0_S for row in rows)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_event_comes_back_with_its_marks(tmp_path: Path, file_format: Format) -> None:
    export_run(traces(tmp_path / "run"), tmp_path / "to", file_format)
    rows = read(tmp_path / "to", "otdr_events", file_format)
    assert [(row["step"], row["number"]) for row in rows] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    first, second = rows[2:]
    empty = [key for key, value in first.items() if value is None]
    assert len(empty) == 7 + (file_format == "csv")  # CSV cannot tell empty text from none
    assert (first["reflectance_db"], first["reflectance_mark"]) == (-45.04, None)
    assert second == {
        "step": 1,
        "number": 2,
        "kind": "Reflection",
        "distance_m": 999.71,
        "section_m": 999.71,
        "loss_db": 1 / 3,
        "loss_mark": "approximate",
        "reflectance_db": -25.75,
        "reflectance_mark": "at_least",
        "slope_db_per_km": 0.331,
        "slope_mark": None,
        "total_loss_db": 0.3,
        "total_loss_mark": "approximate at_most",
    }
    assert EVENTS[1].loss_db is not None


def test_the_traces_go_along_and_a_second_export_replaces_them(tmp_path: Path) -> None:
    folder, to = traces(tmp_path / "run"), tmp_path / "to"
    files = export_run(folder, to)
    names = ["0-gdc_a-1550nm.sor", "1-gdc_a-1550nm.sor"]
    assert [path.name for path in files if path.suffix == ".sor"] == names
    for name in names:
        assert (to / name).read_bytes() == (folder / "artefacts" / name).read_bytes()
    assert export_run(folder, to, is_forced=True) == files


@pytest.mark.parametrize("trouble", ["changed", "gone"])
def test_a_trace_that_is_not_what_was_measured_is_not_exported(tmp_path: Path, trouble: str) -> None:
    folder = traces(tmp_path / "run")
    path = folder / "artefacts" / "1-gdc_a-1550nm.sor"
    if trouble == "changed":
        path.write_bytes(b"made up")
    else:
        path.unlink()
    with pytest.raises(RecordError, match=r"1-gdc_a-1550nm\.sor"):
        export_run(folder, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_a_run_without_traces_has_the_columns(tmp_path: Path) -> None:
    export_run(stability(tmp_path / "run"), tmp_path / "to", "parquet")
    schema = parquet.read_schema(tmp_path / "to" / "otdr_events.parquet")
    kinds = {name: str(schema.field(name).type) for name in ("step", "loss_db", "loss_mark")}
    assert kinds == {"step": "int64", "loss_db": "double", "loss_mark": "string"}
