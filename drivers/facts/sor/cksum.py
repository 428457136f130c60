"""Cksum: two bytes that each maker computes in a way of its own."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from drivers.facts.sor.byte_reader import ByteReader

FIELD_BYTES = 2


class ChecksumRule(Enum):
    """How a checksum follows from the file; CRCs have the polynomial 0x1021 and start at the given value.

    Found on files of the makers named; for JDSU's and EXFO's no rule is known.
    """

    CCITT_FALSE = "CRC-16 from 0xFFFF over all that stands before it (HP, Noyes)"
    XMODEM = "CRC-16 from 0 over all that stands before it (Anritsu)"
    CCITT_FALSE_ZEROED = "CRC-16 from 0xFFFF over the whole file with its two bytes zero (VIAVI MTS 4000 V2)"
    ZERO = "not computed, 0 (FiberCloud, Grandway)"

    def compute(self, data: bytes, field_offset: int) -> int:
        """Return the checksum of the file `data`, whose checksum stands at `field_offset`."""
        before = memoryview(data)[:field_offset]
        match self:
            case ChecksumRule.CCITT_FALSE:
                return binascii.crc_hqx(before, 0xFFFF)
            case ChecksumRule.XMODEM:
                return binascii.crc_hqx(before, 0)
            case ChecksumRule.CCITT_FALSE_ZEROED:
                after = memoryview(data)[field_offset + FIELD_BYTES :]
                crc = binascii.crc_hqx(bytes(FIELD_BYTES), binascii.crc_hqx(before, 0xFFFF))
                return binascii.crc_hqx(after, crc)
            case ChecksumRule.ZERO:
                return 0


@dataclass(frozen=True, slots=True)
class Cksum:
    """The checksum block; it informs and never forbids reading."""

    NAME: ClassVar[str] = "Cksum"

    rule: ChecksumRule | None = ChecksumRule.CCITT_FALSE
    """The rule that the file keeps, by which it is written anew; None if no known rule holds."""
    value: int = 0
    """What stands in the file where `rule` is None; else 0, since the rule gives it."""
    revision: int = 200
    tail: bytes = b""
    """What follows the checksum, kept as it is."""

    @classmethod
    def read(cls, reader: ByteReader, revision: int, file: bytes) -> Cksum:
        """Read the block after its name and find the rule by which its value follows from `file`."""
        field_offset = reader.position
        value = reader.u16("checksum")
        rule = next((rule for rule in ChecksumRule if rule.compute(file, field_offset) == value), None)
        kept = value if rule is None else 0
        return cls(rule=rule, value=kept, revision=revision, tail=reader.rest())
