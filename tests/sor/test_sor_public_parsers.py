"""Files that we write, read by a public parser."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.facts.sor.cksum import Cksum
from drivers.facts.sor.data_pts import DataPts, Stretch
from drivers.facts.sor.fxd_params import FxdParams, Pulse
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvent, KeyEvents, LinkSummary
from drivers.facts.sor.model import Block, SorFile
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.sup_params import SupParams
from drivers.facts.sor.text import Text
from drivers.facts.sor.units import mdb, spacing_10fs, time_100ps
from drivers.facts.sor.version_2 import as_version_2
from drivers.facts.sor.write import write_sor
from tests.sor import otdrparser_reading
from tests.sor.sor_comparison import compare
from tests.sor.sor_files import BLOCKS_1, version_1, version_2

INDEX = 1.468


def link(length_m: float = 19_870.0, loss_db_per_km: float = 0.2) -> SorFile:
    """A link of 19.87 km with a splice at 8 km, as an OTDR would store it."""
    distances_m = np.arange(0.0, length_m, 5.0)
    levels_db = -20.0 - loss_db_per_km * distances_m / 1000 - 0.15 * (distances_m > 8000)
    splice = KeyEvent(1, time_100ps(8000, INDEX), mdb(loss_db_per_km), mdb(0.15))
    end = KeyEvent(2, time_100ps(length_m, INDEX), mdb(loss_db_per_km), 0, mdb(-14.7), "1E9999", "2P")
    blocks: tuple[Block, ...] = (
        GenParams(
            cable_id=Text.of("K-7"), fiber_id=Text.of("12"), fiber_type=652, location_a=Text.of("Zürich")
        ),
        SupParams(supplier=Text.of("qkd-hil"), mainframe=Text.of("emulated"), software=Text.of("0")),
        FxdParams(
            time_utc_s=1_700_000_000,
            wavelength_tenth_nm=15500,
            pulses=(Pulse(100, spacing_10fs(5.0, INDEX), len(distances_m)),),
            group_index_1e5=146_800,
            backscatter_minus_tenth_db=817,
            averages=4096,
            averaging_time_tenth_s=150,
        ),
        KeyEvents((splice, end), LinkSummary(mdb(4.124), 0, end.time_100ps, mdb(32.1), 0, end.time_100ps)),
        RawBlock("QkdHilNote", b"QkdHilNote\0made up"),
        DataPts((Stretch.of_levels(levels_db),)),
        Cksum(),
    )
    return SorFile(blocks)


def test_a_file_made_here_reads_the_same_there() -> None:
    file = link()
    data = write_sor(file)
    assert read_sor(data) == file
    theirs = otdrparser_reading.parse(data)
    compare(file, theirs)
    splice, end = theirs["KeyEvents"]["events"]
    assert (splice["distance_of_travel"], end["distance_of_travel"]) == pytest.approx(
        (8000, 19_870), abs=0.02
    )
    assert (splice["splice_loss"], end["reflection_loss"]) == pytest.approx((0.15, -14.7))
    distance_m, level_db = theirs["DataPts"]["data_points"][2000]
    assert (distance_m, level_db) == pytest.approx((10_000, -22.15), abs=0.01)


def test_a_hand_packed_file_reads_the_same_there() -> None:
    data = version_2()
    theirs = otdrparser_reading.parse(data)
    # It does not know the landmarks of LnkParams and gives their bytes.
    compare(read_sor(data), theirs)


def test_a_file_of_version_1_reads_the_same_there_once_it_is_version_2() -> None:
    file = as_version_2(read_sor(version_1(BLOCKS_1)))
    compare(file, otdrparser_reading.parse(write_sor(file)))
