"""Files of real OTDRs, which lie beside the project and never in it; skipped where they are absent."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.facts.sor.cksum import ChecksumRule, Cksum
from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.trace import traces
from drivers.facts.sor.units import distance_m
from drivers.facts.sor.write import write_sor
from tests.sor import otdrparser_reading
from tests.sor.sor_comparison import compare
from tests.sor.sor_files import REAL_FILES, REAL_FOLDER

FOUND = sorted({*REAL_FILES, *(path.name for path in REAL_FOLDER.glob("*.sor"))})


def real_file(name: str) -> bytes:
    path = REAL_FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not in shared/data/sor beside the project")
    return path.read_bytes()


@pytest.mark.parametrize("name", FOUND)
def test_a_real_file_reads_as_a_public_parser_reads_it_and_is_written_byte_for_byte(name: str) -> None:
    data = real_file(name)
    file = read_sor(data)
    compare(file, otdrparser_reading.parse(data))
    assert write_sor(file) == data


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("1310_0001.sor", ChecksumRule.XMODEM),
        ("JDSU_MTS6000_1310_G.sor", None),
        ("JDSU_MTS6000_1550_G.sor", None),
        ("example1-noyes-ofl280.sor", ChecksumRule.CCITT_FALSE),
        ("otdr1.sor", ChecksumRule.ZERO),
        ("pySorReader_1_8.sor", None),
    ],
)
def test_the_checksum_of_a_real_file_keeps_its_makers_rule(name: str, rule: ChecksumRule | None) -> None:
    assert read_sor(real_file(name)).block(Cksum).rule is rule


def test_reflections_of_a_trace_stand_where_its_event_table_puts_them() -> None:
    # The one file with offsets: it settles what distances count from.
    file = read_sor(real_file("example1-noyes-ofl280.sor"))
    (trace,) = traces(file)
    distances_m = trace.distances_m()
    index = file.block(FxdParams).group_index
    offset_m = distance_m(file.block(GenParams).user_offset_100ps, index)
    launch, _, end = file.block(KeyEvents).events
    # The steepest rise within 40 m of each place; a pulse of 30 ns is 3 m long.
    for expected_m in (0.0, offset_m + launch.distance_m(index), offset_m + end.distance_m(index)):
        near = np.flatnonzero(np.abs(distances_m - expected_m) < 40)
        rise = near[np.argmax(np.diff(trace.levels_db[near]))]
        assert distances_m[rise] == pytest.approx(expected_m, abs=1.0)


def test_an_abandoned_remainder_of_an_older_block_is_kept() -> None:
    # FiberCloud overwrites an older file in place: its blocks are longer than what they hold.
    file = read_sor(real_file("otdr1.sor"))
    assert len(file.block(FxdParams).tail) == 48
    assert len(file.block(KeyEvents).tail) == 168
    assert file.trailing.endswith(b"Cksum\0\0\0")
    assert file.block(DataPts).points == 16384
