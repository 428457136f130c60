"""Options of the bench for pytest: which target, inventory, station, plan and seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

INVENTORY = Path(__file__).parent / "inventory.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the bench's options."""
    group = parser.getgroup("bench", "the bench")
    group.addoption(
        "--target",
        choices=("emulator", "lab"),
        default="emulator",
        help="emulated lab started for the run, or the inventory's real gear",
    )
    group.addoption("--inventory", type=Path, default=INVENTORY, help="inventory file")
    group.addoption("--station", default=None, help="station of the inventory; the only one if absent")
    group.addoption("--plan", default="smoke", help="plan of the inventory")
    group.addoption("--seed", type=int, default=1, help="seed of the emulated lab")
    group.addoption("--runs", type=Path, default=Path("runs"), help="folder for run records")
    group.addoption("--fresh", action="store_true", help="make every run anew, whatever was run before")
    group.addoption("--long", action="store_true", help="allow runs of more than 15 wall minutes")
    group.addoption(
        "--allow-destructive", action="store_true", help="darken the link even where gear is marked live"
    )


def pytest_report_header(config: pytest.Config) -> str:
    """Say in the header what this session works on."""
    options = ("target", "inventory", "station", "plan", "seed")
    return "bench: " + ", ".join(f"{name} {config.getoption(name)}" for name in options)
