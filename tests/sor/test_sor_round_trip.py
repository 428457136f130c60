"""Whatever can be written is read back unchanged, and written again byte for byte."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from drivers.facts.sor.cksum import ChecksumRule, Cksum
from drivers.facts.sor.data_pts import DataPts, Stretch
from drivers.facts.sor.fxd_params import FxdParams, Pulse
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvent, KeyEvents, LinkSummary
from drivers.facts.sor.lnk_params import Landmark, LnkParams
from drivers.facts.sor.model import STANDARD_NAMES, Block, SorFile
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.sup_params import SupParams
from drivers.facts.sor.text import Text
from drivers.facts.sor.write import write_sor

u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
i16 = st.integers(-(2**15), 2**15 - 1)
i32 = st.integers(-(2**31), 2**31 - 1)
texts = st.binary(max_size=12).map(lambda raw: Text(raw.replace(b"\0", b"")))
tails = st.binary(max_size=6)


def code(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(lambda raw: raw.decode("latin-1"))


gen_params = st.builds(
    GenParams,
    language=code(2),
    cable_id=texts,
    fiber_id=texts,
    fiber_type=i16,
    wavelength_nm=u16,
    location_a=texts,
    location_b=texts,
    cable_code=texts,
    build_condition=code(2),
    user_offset_100ps=i32,
    user_offset_distance=i32,
    operator=texts,
    comment=texts,
    revision=u16,
    tail=tails,
)
sup_params = st.builds(SupParams, texts, texts, texts, texts, texts, texts, texts, u16, tails)
fxd_params = st.builds(
    FxdParams,
    time_utc_s=u32,
    distance_unit=code(2),
    wavelength_tenth_nm=u16,
    acquisition_offset_100ps=i32,
    acquisition_offset_distance=i32,
    pulses=st.lists(st.builds(Pulse, u16, u32, u32), max_size=3).map(tuple),
    group_index_1e5=u32,
    backscatter_minus_tenth_db=i16,
    averages=u32,
    averaging_time_tenth_s=u16,
    range_100ps=u32,
    range_distance=i32,
    front_panel_offset_100ps=i32,
    noise_floor_minus_mdb=u16,
    noise_floor_scale_thousandth=i16,
    power_offset_mdb=u16,
    loss_threshold_mdb=u16,
    reflectance_threshold_minus_mdb=u16,
    end_threshold_mdb=u16,
    trace_type=code(2),
    window=st.tuples(i32, i32, i32, i32),
    revision=u16,
    tail=tails,
)
events = st.builds(
    KeyEvent, u16, i32, i16, i16, i32, code(6), code(2), st.tuples(i32, i32, i32, i32, i32), texts
)
key_events = st.one_of(
    st.builds(
        KeyEvents,
        st.lists(events, max_size=3).map(tuple),
        st.builds(LinkSummary, i32, i32, i32, u16, i32, i32),
        u16,
        tails,
    ),
    st.builds(KeyEvents, st.lists(events, max_size=3).map(tuple), st.none(), u16),
)
landmarks = st.builds(Landmark, i16, code(2), i32, i16, i32, i32, i16, i32, i32, code(2), i16, texts)
lnk_params = st.builds(LnkParams, st.lists(landmarks, max_size=3).map(tuple), u16, tails)
counts = st.lists(u16, max_size=20).map(lambda values: b"".join(v.to_bytes(2, "little") for v in values))
data_pts = st.builds(
    DataPts, st.lists(st.builds(Stretch, st.integers(1, 65535), counts), max_size=3).map(tuple), u16, tails
)
checksums = st.builds(Cksum, st.sampled_from(ChecksumRule), st.just(0), u16, tails)
private_names = (
    st.binary(max_size=9)
    .map(lambda raw: raw.replace(b"\0", b"").decode("latin-1"))
    .filter(lambda name: name not in {*STANDARD_NAMES, "Map"})
)
private_blocks = st.builds(RawBlock, private_names, st.binary(max_size=20), u16)


@st.composite
def files(draw: st.DrawFn) -> SorFile:
    standard: list[st.SearchStrategy[Block]] = [
        gen_params,
        sup_params,
        fxd_params,
        key_events,
        lnk_params,
        data_pts,
        checksums,
    ]
    chosen = draw(st.lists(st.sampled_from(standard), unique_by=id))
    blocks = [draw(block) for block in chosen] + draw(st.lists(private_blocks, max_size=3))
    return SorFile(
        tuple(draw(st.permutations(blocks))),
        revision=draw(st.integers(200, 299)),
        map_tail=draw(tails),
        trailing=draw(tails),
    )


def without_rule(file: SorFile) -> SorFile:
    """By chance, one file in 65 536 keeps the rule of another maker as well."""
    blocks = (
        replace(block, rule=None, value=0) if isinstance(block, Cksum) else block for block in file.blocks
    )
    return replace(file, blocks=tuple(blocks))


@given(files())
def test_written_read_and_written_again(file: SorFile) -> None:
    data = write_sor(file)
    again = read_sor(data)
    assert without_rule(again) == without_rule(file)
    assert write_sor(again) == data
