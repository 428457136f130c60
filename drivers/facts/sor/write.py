"""Write a `.sor` file of SR-4731 version 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.sor.byte_writer import ByteWriter
from drivers.facts.sor.cksum import FIELD_BYTES, Cksum
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.file_map import NAME as MAP_NAME
from drivers.facts.sor.file_map import FileMap, MapEntry, map_bytes
from drivers.facts.sor.model import STANDARD_NAMES, block_name
from drivers.facts.sor.raw_block import RawBlock

if TYPE_CHECKING:
    from drivers.facts.sor.model import Block, SorFile


def write_sor(file: SorFile) -> bytes:
    """Return the bytes of a file of version 2 with a checksum by its rule; SorError for what does not fit.

    A file that was read from version 1 goes through `as_version_2` first.
    """
    if file.version != 2 or file.revision // 100 != 2:
        raise SorError(MAP_NAME, f"revision {file.revision} is not version 2; use as_version_2 first")
    _refuse_repeated(file.blocks)
    bodies = [_body(block) for block in file.blocks]
    entries = tuple(
        MapEntry(block_name(block), block.revision, len(body))
        for block, body in zip(file.blocks, bodies, strict=True)
    )
    start = map_bytes(FileMap(file.version, file.revision, entries, file.map_tail))
    data = bytearray(b"".join([start, *bodies, file.trailing]))
    _set_checksum(data, file.blocks, bodies, len(start))
    return bytes(data)


def _refuse_repeated(blocks: tuple[Block, ...]) -> None:
    names = [block_name(block) for block in blocks]
    for name in names:
        if name == MAP_NAME or (name in STANDARD_NAMES and names.count(name) > 1):
            raise SorError(name, "a file has this block only once")


def _body(block: Block) -> bytes:
    if isinstance(block, RawBlock):
        return block.body
    writer = ByteWriter(block.NAME)
    writer.raw(block.NAME.encode("latin-1") + b"\0")
    if isinstance(block, Cksum):
        writer.u16("checksum", block.value)
        writer.raw(block.tail)
    else:
        block.write(writer)
    return bytes(writer.data)


def _set_checksum(data: bytearray, blocks: tuple[Block, ...], bodies: list[bytes], position: int) -> None:
    for block, body in zip(blocks, bodies, strict=True):
        if isinstance(block, Cksum) and block.rule is not None:
            field = position + len(block.NAME) + 1
            value = block.rule.compute(bytes(data), field)
            data[field : field + FIELD_BYTES] = value.to_bytes(FIELD_BYTES, "little")
        position += len(body)
