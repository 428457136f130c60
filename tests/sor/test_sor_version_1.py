"""Version 1, on files packed by hand: no public parser under a free licence reads it, so fields are compared.

The figures are those that were packed; distances are worked out from them with c and n alone.
"""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from drivers.facts.sor.cksum import ChecksumRule, Cksum
from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams, Pulse
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvent, KeyEvents, LinkSummary
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.sup_params import SupParams
from drivers.facts.sor.text import Text
from drivers.facts.sor.trace import traces
from drivers.facts.sor.version_2 import as_version_2
from drivers.facts.sor.write import write_sor
from tests.sor.sor_files import BLOCKS_1, LEVELS, version_1, version_2

FILE = read_sor(version_1())


def test_the_map() -> None:
    assert (FILE.version, FILE.revision, FILE.map_tail, FILE.trailing) == (1, 100, b"", b"")
    assert {block.revision for block in FILE.blocks} == {100}


def test_fields_that_version_1_does_not_hold_are_none_and_not_zero() -> None:
    general = FILE.block(GenParams)
    assert (general.fiber_type, general.user_offset_distance) == (None, None)
    assert (general.wavelength_nm, str(general.location_a), general.user_offset_100ps) == (
        1550,
        "Geneva",
        24641,
    )
    assert (str(general.operator), str(general.comment), general.tail) == ("me", "night", b"")
    fixed = FILE.block(FxdParams)
    assert (fixed.averaging_time_tenth_s, fixed.averaging_time_s, fixed.range_distance) == (None, None, None)
    assert (fixed.acquisition_offset_distance, fixed.trace_type, fixed.window) == (None, None, None)


def test_fxd_params() -> None:
    fixed = FILE.block(FxdParams)
    assert fixed.pulses == (Pulse(30, 100_000, 300),)
    assert (fixed.time_utc_s, fixed.group_index, fixed.backscatter_db) == (1_000_000_000, 1.4675, -80.2)
    assert (fixed.averages, fixed.range_100ps, fixed.front_panel_offset_100ps) == (2704, 300_000, 2147)
    assert (fixed.noise_floor_minus_mdb, fixed.end_threshold_mdb, fixed.tail) == (30342, 3000, b"")


def test_key_events() -> None:
    assert FILE.block(KeyEvents) == KeyEvents(
        events=(
            KeyEvent(1, 0, 0, -215, -46671, "1F9999", "LS", None),
            KeyEvent(2, 182_802, 185, 374, -23027, "2E9999", "2P", None, Text(b"end")),
        ),
        summary=LinkSummary(576, 0, 182_809, 24516, 0, 182_809),
        revision=100,
    )


def test_the_other_blocks() -> None:
    assert str(FILE.block(SupParams).software) == "1.0"
    assert RawBlock("MakersOwn", b"\x00\xff\x01anything", 100) in FILE.blocks
    assert FILE.block(Cksum) == Cksum(ChecksumRule.CCITT_FALSE, revision=100)
    assert FILE.block(DataPts).levels_db().tolist() == pytest.approx([-count / 1000 for count in LEVELS])


def test_distances() -> None:
    (trace,) = traces(FILE)
    metres_per_ns = 0.299792458 / 1.4675
    # The first point lies 214.7 ns inside the OTDR; points are 1 ns apart.
    assert trace.distances_m()[[0, 1, 299]].tolist() == pytest.approx(
        [-214.7 * metres_per_ns, -213.7 * metres_per_ns, 84.3 * metres_per_ns]
    )
    assert FILE.block(KeyEvents).events[1].distance_m(1.4675) == pytest.approx(18280.2 * metres_per_ns)


def test_version_1_is_not_written_by_mistake() -> None:
    with pytest.raises(SorError, match="Map: revision 100 is not version 2; use as_version_2 first"):
        write_sor(FILE)


def test_as_version_2_keeps_what_was_there_and_fills_in_what_was_not() -> None:
    upgraded = as_version_2(FILE)
    assert read_sor(write_sor(upgraded)) == upgraded
    general, fixed = upgraded.block(GenParams), upgraded.block(FxdParams)
    assert (general.fiber_type, general.user_offset_distance) == (0, 0)
    assert (fixed.averaging_time_tenth_s, fixed.trace_type, fixed.window) == (0, "ST", (0, 0, 0, 0))
    before = FILE.block(KeyEvents)
    after = upgraded.block(KeyEvents)
    assert [replace(event, markers_100ps=None) for event in after.events] == list(before.events)
    assert after.summary == before.summary
    assert upgraded.block(DataPts).stretches == FILE.block(DataPts).stretches
    raw = next(block for block in upgraded.blocks if isinstance(block, RawBlock))
    assert raw.content() == b"\x00\xff\x01anything"


def test_a_file_of_version_2_stays_what_it_is() -> None:
    file = read_sor(version_2())
    assert as_version_2(file) is file


def test_links_of_version_1_are_kept_but_not_guessed() -> None:
    file = read_sor(version_1((*BLOCKS_1, ("LnkParams", b"\1\0something"))))
    assert RawBlock("LnkParams", b"\1\0something", 100) in file.blocks
    with pytest.raises(SorError, match="LnkParams: its layout in version 1 is not public"):
        as_version_2(file)
    empty = as_version_2(read_sor(version_1((*BLOCKS_1, ("LnkParams", b"")))))
    assert read_sor(write_sor(empty)) == empty


def test_a_lying_count_of_events_is_refused() -> None:
    blocks = tuple((name, struct.pack("<H", 9) if name == "KeyEvents" else body) for name, body in BLOCKS_1)
    with pytest.raises(SorError, match=r"KeyEvents at byte \d+: number of events says 9, 0 bytes"):
        read_sor(version_1(blocks))
