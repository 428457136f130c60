"""Records that these tests make up are closed after each file: there are hundreds, and nobody else would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.record import run_record as record

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture(autouse=True, scope="module")
def closed_records() -> Generator[None]:
    opened: list[sqlite3.Connection] = []
    connect = record.open_to_write

    def connect_and_remember(path: Path) -> sqlite3.Connection:
        opened.append(connect(path))
        return opened[-1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(record, "open_to_write", connect_and_remember)
        yield
    for database in opened:
        database.close()
