"""Shared by the tests of attenuators and their wires."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudo-terminal is silent at once; to listen for that as long as on a real line only costs time."""
    monkeypatch.setattr("drivers.wires.serial_wire._SILENCE_WALL_S", 0.02)
