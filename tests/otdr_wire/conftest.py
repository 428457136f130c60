"""Shared by the tests of the OTDR on its wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.otdr_wire.otdr_lab import OtdrLab

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def bench() -> Generator[OtdrLab]:
    """A right SmartOTDR, served."""
    bench = OtdrLab()
    yield bench
    bench.close()
