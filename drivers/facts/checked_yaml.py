"""Read a YAML file into a model and tell every mistake at once: path, value, what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

_MAX_SHOWN = 80
_SECRET_KEYS = {"password", "token", "secret", "url"}


@dataclass(frozen=True, slots=True)
class Checked(Generic[Model]):
    """A model read from a file, or (when `value` is None) the mistakes that forbid it, one line each."""

    value: Model | None
    mistakes: list[str]
    source: bytes = b""
    """The file as it was read."""


def read_checked(path: Path, model: type[Model]) -> Checked[Model]:
    """Read `path` as YAML into `model`; never raises for what the file holds or for its absence."""
    try:
        source = path.read_bytes()
        text = source.decode()
    except OSError as error:
        return Checked(None, [f"cannot be read: {error.strerror}"])
    except UnicodeDecodeError:
        return Checked(None, ["is not UTF-8 text"])
    try:
        loader = _UniqueKeyLoader(text)
        content = loader.get_single_data()
    # ValueError: a date that does not exist; RecursionError: brackets without end.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Checked(None, [f"is not valid YAML: {' '.join(str(error).split())}"])
    try:
        value = model.model_validate(content)
    except ValidationError as error:
        return Checked(None, [*loader.duplicates, *(_describe(detail) for detail in error.errors())])
    if loader.duplicates:
        return Checked(None, loader.duplicates)
    return Checked(value, [], source)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML takes the last of two equal keys in silence; here each repeated key is noted."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                line = key_node.start_mark.line + 1
                self.duplicates.append(f"line {line}: {key!r} stands here a second time; expected once")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _describe(detail: ErrorDetails) -> str:
    """Put one of pydantic's mistakes into a line: path, value, expectation."""
    path = ".".join(str(part) for part in _without_tags(detail["loc"])) or "file"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "missing":
        return f"{path}: missing; expected a value"
    if detail["type"] == "extra_forbidden":
        return f"{path}: unknown key; expected none of that name"
    if _SECRET_KEYS & set(path.split(".")):
        return f"{path}: {message} (value not shown)"
    return f"{path}: got {_show(detail['input'])}: {message}"


def _show(value: object) -> str:
    """Show a value as it stood; never a whole section, which might hold a secret."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}..."


def _without_tags(location: Iterable[int | str]) -> list[int | str]:
    """Drop the driver names and kinds of parts that pydantic puts into the path of a discriminated union."""
    parts = list(location)
    tagged = {"gear", "path"}
    return [part for index, part in enumerate(parts) if not (index >= 2 and parts[index - 2] in tagged)]
