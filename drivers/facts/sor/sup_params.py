"""SupParams: which OTDR measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from drivers.facts.sor.text import NO_TEXT, Text

if TYPE_CHECKING:
    from drivers.facts.sor.byte_reader import ByteReader
    from drivers.facts.sor.byte_writer import ByteWriter


@dataclass(frozen=True, slots=True)
class SupParams:
    """Supplier parameters."""

    NAME: ClassVar[str] = "SupParams"

    supplier: Text = NO_TEXT
    mainframe: Text = NO_TEXT
    mainframe_serial: Text = NO_TEXT
    module: Text = NO_TEXT
    module_serial: Text = NO_TEXT
    software: Text = NO_TEXT
    other: Text = NO_TEXT
    """Often the day of the last calibration."""
    revision: int = 200
    tail: bytes = b""
    """What follows the known fields, kept as it is."""

    @classmethod
    def read(cls, reader: ByteReader, _version: int, revision: int) -> SupParams:
        """Read the block after its name, the same in both versions; SorError if it is too short."""
        return cls(
            supplier=reader.text("supplier"),
            mainframe=reader.text("mainframe"),
            mainframe_serial=reader.text("mainframe_serial"),
            module=reader.text("module"),
            module_serial=reader.text("module_serial"),
            software=reader.text("software"),
            other=reader.text("other"),
            revision=revision,
            tail=reader.rest(),
        )

    def write(self, writer: ByteWriter) -> None:
        """Write the block after its name; SorError for what does not fit."""
        writer.text("supplier", self.supplier)
        writer.text("mainframe", self.mainframe)
        writer.text("mainframe_serial", self.mainframe_serial)
        writer.text("module", self.module)
        writer.text("module_serial", self.module_serial)
        writer.text("software", self.software)
        writer.text("other", self.other)
        writer.raw(self.tail)
