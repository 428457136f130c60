"""A `.sor` file as its blocks, in the order in which they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from drivers.facts.sor.cksum import Cksum
from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.lnk_params import LnkParams
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.sup_params import SupParams

StandardBlock = GenParams | SupParams | FxdParams | KeyEvents | LnkParams | DataPts | Cksum
Block = StandardBlock | RawBlock

STANDARD_NAMES = frozenset(
    kind.NAME for kind in (GenParams, SupParams, FxdParams, KeyEvents, LnkParams, DataPts, Cksum)
)

Kind = TypeVar("Kind", GenParams, SupParams, FxdParams, KeyEvents, LnkParams, DataPts, Cksum)


@dataclass(frozen=True, slots=True)
class SorFile:
    """All that stands in one `.sor` file."""

    blocks: tuple[Block, ...]
    """All but the map, which follows from them."""
    version: int = 2
    """Of SR-4731: 1 or 2."""
    revision: int = 200
    """Of the map; hundreds are the version."""
    map_tail: bytes = b""
    """What follows the entries within the map, kept as it is."""
    trailing: bytes = b""
    """What follows the last block that the map lists, kept as it is."""

    def block(self, kind: type[Kind]) -> Kind:
        """Return the block of that kind; SorError if the file has none that could be understood."""
        for block in self.blocks:
            if isinstance(block, kind):
                return block
        if any(isinstance(block, RawBlock) and block.name == kind.NAME for block in self.blocks):
            raise SorError(kind.NAME, "the block is there, but empty or in a layout that is not known here")
        raise SorError(kind.NAME, "the file has no such block")


def block_name(block: Block) -> str:
    """Return the name under which the map lists a block."""
    return block.name if isinstance(block, RawBlock) else block.NAME
