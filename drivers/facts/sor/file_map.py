"""Map: the first block, which lists all others by name, revision and size."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.facts.sor.byte_reader import ByteReader
from drivers.facts.sor.byte_writer import ByteWriter
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.text import Text

NAME = "Map"
VERSION_2_START = b"Map\0"
_SMALLEST_ENTRY = 7


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One block as the map lists it."""

    name: str
    revision: int
    size: int


@dataclass(frozen=True, slots=True)
class FileMap:
    """The map; blocks follow it in its order, without gaps."""

    version: int
    """1 or 2."""
    revision: int
    """Hundreds are the version: 200 for 2.00."""
    entries: tuple[MapEntry, ...]
    tail: bytes = b""
    """What follows the entries within the map, kept as it is."""


def read_map(data: bytes) -> tuple[FileMap, int]:
    """Read the map and return it with its size; SorError if this is no `.sor` file or the map lies."""
    # Version 1 has no block names but those in the map, not even the map's own.
    version, start = (2, len(VERSION_2_START)) if data.startswith(VERSION_2_START) else (1, 0)
    reader = ByteReader(data, start, len(data), NAME)
    revision = reader.u16("revision")
    if revision // 100 != version:
        raise SorError(NAME, f"revision {revision} is not one of SR-4731 version 1 or 2; no .sor file?", 0)
    size = reader.u32("size of the map")
    if not reader.position <= size <= len(data):
        raise reader.error(f"the map says it has {size} bytes, the file has {len(data)}")
    reader = ByteReader(data, reader.position, size, NAME)
    # The map counts itself among the blocks and does not list itself.
    blocks = reader.u16("number of blocks")
    if blocks < 1 or (blocks - 1) * _SMALLEST_ENTRY > reader.left:
        raise reader.error(f"the map lists {blocks} blocks, its {reader.left} bytes cannot hold as many")
    entries = tuple(_read_entry(reader) for _ in range(blocks - 1))
    return FileMap(version, revision, entries, reader.rest()), size


def map_bytes(file_map: FileMap) -> bytes:
    """Return the map as it stands in a file of version 2; SorError for what does not fit."""
    entries = ByteWriter(NAME)
    for entry in file_map.entries:
        entries.text("block name", Text(entry.name.encode("latin-1")))
        entries.u16("block revision", entry.revision)
        entries.u32("block size", entry.size)
    entries.raw(file_map.tail)
    writer = ByteWriter(NAME)
    writer.raw(VERSION_2_START)
    writer.u16("revision", file_map.revision)
    writer.u32("size of the map", len(VERSION_2_START) + 8 + len(entries.data))
    writer.u16("number of blocks", len(file_map.entries) + 1)
    writer.raw(bytes(entries.data))
    return bytes(writer.data)


def _read_entry(reader: ByteReader) -> MapEntry:
    name = reader.text("block name").raw.decode("latin-1")
    return MapEntry(name, reader.u16("block revision"), reader.u32("block size"))
