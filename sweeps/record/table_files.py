"""Tables as files: CSV that any program reads, and Parquet."""

from __future__ import annotations

import csv
import importlib
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from drivers.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

ColumnType = Literal["integer", "number", "text"]
Columns: TypeAlias = "Mapping[str, ColumnType]"
"""The columns of a table in their order; any of them may be empty in a row."""
Rows: TypeAlias = "Iterable[Sequence[object]]"

_ROWS_PER_GROUP = 10_000


def write_csv(path: Path, columns: Columns, rows: Rows) -> None:
    """Write CSV as in RFC 4180; a number is as long as it must be to come back as the same number."""
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)  # which writes a float by its repr
        writer.writerow(columns)
        writer.writerows(rows)


def parquet_writer() -> Callable[[Path, Columns, Rows], None]:
    """Return the counterpart of `write_csv` for Parquet; RecordError if pyarrow is not installed."""
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise RecordError(
            f"Parquet needs the package pyarrow ({error}): pip install pyarrow, or export CSV"
        ) from None
    types: dict[ColumnType, Any] = {
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "text": arrow.string(),
    }

    def write_parquet(path: Path, columns: Columns, rows: Rows) -> None:
        schema = arrow.schema([(name, types[kind]) for name, kind in columns.items()])
        remaining = iter(rows)
        with parquet.ParquetWriter(str(path), schema, compression="zstd") as writer:
            while group := list(islice(remaining, _ROWS_PER_GROUP)):
                arrays = [
                    arrow.array(values, type=field.type)
                    for field, values in zip(schema, zip(*group, strict=True), strict=True)
                ]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))

    return write_parquet
