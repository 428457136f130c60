"""GenParams: which fibre was measured, from where to where, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from drivers.facts.sor.text import NO_TEXT, Text

if TYPE_CHECKING:
    from drivers.facts.sor.byte_reader import ByteReader
    from drivers.facts.sor.byte_writer import ByteWriter


@dataclass(frozen=True, slots=True)
class GenParams:
    """General parameters; None where version 1 has no such field."""

    NAME: ClassVar[str] = "GenParams"

    language: str = "EN"
    """Two letters."""
    cable_id: Text = NO_TEXT
    fiber_id: Text = NO_TEXT
    fiber_type: int | None = 0
    """The number of the ITU-T recommendation, such as 652; 0 if unknown."""
    wavelength_nm: int = 1550
    """Nominal."""
    location_a: Text = NO_TEXT
    location_b: Text = NO_TEXT
    cable_code: Text = NO_TEXT
    build_condition: str = "OT"
    """BC as built, CC as current, RC as repaired, OT other; makers use more."""
    user_offset_100ps: int = 0
    """From the front panel to where events are counted from, such as the end of a launch fibre."""
    user_offset_distance: int | None = 0
    """The same in tenths of FxdParams.distance_unit; some makers count in whole units."""
    operator: Text = NO_TEXT
    comment: Text = NO_TEXT
    revision: int = 200
    tail: bytes = b""
    """What follows the known fields, kept as it is."""

    @classmethod
    def read(cls, reader: ByteReader, version: int, revision: int) -> GenParams:
        """Read the block after its name; SorError if it is too short."""
        return cls(
            language=reader.code("language", 2),
            cable_id=reader.text("cable_id"),
            fiber_id=reader.text("fiber_id"),
            fiber_type=reader.i16("fiber_type") if version == 2 else None,
            wavelength_nm=reader.u16("wavelength_nm"),
            location_a=reader.text("location_a"),
            location_b=reader.text("location_b"),
            cable_code=reader.text("cable_code"),
            build_condition=reader.code("build_condition", 2),
            user_offset_100ps=reader.i32("user_offset_100ps"),
            user_offset_distance=reader.i32("user_offset_distance") if version == 2 else None,
            operator=reader.text("operator"),
            comment=reader.text("comment"),
            revision=revision,
            tail=reader.rest(),
        )

    def write(self, writer: ByteWriter) -> None:
        """Write the block after its name, in version 2; SorError for what does not fit."""
        writer.code("language", self.language, 2)
        writer.text("cable_id", self.cable_id)
        writer.text("fiber_id", self.fiber_id)
        writer.i16("fiber_type", self.fiber_type)
        writer.u16("wavelength_nm", self.wavelength_nm)
        writer.text("location_a", self.location_a)
        writer.text("location_b", self.location_b)
        writer.text("cable_code", self.cable_code)
        writer.code("build_condition", self.build_condition, 2)
        writer.i32("user_offset_100ps", self.user_offset_100ps)
        writer.i32("user_offset_distance", self.user_offset_distance)
        writer.text("operator", self.operator)
        writer.text("comment", self.comment)
        writer.raw(self.tail)
