"""One emulated lab for all tests that only look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contact.contact_lab import served_lab

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture(scope="session")
def lab_file(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    with served_lab(tmp_path_factory.mktemp("lab")) as path:
        yield path
