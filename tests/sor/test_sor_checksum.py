"""Checksums: known rules are recognised, kept when writing, and never forbid reading."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from dataclasses import replace

import pytest

from drivers.facts.sor.cksum import ChecksumRule, Cksum
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.model import SorFile
from drivers.facts.sor.read import read_sor
from drivers.facts.sor.text import Text
from drivers.facts.sor.write import write_sor
from tests.sor.sor_files import BLOCKS_2, version_2

DATA = version_2()


def crc_bit_by_bit(data: bytes, start: int) -> int:
    """CRC-16 with polynomial 0x1021, not reflected, as its definition has it."""
    crc = start
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
    return crc


def test_the_standard_check_values() -> None:
    # Catalogue of parametrised CRC algorithms: CRC-16/IBM-3740 (alias CCITT-FALSE) and CRC-16/XMODEM.
    assert crc_bit_by_bit(b"123456789", 0xFFFF) == crc_hqx(b"123456789", 0xFFFF) == 0x29B1
    assert crc_bit_by_bit(b"123456789", 0) == crc_hqx(b"123456789", 0) == 0x31C3


@pytest.mark.parametrize(
    ("stored", "rule"),
    [
        (crc_bit_by_bit(DATA[:-2], 0xFFFF), ChecksumRule.CCITT_FALSE),
        (crc_bit_by_bit(DATA[:-2], 0), ChecksumRule.XMODEM),
        (crc_bit_by_bit(DATA[:-2] + b"\0\0", 0xFFFF), ChecksumRule.CCITT_FALSE_ZEROED),
        (0, ChecksumRule.ZERO),
    ],
)
def test_the_rule_of_a_maker_is_recognised(stored: int, rule: ChecksumRule) -> None:
    data = version_2(checksum=stored)
    assert read_sor(data).block(Cksum) == Cksum(rule=rule)
    assert write_sor(read_sor(data)) == data


def test_a_checksum_of_no_known_rule_is_kept_as_it_is() -> None:
    data = version_2(checksum=0xBEEF)
    assert read_sor(data).block(Cksum) == Cksum(rule=None, value=0xBEEF)
    assert write_sor(read_sor(data)) == data


@pytest.mark.parametrize(
    "rule", [ChecksumRule.CCITT_FALSE, ChecksumRule.XMODEM, ChecksumRule.CCITT_FALSE_ZEROED]
)
def test_a_changed_file_gets_a_new_checksum_by_the_same_rule(rule: ChecksumRule) -> None:
    blocks = tuple(
        replace(block, operator=Text.of("someone else"))
        if isinstance(block, GenParams)
        else replace(block, rule=rule)
        if isinstance(block, Cksum)
        else block
        for block in read_sor(DATA).blocks
    )
    data = write_sor(SorFile(blocks))
    assert data[:-2] != DATA[:-2]
    stored = struct.unpack("<H", data[-2:])[0]
    expected = {
        ChecksumRule.CCITT_FALSE: crc_bit_by_bit(data[:-2], 0xFFFF),
        ChecksumRule.XMODEM: crc_bit_by_bit(data[:-2], 0),
        ChecksumRule.CCITT_FALSE_ZEROED: crc_bit_by_bit(data[:-2] + b"\0\0", 0xFFFF),
    }
    assert stored == expected[rule]


def test_the_whole_file_with_zeroed_checksum_counts_what_follows_it() -> None:
    blocks = tuple(block for block in read_sor(DATA).blocks if not isinstance(block, Cksum))
    checksum = Cksum(ChecksumRule.CCITT_FALSE_ZEROED, tail=b"tail")
    data = write_sor(SorFile((checksum, *blocks), trailing=b"trailing"))
    field = data.index(b"Cksum\0", 20 + 15 * len(BLOCKS_2)) + 6
    stored = struct.unpack_from("<H", data, field)[0]
    assert stored == crc_bit_by_bit(data[:field] + b"\0\0" + data[field + 2 :], 0xFFFF)
    assert read_sor(data).block(Cksum) == checksum


def test_a_file_without_checksum_is_read() -> None:
    file = SorFile((GenParams(),))
    assert read_sor(write_sor(file)) == file
