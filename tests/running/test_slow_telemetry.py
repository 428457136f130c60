"""A wire that is slow where a schedule begins takes no record from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.cerberis_xgr.web_api import CerberisXgr
from tests.running.broken_runs import bench, gaps, make, rows

if TYPE_CHECKING:
    from pathlib import Path

SLOW_S = 9.0
"""Most of a record period: a window that begins meanwhile has ended at the end of it."""


@pytest.mark.parametrize("procedure", ["stability", "attenuation"])
def test_a_request_that_takes_long_skips_no_record_of_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, procedure: str
) -> None:
    skip = CerberisXgr.skip_telemetry

    def slow_skip(driver: CerberisXgr) -> None:
        driver._clock.sleep(SLOW_S)
        skip(driver)

    monkeypatch.setattr(CerberisXgr, "skip_telemetry", slow_skip)
    make(bench(tmp_path), tmp_path / "run", procedure)
    assert gaps(tmp_path / "run") == {}
    assert rows(tmp_path / "run")
