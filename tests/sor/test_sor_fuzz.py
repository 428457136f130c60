"""Mutated files: an error that says what is wrong, or a reading that loses nothing; never anything else."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.facts.sor.errors import SorError
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.key_events import KeyEvents
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.trace import traces
from drivers.facts.sor.version_2 import as_version_2
from drivers.facts.sor.write import write_sor
from tests.sor.sor_files import REAL_FILES, REAL_FOLDER, version_1, version_2

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.sor.model import SorFile

    Mutation = Callable[[np.random.Generator, bytearray, int], None]

LIES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
NEAR_START_BYTES = 700


def flip(rng: np.random.Generator, data: bytearray, at: int) -> None:
    data[at] ^= int(rng.integers(1, 256))


def lie_2(rng: np.random.Generator, data: bytearray, at: int) -> None:
    data[at : at + 2] = struct.pack("<H", int(rng.choice(LIES)) & 0xFFFF)


def lie_4(rng: np.random.Generator, data: bytearray, at: int) -> None:
    data[at : at + 4] = struct.pack("<I", int(rng.choice(LIES)))


def nudge(rng: np.random.Generator, data: bytearray, at: int) -> None:
    data[at] = (data[at] + int(rng.choice((-1, 1)))) % 256


def cut(rng: np.random.Generator, data: bytearray, at: int) -> None:
    del data[at : at + int(rng.integers(1, 40))]


def insert(rng: np.random.Generator, data: bytearray, at: int) -> None:
    data[at:at] = rng.bytes(int(rng.integers(1, 40)))


def repeat(rng: np.random.Generator, data: bytearray, at: int) -> None:
    data[at:at] = data[at : at + int(rng.integers(1, 400))]


def truncate(_rng: np.random.Generator, data: bytearray, at: int) -> None:
    del data[at:]


MUTATIONS: tuple[Mutation, ...] = (flip, flip, lie_2, lie_4, nudge, nudge, cut, insert, repeat, truncate)


def seeds() -> list[bytes]:
    """Real files where they are there; those packed by hand in any case."""
    real = [(REAL_FOLDER / name).read_bytes() for name in REAL_FILES if (REAL_FOLDER / name).is_file()]
    return [version_1(), version_2(), version_1(), version_2(), *real]


def mutant(rng: np.random.Generator, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        # Map and parameters stand at the start of nearly every file; points hardly matter.
        reach = min(NEAR_START_BYTES, len(data)) if rng.random() < 0.8 else len(data)
        mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        mutation(rng, data, int(rng.integers(reach)))
    return bytes(data)


def use(file: SorFile) -> None:
    """Ask for all that is computed; only a SorError may come of it."""
    try:
        for trace in traces(file):
            assert len(trace.distances_m()) == len(trace.levels_db)
        index = file.block(FxdParams).group_index
        for event in file.block(KeyEvents).events:
            event.distance_m(index)
    except SorError:
        pass
    for block in file.blocks:
        if isinstance(block, RawBlock):
            block.content()


def read_and_write(data: bytes) -> bool:
    """True if `data` was read; then writing must give it back."""
    try:
        file = read_sor(data)
    except SorError:
        return False
    use(file)
    if file.version == 2:
        assert write_sor(file) == data
        return True
    # The one thing that has no counterpart in version 2.
    if any(isinstance(block, RawBlock) and block.name == "LnkParams" and block.body for block in file.blocks):
        return True
    data = write_sor(as_version_2(file))
    assert write_sor(read_sor(data)) == data
    return True


def fuzz(count: int, seed: int) -> int:
    """Read `count` mutants and return how many could be read."""
    rng = np.random.default_rng(seed)
    sources = seeds()
    return sum(read_and_write(mutant(rng, sources[index % len(sources)])) for index in range(count))


def test_thousands_of_mutants() -> None:
    count = 3000
    # Both kinds must occur, or the mutations are too harsh or too mild to show anything.
    assert count // 20 < fuzz(count, seed=1) < count * 19 // 20


@pytest.mark.slow
def test_a_hundred_thousand_mutants() -> None:
    count = 100_000
    assert count // 20 < fuzz(count, seed=2) < count * 19 // 20


def test_noise() -> None:
    rng = np.random.default_rng(3)
    for start in (b"", b"Map\0", b"Map\0\xc8\0", b"d\0"):
        for _ in range(500):
            read_and_write(start + rng.bytes(int(rng.integers(0, 300))))
