"""Make a file of version 2 from one of version 1."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.lnk_params import LnkParams
from drivers.facts.sor.model import STANDARD_NAMES, SorFile
from drivers.facts.sor.raw_block import RawBlock

if TYPE_CHECKING:
    from drivers.facts.sor.model import Block

_REVISION = 200


def as_version_2(file: SorFile) -> SorFile:
    """Return `file` as version 2, with the neutral value (0, trace type ST) where version 1 had no field.

    SorError for a LnkParams block that is not empty: its layout in version 1 is not public, so take it out.
    """
    if file.version == 2:
        return file
    blocks = tuple(_upgraded(block) for block in file.blocks)
    return replace(file, blocks=blocks, version=2, revision=_REVISION)


def _upgraded(block: Block) -> Block:
    if isinstance(block, RawBlock):
        return _upgraded_raw(block)
    block = replace(block, revision=_REVISION)
    if isinstance(block, GenParams):
        return replace(block, fiber_type=0, user_offset_distance=0)
    if isinstance(block, FxdParams):
        return replace(
            block,
            acquisition_offset_distance=0,
            averaging_time_tenth_s=0,
            range_distance=0,
            trace_type="ST",
            window=(0, 0, 0, 0),
        )
    if isinstance(block, KeyEvents):
        events = tuple(replace(event, markers_100ps=(0, 0, 0, 0, 0)) for event in block.events)
        return replace(block, events=events)
    return block


def _upgraded_raw(block: RawBlock) -> RawBlock:
    if not block.body and block.name in STANDARD_NAMES:
        return block
    if block.name == LnkParams.NAME:
        raise SorError(LnkParams.NAME, "its layout in version 1 is not public; take the block out first")
    return replace(block, body=block.name.encode("latin-1") + b"\0" + block.body)
