"""What differs between two nested facts, in words."""

from __future__ import annotations

from typing import Any, cast


def differences(before: object, now: object, path: str = "") -> list[str]:
    """Return a line `path: before -> now` for each value that is not the same; JSON values."""
    if isinstance(before, dict) and isinstance(now, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", now)
        keys = [*old, *(key for key in new if key not in old)]
        return [
            line
            for key in keys
            for line in differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        ]
    return _leaf(before, now, path)  # pyright: ignore[reportUnknownArgumentType] - any JSON value


def _leaf(before: object, now: object, path: str) -> list[str]:
    return [] if before == now else [f"{path}: {_shown(before)} -> {_shown(now)}"]


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
