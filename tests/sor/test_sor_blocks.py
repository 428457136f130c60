"""Each standard block: hand-packed bytes against fields, both ways."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from drivers.facts.sor.byte_writer import ByteWriter
from drivers.facts.sor.data_pts import DataPts, Stretch
from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams, Pulse
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvent, KeyEvents, LinkSummary
from drivers.facts.sor.lnk_params import Landmark, LnkParams
from drivers.facts.sor.model import SorFile, block_name
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.sup_params import SupParams
from drivers.facts.sor.text import Text
from drivers.facts.sor.write import write_sor
from tests.sor.sor_files import (
    BLOCKS_2,
    EVENT_2A,
    FXD_2,
    GEN_2,
    LANDMARKS,
    LEVELS,
    POINTS,
    SUMMARY,
    SUP,
    version_2,
    with_block,
)

if TYPE_CHECKING:
    from drivers.facts.sor.model import StandardBlock


@pytest.fixture(scope="module")
def file() -> SorFile:
    return read_sor(version_2())


def test_gen_params(file: SorFile) -> None:
    assert file.block(GenParams) == GenParams(
        language="EN",
        cable_id=Text(b"cable 7"),
        fiber_id=Text("für 12".encode()),
        fiber_type=652,
        wavelength_nm=1550,
        location_a=Text("Genève".encode("latin-1")),
        location_b=Text(b"Bern"),
        cable_code=Text(b""),
        build_condition="BC",
        user_offset_100ps=24641,
        user_offset_distance=503,
        operator=Text(b"me"),
        comment=Text(b"night"),
    )


def test_texts_are_shown_in_utf_8_or_latin_1_and_kept_as_bytes(file: SorFile) -> None:
    block = file.block(GenParams)
    assert (str(block.fiber_id), str(block.location_a)) == ("für 12", "Genève")
    assert Text.of("für 12") == block.fiber_id
    assert block.location_a.raw == b"Gen\xe8ve"


def test_sup_params(file: SorFile) -> None:
    block = file.block(SupParams)
    texts = (block.supplier, block.mainframe, block.mainframe_serial, block.module, block.module_serial)
    assert [str(text) for text in texts] == ["Maker", "OTDR 1", "S1", "Module", "S2"]
    assert (str(block.software), str(block.other)) == ("1.0", "calibrated")


def test_fxd_params(file: SorFile) -> None:
    block = file.block(FxdParams)
    assert block == FxdParams(
        time_utc_s=1_600_000_000,
        distance_unit="mt",
        wavelength_tenth_nm=15503,
        acquisition_offset_100ps=-2147,
        acquisition_offset_distance=-42,
        pulses=(Pulse(width_ns=30, spacing_10fs=100_000, points=300),),
        group_index_1e5=146_750,
        backscatter_minus_tenth_db=802,
        averages=2704,
        averaging_time_tenth_s=3000,
        range_100ps=300_000,
        range_distance=6000,
        front_panel_offset_100ps=2147,
        noise_floor_minus_mdb=30342,
        noise_floor_scale_thousandth=1000,
        power_offset_mdb=0,
        loss_threshold_mdb=50,
        reflectance_threshold_minus_mdb=65000,
        end_threshold_mdb=3000,
        trace_type="ST",
        window=(1, -2, 3, -4),
    )
    assert (block.group_index, block.wavelength_nm) == (1.4675, 1550.3)
    assert (block.backscatter_db, block.averaging_time_s) == (-80.2, 300.0)


def test_fxd_params_with_several_pulse_widths() -> None:
    several = struct.pack("<H3H3I3I", 3, 10, 100, 1000, 5, 6, 7, 100, 150, 50)
    file = read_sor(with_block("FxdParams", FXD_2[:16] + several + FXD_2[28:]))
    assert file.block(FxdParams).pulses == (Pulse(10, 5, 100), Pulse(100, 6, 150), Pulse(1000, 7, 50))
    assert file.block(FxdParams).group_index == 1.4675


def test_key_events(file: SorFile) -> None:
    assert file.block(KeyEvents) == KeyEvents(
        events=(
            KeyEvent(1, 0, 0, -215, -46671, "1F9999", "LS", (0, 1, 2, 3, 4)),
            KeyEvent(2, 182_802, 185, 374, -23027, "2E9999", "2P", (5, 6, 7, 8, 9), Text(b"end")),
        ),
        summary=LinkSummary(576, 0, 182_809, 24516, 0, 182_809),
    )


def test_an_event_in_decibels_and_metres(file: SorFile) -> None:
    first, end = file.block(KeyEvents).events
    assert (first.loss_db, first.reflectance_db, first.slope_db_per_km) == (-0.215, -46.671, 0.0)
    assert (end.loss_db, end.reflectance_db, end.slope_db_per_km) == (0.374, -23.027, 0.185)
    # 18.2802 us at c / 1.4675 = 204.287876 m/us.
    assert end.distance_m(1.4675) == pytest.approx(18.2802 * 204.287876, rel=1e-8)
    assert (first.is_reflective, first.is_end) == (True, False)
    assert (end.is_reflective, end.is_end) == (True, True)
    summary = file.block(KeyEvents).summary
    assert summary is not None
    assert (summary.total_loss_db, summary.return_loss_db) == (0.576, 24.516)


@pytest.mark.parametrize("stored", [-(2**31), -(2**31) + 1])
def test_a_reflectance_that_makers_mark_as_not_measured_is_none(stored: int) -> None:
    assert KeyEvent(1, 0, reflectance_mdb=stored).reflectance_db is None


@pytest.mark.parametrize(
    ("code", "reflective", "end"),
    [("0F9999", False, False), ("0E9999", False, True), ("2D9999", True, True), ("1M0003", True, False)],
)
def test_event_codes(code: str, *, reflective: bool, end: bool) -> None:
    event = KeyEvent(1, 0, code=code)
    assert (event.is_reflective, event.is_end) == (reflective, end)


def test_key_events_may_end_before_the_summary() -> None:
    content = struct.pack("<H", 1) + EVENT_2A
    data = with_block("KeyEvents", content)
    assert read_sor(data).block(KeyEvents).summary is None
    assert write_sor(read_sor(data)) == data


def test_half_a_summary_is_refused() -> None:
    content = struct.pack("<H", 1) + EVENT_2A + SUMMARY[:20]
    with pytest.raises(SorError, match=r"KeyEvents at byte \d+: end of return loss needs 4 bytes"):
        read_sor(with_block("KeyEvents", content))


def test_lnk_params(file: SorFile) -> None:
    assert file.block(LnkParams) == LnkParams(
        (Landmark(3, "MH", 5000, 2, 744, 4694, 12, 100, 110, "mt", 92, Text(b"manhole")),)
    )


def test_the_smallest_landmark_fits() -> None:
    file = SorFile((LnkParams((Landmark(1, "MH"),)),))
    assert read_sor(write_sor(file)) == file


def test_data_pts(file: SorFile) -> None:
    block = file.block(DataPts)
    assert block.points == 300
    assert block.levels_db().tolist() == pytest.approx([-count / 1000 for count in LEVELS], rel=1e-12)


def test_data_pts_with_several_scale_factors() -> None:
    content = (
        struct.pack("<IH", 5, 2)
        + struct.pack("<IH2H", 2, 1000, 7, 8)
        + struct.pack("<IH3H", 3, 1470, 1, 2, 3)
    )
    block = read_sor(with_block("DataPts", content)).block(DataPts)
    assert [stretch.scale_thousandth for stretch in block.stretches] == [1000, 1470]
    assert block.levels_db().tolist() == pytest.approx([-0.007, -0.008, -0.00147, -0.00294, -0.00441])


def test_private_blocks_and_their_order_are_kept(file: SorFile) -> None:
    names = [block_name(block) for block in file.blocks]
    assert names == [*(name for name, _ in BLOCKS_2), "Cksum"]
    raw = next(block for block in file.blocks if isinstance(block, RawBlock))
    assert raw.body == b"MakersOwn\0\x00\xff\x01anything"
    assert raw.content() == b"\x00\xff\x01anything"


def test_a_hand_packed_file_is_written_byte_for_byte(file: SorFile) -> None:
    assert write_sor(file) == version_2()


@pytest.mark.parametrize("name", ["GenParams", "SupParams", "FxdParams", "KeyEvents", "LnkParams", "DataPts"])
def test_bytes_after_the_known_fields_are_kept(name: str) -> None:
    content = dict(BLOCKS_2)[name] + b"\xa5" * 5
    file = read_sor(with_block(name, content))
    tails = {block.NAME: block.tail for block in file.blocks if not isinstance(block, RawBlock)}
    assert {known for known, tail in tails.items() if tail} == {name}
    assert tails[name] == b"\xa5" * 5
    assert write_sor(file) == with_block(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [("GenParams", GEN_2), ("SupParams", SUP), ("FxdParams", FXD_2), ("DataPts", POINTS)],
)
def test_every_truncation_of_a_block_is_refused(name: str, content: bytes) -> None:
    for length in range(len(content)):
        with pytest.raises(SorError, match=rf"^{name} at byte \d+: "):
            read_sor(with_block(name, content[:length]))


def test_landmarks_that_do_not_fit_are_kept_without_losing_the_measurement() -> None:
    for length in range(len(LANDMARKS)):
        data = with_block("LnkParams", LANDMARKS[:length])
        file = read_sor(data)
        assert RawBlock("LnkParams", b"LnkParams\0" + LANDMARKS[:length]) in file.blocks
        assert file.block(DataPts).points == 300
        assert write_sor(file) == data
        with pytest.raises(SorError, match="LnkParams: the block is there, but empty or in a layout"):
            file.block(LnkParams)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (GenParams(language="ENG"), "GenParams: language 'ENG' must have 2 characters"),
        (GenParams(build_condition="✓✓"), "beyond Latin-1"),
        (GenParams(cable_id=Text(b"a\0b")), "cable_id holds a zero byte"),
        (GenParams(fiber_type=40_000), "fiber_type 40000 does not fit 16 bits signed"),
        (GenParams(fiber_type=None), "fiber_type is None; as_version_2"),
        (GenParams(wavelength_nm=-1), "wavelength_nm -1 does not fit 16 bits unsigned"),
        (FxdParams(0, 0, (Pulse(70_000, 1, 1),), 0), "width_ns 70000 does not fit"),
        (FxdParams(0, 0, (), 0, window=None), "window is None"),
        (FxdParams(0, 0, (), 0, trace_type=None), "trace_type is None"),
        (KeyEvents((KeyEvent(1, 0, loss_mdb=32_768),)), "event loss 32768 does not fit 16 bits signed"),
        (KeyEvents((KeyEvent(1, 0, code="0F"),)), "event code '0F' must have 6"),
        (KeyEvents((KeyEvent(1, 0, markers_100ps=None),)), "event markers is None"),
        (KeyEvents(summary=None, tail=b"x"), "a tail without a summary"),
        (DataPts((Stretch(1000, b"abc"),)), "not two bytes a point"),
        (DataPts((Stretch(0, b"ab"),)), "scale factor 0"),
    ],
)
def test_what_does_not_fit_is_refused_and_never_clipped(block: StandardBlock, problem: str) -> None:
    with pytest.raises(SorError, match=problem):
        write_sor(SorFile((block,)))


def test_a_missing_block_is_named() -> None:
    for blocks in ((), (RawBlock("Own", b""),)):
        with pytest.raises(SorError, match=r"^LnkParams: the file has no such block$"):
            SorFile(blocks).block(LnkParams)


def test_a_block_is_written_once(file: SorFile) -> None:
    with pytest.raises(SorError, match="SupParams: a file has this block only once"):
        write_sor(replace(file, blocks=(*file.blocks, SupParams())))
    with pytest.raises(SorError, match="Map: a file has this block only once"):
        write_sor(SorFile((RawBlock("Map", b""),)))


def test_a_revision_of_another_version_is_not_written(file: SorFile) -> None:
    with pytest.raises(SorError, match="Map: revision 300 is not version 2"):
        write_sor(replace(file, revision=300))


def test_a_writer_names_its_block() -> None:
    error = ByteWriter("Own").error("does not fit")
    assert (error.block, error.problem, error.offset) == ("Own", "does not fit", None)
