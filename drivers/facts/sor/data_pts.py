"""DataPts: the points of the trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from drivers.facts.sor.errors import SorError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from drivers.facts.sor.byte_reader import ByteReader
    from drivers.facts.sor.byte_writer import ByteWriter

_SMALLEST_STRETCH = 6
_BYTES_PER_POINT = 2
_HIGHEST_COUNT = 65535


@dataclass(frozen=True, slots=True)
class Stretch:
    """Points that share one scale factor."""

    scale_thousandth: int
    """1000 where a count is 0.001 dB; VIAVI writes 1470."""
    counts: bytes
    """Unsigned 16 bit, little endian, as in the file."""

    @classmethod
    def of_levels(cls, levels_db: ArrayLike, scale_thousandth: int = 1000) -> Stretch:
        """Return the stretch nearest to `levels_db` (0 or below); SorError if one cannot be counted."""
        if not 0 < scale_thousandth <= _HIGHEST_COUNT:
            raise SorError("DataPts", f"scale factor {scale_thousandth} is not in 1 to {_HIGHEST_COUNT}")
        counts = np.rint(np.asarray(levels_db, dtype=np.float64) * (-1e6 / scale_thousandth))
        if not np.all((counts >= 0) & (counts <= _HIGHEST_COUNT)):
            lowest_db = -_HIGHEST_COUNT * scale_thousandth / 1e6
            raise SorError("DataPts", f"a level is not within {lowest_db:g} to 0 dB; choose another scale")
        return cls(scale_thousandth, counts.astype("<u2").tobytes())

    def levels_db(self) -> NDArray[np.float64]:
        """Return the levels in dB, 0 or below."""
        return np.frombuffer(self.counts, dtype="<u2") * (-self.scale_thousandth / 1e6)


@dataclass(frozen=True, slots=True)
class DataPts:
    """The trace, in the order in which it was stored."""

    NAME: ClassVar[str] = "DataPts"

    stretches: tuple[Stretch, ...]
    revision: int = 200
    tail: bytes = b""
    """What follows the known fields, kept as it is."""

    @property
    def points(self) -> int:
        """Number of points of all stretches."""
        return sum(len(stretch.counts) // _BYTES_PER_POINT for stretch in self.stretches)

    def levels_db(self) -> NDArray[np.float64]:
        """Return the levels of all points in dB, 0 or below."""
        return np.concatenate([np.empty(0), *(stretch.levels_db() for stretch in self.stretches)])

    @classmethod
    def read(cls, reader: ByteReader, _version: int, revision: int) -> DataPts:
        """Read the block after its name, the same in both versions; SorError if its counts contradict."""
        stated = reader.u32("number of points")
        count = reader.count("number of scale factors", _SMALLEST_STRETCH)
        stretches = tuple(_read_stretch(reader) for _ in range(count))
        block = cls(stretches=stretches, revision=revision, tail=reader.rest())
        if block.points != stated:
            raise reader.error(f"number of points says {stated}, the stretches hold {block.points}")
        return block

    def write(self, writer: ByteWriter) -> None:
        """Write the block after its name; SorError for what does not fit."""
        writer.u32("number of points", self.points)
        writer.u16("number of scale factors", len(self.stretches))
        for stretch in self.stretches:
            if len(stretch.counts) % _BYTES_PER_POINT:
                raise writer.error("counts of a stretch are not two bytes a point")
            if not stretch.scale_thousandth:
                raise writer.error("scale factor 0 gives no level")
            writer.u32("points of a stretch", len(stretch.counts) // _BYTES_PER_POINT)
            writer.u16("scale factor", stretch.scale_thousandth)
            writer.raw(stretch.counts)
        writer.raw(self.tail)


def _read_stretch(reader: ByteReader) -> Stretch:
    points = reader.u32("points of a stretch")
    scale_thousandth = reader.u16("scale factor")
    if not scale_thousandth:
        raise reader.error("scale factor 0 gives no level")
    return Stretch(scale_thousandth, reader.take("points", points * _BYTES_PER_POINT))
