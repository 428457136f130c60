"""Read a `.sor` file of SR-4731 version 1 or 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.sor.byte_reader import ByteReader
from drivers.facts.sor.cksum import Cksum
from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.file_map import NAME as MAP_NAME
from drivers.facts.sor.file_map import read_map
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.lnk_params import LnkParams
from drivers.facts.sor.model import STANDARD_NAMES, SorFile
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.sup_params import SupParams

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.sor.file_map import MapEntry
    from drivers.facts.sor.model import Block

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Far above any trace (256 000 points are half a megabyte); more is no `.sor` file."""

_READERS: dict[str, Callable[[ByteReader, int, int], Block]] = {
    GenParams.NAME: GenParams.read,
    SupParams.NAME: SupParams.read,
    FxdParams.NAME: FxdParams.read,
    KeyEvents.NAME: KeyEvents.read,
    DataPts.NAME: DataPts.read,
}


def read_sor(data: bytes) -> SorFile:
    """Read the bytes of a `.sor` file; SorError, with block and byte, for what cannot be understood.

    Nothing is lost: `write_sor` gives the same bytes for every file of version 2 that can be read.
    """
    if len(data) > MAX_FILE_BYTES:
        raise SorError(MAP_NAME, f"the file has {len(data)} bytes; no more than {MAX_FILE_BYTES} are read")
    file_map, position = read_map(data)
    _refuse_repeated(file_map.entries)
    blocks: list[Block] = []
    for entry in file_map.entries:
        end = position + entry.size
        if end > len(data):
            left = len(data) - position
            raise SorError(
                entry.name, f"the map says it has {entry.size} bytes, the file has {left} left", position
            )
        blocks.append(_read_block(ByteReader(data, position, end, entry.name), entry, file_map.version, data))
        position = end
    return SorFile(
        blocks=tuple(blocks),
        version=file_map.version,
        revision=file_map.revision,
        map_tail=file_map.tail,
        trailing=data[position:],
    )


def _refuse_repeated(entries: tuple[MapEntry, ...]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.name == MAP_NAME:
            raise SorError(MAP_NAME, "the map lists a second map")
        if entry.name in STANDARD_NAMES and entry.name in seen:
            raise SorError(entry.name, "the map lists this block twice; which one counts is not known")
        seen.add(entry.name)


def _read_block(reader: ByteReader, entry: MapEntry, version: int, file: bytes) -> Block:
    # VIAVI's MTS 4000 V2 lists a LnkParams of size 0.
    if entry.size == 0 or not _is_known(entry.name, version):
        return RawBlock(entry.name, reader.rest(), entry.revision)
    if entry.name == LnkParams.NAME:
        return _read_links(reader, entry)
    if version == 2:
        _read_name(reader)
    if entry.name == Cksum.NAME:
        return Cksum.read(reader, entry.revision, file)
    return _READERS[entry.name](reader, version, entry.revision)


def _read_links(reader: ByteReader, entry: MapEntry) -> LnkParams | RawBlock:
    # Its layout is known from field lists alone, never checked on a real file: if it does not fit, the
    # measurement must not be lost with it.
    start = reader.position
    try:
        _read_name(reader)
        return LnkParams.read(reader, entry.revision)
    except SorError:
        reader.position = start
        return RawBlock(entry.name, reader.rest(), entry.revision)


def _is_known(name: str, version: int) -> bool:
    if name == LnkParams.NAME:
        return version == 2
    return name in STANDARD_NAMES


def _read_name(reader: ByteReader) -> None:
    expected = reader.block.encode("latin-1") + b"\0"
    if reader.left < len(expected) or reader.take("block name", len(expected)) != expected:
        raise reader.error("the block does not begin with its name")
