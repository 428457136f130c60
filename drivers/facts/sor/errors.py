"""What is wrong with a `.sor` file, where, and in which block."""

from __future__ import annotations


class SorError(ValueError):
    """A `.sor` file cannot be read, written or used; tells the block and, when reading, the byte."""

    def __init__(self, block: str, problem: str, offset: int | None = None) -> None:
        self.block = block
        self.problem = problem
        self.offset = offset
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{block}{where}: {problem}")
