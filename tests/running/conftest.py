"""What the tests of broken runs compare them with."""

from __future__ import annotations

import pytest

from tests.running.broken_runs import RECORDS, bench, make, rows


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the rows of a stability run that nothing disturbed."""
    place = tmp_path_factory.mktemp("unbroken")
    make(bench(place), place / "run", "stability")
    measured = rows(place / "run")
    assert len(measured) == RECORDS
    return measured
