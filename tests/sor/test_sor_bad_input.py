"""Bytes that are no `.sor` file, are cut short, or lie about sizes and counts."""

from __future__ import annotations

import struct
import tracemalloc

import pytest

from drivers.facts.sor import read as read_module
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.write import write_sor
from tests.sor.sor_files import FXD_2, POINTS, map_2, version_1, version_2, with_block


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "Map at byte 0: revision needs 2 bytes, the block has 0 left"),
        (b"M", "revision needs 2 bytes"),
        (b"Map\0", "Map at byte 4: revision needs 2 bytes, the block has 0 left"),
        (b"Map\0" + bytes(20), "Map at byte 0: revision 0 is not one of SR-4731 version 1 or 2"),
        (b"Map\0" + struct.pack("<HIH", 1001, 12, 1), "revision 1001 is not one"),
        (b"Map\0" + struct.pack("<HIH", 100, 12, 1), "revision 100 is not one"),
        (struct.pack("<HIH", 200, 8, 1), "revision 200 is not one"),
        (b"\x89PNG\r\n\x1a\n", "revision 20617 is not one"),
        (b"Map\0" + struct.pack("<HI", 200, 9), "the map says it has 9 bytes"),
        (map_2([], size=13), "the map says it has 13 bytes, the file has 12"),
        (map_2([], size=2**32 - 1), "the map says it has 4294967295 bytes"),
        (map_2([], size=11), "number of blocks needs 2 bytes, the block has 1 left"),
        (map_2([], blocks=0), "the map lists 0 blocks"),
        (map_2([], blocks=65535), "the map lists 65535 blocks, its 0 bytes cannot hold as many"),
        (map_2([("GenParams", 8)], blocks=3), "block name has no closing zero before the end of the block"),
        (map_2([("Own", 1)]), "Own at byte 22: the map says it has 1 bytes, the file has 0 left"),
        (map_2([("Own", 2**32 - 1)]) + bytes(9), "the map says it has 4294967295 bytes, the file has 9 left"),
        (map_2([("Map", 0)]), "Map: the map lists a second map"),
        (map_2([("Map", 16)]) + map_2([]), "Map: the map lists a second map"),
        (map_2([("DataPts", 0), ("DataPts", 0)]), "DataPts: the map lists this block twice"),
        (map_2([("DataPts", 7)]) + b"DataPts", "DataPts at byte 26: the block does not begin with its name"),
        (map_2([("DataPts", 8)]) + b"DataPtz\0", "the block does not begin with its name"),
    ],
)
def test_a_lying_map_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(SorError, match=problem):
        read_sor(data)


def test_an_error_tells_block_and_byte() -> None:
    data = version_2()
    with pytest.raises(SorError) as caught:
        read_sor(data[:-1])
    assert caught.value.block == "Cksum"
    assert caught.value.offset == len(data) - 8
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("data", [version_1(), version_2()], ids=["version 1", "version 2"])
def test_every_truncation_of_a_file_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(SorError):
            read_sor(data[:length])


def test_more_than_a_sor_file_can_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = version_2()
    monkeypatch.setattr(read_module, "MAX_FILE_BYTES", len(data) - 1)
    with pytest.raises(
        SorError, match=f"the file has {len(data)} bytes; no more than {len(data) - 1} are read"
    ):
        read_sor(data)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("KeyEvents", struct.pack("<H", 65535), "number of events says 65535, 0 bytes cannot hold as many"),
        (
            "FxdParams",
            FXD_2[:16] + struct.pack("<H", 65535) + FXD_2[18:],
            "number of pulse widths says 65535",
        ),
        # 64 bytes are left, and a pulse width takes 10.
        ("FxdParams", FXD_2[:16] + struct.pack("<H", 7) + FXD_2[18:], "number of pulse widths says 7"),
        ("DataPts", struct.pack("<IH", 299, 1) + POINTS[6:], "says 299, the stretches hold 300"),
        ("DataPts", struct.pack("<IH", 0, 65535), "number of scale factors says 65535"),
        ("DataPts", struct.pack("<IHIH", 2**32 - 1, 1, 2**32 - 1, 1000), "points needs 8589934590 bytes"),
        ("DataPts", struct.pack("<IH", 301, 1) + POINTS[6:], "says 301, the stretches hold 300"),
        ("DataPts", struct.pack("<IHIH", 300, 1, 300, 0) + POINTS[12:], "scale factor 0 gives no level"),
        ("GenParams", b"EN" + b"x" * 500, "cable_id has no closing zero before the end of the block"),
    ],
)
def test_a_lying_count_is_refused_before_anything_is_allocated(
    name: str, content: bytes, problem: str
) -> None:
    data = with_block(name, content)
    tracemalloc.start()
    try:
        with pytest.raises(SorError, match=problem):
            read_sor(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_a_listed_block_of_size_0_is_kept_as_the_mts_4000_v2_writes_it() -> None:
    data = map_2([("LnkParams", 0), ("Own", 4)]) + b"Own\0"
    file = read_sor(data)
    assert file.blocks == (RawBlock("LnkParams", b""), RawBlock("Own", b"Own\0"))
    assert write_sor(file) == data


def test_a_private_block_need_not_begin_with_its_name() -> None:
    data = map_2([("Own", 3)]) + b"abc"
    assert read_sor(data).blocks == (RawBlock("Own", b"abc"),)
    assert write_sor(read_sor(data)) == data


def test_private_blocks_may_share_a_name() -> None:
    data = map_2([("Own", 3), ("Own", 3)]) + b"abcdef"
    assert write_sor(read_sor(data)) == data


def test_bytes_after_the_map_entries_and_after_the_last_block_are_kept() -> None:
    data = map_2([("Own", 3)], size=26) + b"tail" + b"abc" + b"trailing"
    file = read_sor(data)
    assert (file.map_tail, file.trailing) == (b"tail", b"trailing")
    assert write_sor(file) == data
