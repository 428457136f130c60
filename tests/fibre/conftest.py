"""Shared by the tests of the procedure `fibre`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.station import Station
from tests.fibre.fibre_runs import TRACES, fibre_bench, taken
from tests.running.broken_runs import make

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that nothing disturbed."""
    place = tmp_path_factory.mktemp("fibre")
    make(fibre_bench(place), place / "run", "fibre")
    assert len(taken(place / "run")) == TRACES
    return place / "run"


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Give a list that gets what is unsafe after each time that a station was made safe."""
    found: list[list[str]] = []
    make_safe = Station.make_safe

    def noted(station: Station) -> None:
        make_safe(station)
        found.append(station.unsafe())

    monkeypatch.setattr(Station, "make_safe", noted)
    return found
