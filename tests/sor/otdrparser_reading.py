"""What the public parser otdrparser (BSD-2-Clause) reads in a file, in its own words."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import Any


def parse(data: bytes) -> dict[str, Any]:
    """Return its blocks by name."""
    return import_module("otdrparser").parse2(BytesIO(data))
