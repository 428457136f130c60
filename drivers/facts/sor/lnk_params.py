"""LnkParams: landmarks along the cable; rare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from drivers.facts.sor.text import NO_TEXT, Text

if TYPE_CHECKING:
    from drivers.facts.sor.byte_reader import ByteReader
    from drivers.facts.sor.byte_writer import ByteWriter

_SMALLEST_LANDMARK = 33


@dataclass(frozen=True, slots=True)
class Landmark:
    """One landmark, counted as in the file (fields as in the public parser otdrs)."""

    number: int
    code: str
    """Two letters for the kind of place."""
    time_100ps: int = 0
    """One-way time of flight from the user offset."""
    event_number: int = 0
    """Of the event at this place; 0 for none."""
    longitude: int = 0
    latitude: int = 0
    fiber_correction_hundredth_percent: int = 0
    """How much longer the fibre is than the cable."""
    sheath_mark_in: int = 0
    sheath_mark_out: int = 0
    sheath_unit: str = "mt"
    mode_field_diameter: int = 0
    """Of the fibre that leaves; the public sources do not give the unit."""
    comment: Text = NO_TEXT


@dataclass(frozen=True, slots=True)
class LnkParams:
    """Link parameters of a file of version 2; the layout in version 1 is not public."""

    NAME: ClassVar[str] = "LnkParams"

    landmarks: tuple[Landmark, ...] = ()
    revision: int = 200
    tail: bytes = b""
    """What follows the known fields, kept as it is."""

    @classmethod
    def read(cls, reader: ByteReader, revision: int) -> LnkParams:
        """Read the block after its name; SorError if it is too short for the landmarks that it counts."""
        count = reader.count("number of landmarks", _SMALLEST_LANDMARK)
        landmarks = tuple(_read_landmark(reader) for _ in range(count))
        return cls(landmarks=landmarks, revision=revision, tail=reader.rest())

    def write(self, writer: ByteWriter) -> None:
        """Write the block after its name; SorError for what does not fit."""
        writer.u16("number of landmarks", len(self.landmarks))
        for landmark in self.landmarks:
            _write_landmark(writer, landmark)
        writer.raw(self.tail)


def _read_landmark(reader: ByteReader) -> Landmark:
    return Landmark(
        number=reader.i16("landmark number"),
        code=reader.code("landmark code", 2),
        time_100ps=reader.i32("landmark time_100ps"),
        event_number=reader.i16("landmark event"),
        longitude=reader.i32("longitude"),
        latitude=reader.i32("latitude"),
        fiber_correction_hundredth_percent=reader.i16("fibre correction"),
        sheath_mark_in=reader.i32("sheath mark in"),
        sheath_mark_out=reader.i32("sheath mark out"),
        sheath_unit=reader.code("sheath unit", 2),
        mode_field_diameter=reader.i16("mode field diameter"),
        comment=reader.text("landmark comment"),
    )


def _write_landmark(writer: ByteWriter, landmark: Landmark) -> None:
    writer.i16("landmark number", landmark.number)
    writer.code("landmark code", landmark.code, 2)
    writer.i32("landmark time_100ps", landmark.time_100ps)
    writer.i16("landmark event", landmark.event_number)
    writer.i32("longitude", landmark.longitude)
    writer.i32("latitude", landmark.latitude)
    writer.i16("fibre correction", landmark.fiber_correction_hundredth_percent)
    writer.i32("sheath mark in", landmark.sheath_mark_in)
    writer.i32("sheath mark out", landmark.sheath_mark_out)
    writer.code("sheath unit", landmark.sheath_unit, 2)
    writer.i16("mode field diameter", landmark.mode_field_diameter)
    writer.text("landmark comment", landmark.comment)
