"""`.sor` files packed by hand, without a line of the code under test; and where real ones lie."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from pathlib import Path

REAL_FOLDER = Path(__file__).parents[3] / "shared" / "data" / "sor"
REAL_FILES = (
    "1310_0001.sor",
    "JDSU_MTS6000_1310_G.sor",
    "JDSU_MTS6000_1550_G.sor",
    "example1-noyes-ofl280.sor",
    "otdr1.sor",
    "pySorReader_1_8.sor",
)

LEVELS = tuple(range(1000, 4000, 10))
"""300 counts: 1 dB to 3.99 dB below the top."""

GEN_2 = (
    b"EN"
    b"cable 7\0"
    b"f\xc3\xbcr 12\0"
    + struct.pack("<hH", 652, 1550)
    + b"Gen\xe8ve\0"
    + b"Bern\0"
    + b"\0"
    + b"BC"
    + struct.pack("<ii", 24641, 503)
    + b"me\0"
    + b"night\0"
)
SUP = b"Maker\0OTDR 1\0S1\0Module\0S2\x001.0\0calibrated\0"
FXD_2 = (
    struct.pack("<I2sHii", 1_600_000_000, b"mt", 15503, -2147, -42)
    + struct.pack("<HHII", 1, 30, 100_000, 300)
    + struct.pack("<IhIHIi", 146_750, 802, 2704, 3000, 300_000, 6000)
    + struct.pack("<iHhHHHH", 2147, 30342, 1000, 0, 50, 65000, 3000)
    + struct.pack("<2s4i", b"ST", 1, -2, 3, -4)
)
EVENT_2A = struct.pack("<Hihhi6s2s5i", 1, 0, 0, -215, -46671, b"1F9999", b"LS", 0, 1, 2, 3, 4) + b"\0"
EVENT_2B = (
    struct.pack("<Hihhi6s2s5i", 2, 182_802, 185, 374, -23027, b"2E9999", b"2P", 5, 6, 7, 8, 9) + b"end\0"
)
SUMMARY = struct.pack("<iiiHii", 576, 0, 182_809, 24516, 0, 182_809)
EVENTS_2 = struct.pack("<H", 2) + EVENT_2A + EVENT_2B + SUMMARY
POINTS = struct.pack("<IHIH", 300, 1, 300, 1000) + struct.pack("<300H", *LEVELS)
LANDMARK = struct.pack("<h2sihiihii2sh", 3, b"MH", 5000, 2, 744, 4694, 12, 100, 110, b"mt", 92) + b"manhole\0"
LANDMARKS = struct.pack("<H", 1) + LANDMARK

GEN_1 = (
    b"EN"
    b"cable 7\0"
    b"fibre 12\0"
    + struct.pack("<H", 1550)
    + b"Geneva\0Bern\0\0BC"
    + struct.pack("<i", 24641)
    + b"me\0night\0"
)
FXD_1 = (
    struct.pack("<I2sHi", 1_000_000_000, b"mt", 15503, -2147)
    + struct.pack("<HHII", 1, 30, 100_000, 300)
    + struct.pack("<IhII", 146_750, 802, 2704, 300_000)
    + struct.pack("<iHhHHHH", 2147, 30342, 1000, 0, 50, 65000, 3000)
)
EVENT_1A = struct.pack("<Hihhi6s2s", 1, 0, 0, -215, -46671, b"1F9999", b"LS") + b"\0"
EVENT_1B = struct.pack("<Hihhi6s2s", 2, 182_802, 185, 374, -23027, b"2E9999", b"2P") + b"end\0"
EVENTS_1 = struct.pack("<H", 2) + EVENT_1A + EVENT_1B + SUMMARY

BLOCKS_2 = (
    ("GenParams", GEN_2),
    ("SupParams", SUP),
    ("FxdParams", FXD_2),
    ("KeyEvents", EVENTS_2),
    ("LnkParams", LANDMARKS),
    ("MakersOwn", b"\x00\xff\x01anything"),
    ("DataPts", POINTS),
)
BLOCKS_1 = (
    ("GenParams", GEN_1),
    ("SupParams", SUP),
    ("FxdParams", FXD_1),
    ("KeyEvents", EVENTS_1),
    ("MakersOwn", b"\x00\xff\x01anything"),
    ("DataPts", POINTS),
)


def map_2(sizes: list[tuple[str, int]], blocks: int | None = None, size: int | None = None) -> bytes:
    """Pack a map of version 2; `blocks` and `size` lie if given."""
    entries = b"".join(name.encode() + struct.pack("<xHI", 200, length) for name, length in sizes)
    count = len(sizes) + 1 if blocks is None else blocks
    length = 12 + len(entries) if size is None else size
    return b"Map\0" + struct.pack("<HIH", 200, length, count) + entries


def version_2(blocks: tuple[tuple[str, bytes], ...] = BLOCKS_2, checksum: int | None = None) -> bytes:
    """Pack a file of version 2 with a checksum as Noyes computes it, or with the given one."""
    named = [(name, name.encode() + b"\0" + content) for name, content in blocks]
    sizes = [(name, len(body)) for name, body in named]
    data = map_2([*sizes, ("Cksum", 8)]) + b"".join(body for _, body in named) + b"Cksum\0"
    return data + struct.pack("<H", crc_hqx(data, 0xFFFF) if checksum is None else checksum)


def version_1(blocks: tuple[tuple[str, bytes], ...] = BLOCKS_1) -> bytes:
    """Pack a file of version 1: no name before the map, none before a block."""
    listed = [*blocks, ("Cksum", b"xx")]
    entries = b"".join(name.encode() + struct.pack("<xHI", 100, len(body)) for name, body in listed)
    data = struct.pack("<HIH", 100, 8 + len(entries), len(listed) + 1) + entries
    data += b"".join(body for _, body in blocks)
    return data + struct.pack("<H", crc_hqx(data, 0xFFFF))


def with_block(name: str, content: bytes) -> bytes:
    """Pack the file of version 2 with the content of one block replaced."""
    return version_2(tuple((known, content if known == name else body) for known, body in BLOCKS_2))
