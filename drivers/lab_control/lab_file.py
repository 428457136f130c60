"""`lab.json`: the addresses of an emulated lab, as its process left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from drivers.errors import LabError
from drivers.facts.lab import LabAddresses

if TYPE_CHECKING:
    from pathlib import Path


def read_lab_file(path: Path) -> LabAddresses:
    """Read a `lab.json`; LabError if it cannot be read or makes no sense."""
    try:
        return LabAddresses.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}; a lab writes it: python -m emulators serve") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in error.errors()]
        raise LabError("\n  ".join([f"{path} is no lab.json:", *lines])) from None
