"""KeyEvents: splices, connectors and the end of the fibre, and the loss of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from drivers.facts.sor.text import NO_TEXT, Text
from drivers.facts.sor.units import distance_m

if TYPE_CHECKING:
    from drivers.facts.sor.byte_reader import ByteReader
    from drivers.facts.sor.byte_writer import ByteWriter

_SMALLEST_EVENT = {1: 23, 2: 43}
_NO_REFLECTANCE_MDB = -2_147_483_647
"""Makers write this (Anritsu) or one less (EXFO) where no reflectance was measured."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One event, counted as in the file."""

    number: int
    time_100ps: int
    """One-way time of flight from the user offset; see `distance_m`."""
    slope_mdb_per_km: int = 0
    """Of the fibre that leads to the event."""
    loss_mdb: int = 0
    """Negative for a gainer."""
    reflectance_mdb: int = 0
    code: str = "0F9999"
    """0, 1 or 2 (saturated) for reflective or not; then who found it; then the landmark or 9999."""
    technique: str = "LS"
    """How the loss was measured: LS least squares, 2P two points, OT other."""
    markers_100ps: tuple[int, int, int, int, int] | None = (0, 0, 0, 0, 0)
    """End of the event before, start, end, start of the next, peak; 0 if unused, None in version 1."""
    comment: Text = NO_TEXT

    @property
    def slope_db_per_km(self) -> float:
        """Slope in dB/km."""
        return self.slope_mdb_per_km / 1000

    @property
    def loss_db(self) -> float:
        """Loss in dB."""
        return self.loss_mdb / 1000

    @property
    def reflectance_db(self) -> float | None:
        """Reflectance in dB as the file says it (0 for many events without one); None if not measured."""
        return None if self.reflectance_mdb <= _NO_REFLECTANCE_MDB else self.reflectance_mdb / 1000

    @property
    def is_reflective(self) -> bool:
        """True for a reflective event, saturated or not."""
        return self.code[:1] in {"1", "2"}

    @property
    def is_end(self) -> bool:
        """True for the end of the fibre, as found (E) or as moved by hand (D)."""
        return self.code[1:2] in {"E", "D"}

    def distance_m(self, group_index: float) -> float:
        """Return the distance from the user offset in m, for the group index of FxdParams."""
        return distance_m(self.time_100ps, group_index)


@dataclass(frozen=True, slots=True)
class LinkSummary:
    """Loss and return loss of the link, each with the stretch it was measured on."""

    total_loss_mdb: int = 0
    loss_start_100ps: int = 0
    loss_end_100ps: int = 0
    return_loss_mdb: int = 0
    return_loss_start_100ps: int = 0
    return_loss_end_100ps: int = 0

    @property
    def total_loss_db(self) -> float:
        """Loss of the link in dB; 0 in files of makers that store it elsewhere."""
        return self.total_loss_mdb / 1000

    @property
    def return_loss_db(self) -> float:
        """Optical return loss in dB; 0 if it was not measured."""
        return self.return_loss_mdb / 1000


@dataclass(frozen=True, slots=True)
class KeyEvents:
    """The table of events."""

    NAME: ClassVar[str] = "KeyEvents"

    events: tuple[KeyEvent, ...] = ()
    summary: LinkSummary | None = LinkSummary()
    """None if the block ends after its events."""
    revision: int = 200
    tail: bytes = b""
    """What follows the known fields, kept as it is."""

    @classmethod
    def read(cls, reader: ByteReader, version: int, revision: int) -> KeyEvents:
        """Read the block after its name; SorError if it is too short for the events that it counts."""
        count = reader.count("number of events", _SMALLEST_EVENT[version])
        return cls(
            events=tuple(_read_event(reader, version) for _ in range(count)),
            summary=_read_summary(reader) if reader.left else None,
            revision=revision,
            tail=reader.rest(),
        )

    def write(self, writer: ByteWriter) -> None:
        """Write the block after its name, in version 2; SorError for what does not fit."""
        writer.u16("number of events", len(self.events))
        for event in self.events:
            _write_event(writer, event)
        if self.summary is not None:
            _write_summary(writer, self.summary)
        elif self.tail:
            raise writer.error("a tail without a summary would be read as one; give a summary")
        writer.raw(self.tail)


def _read_event(reader: ByteReader, version: int) -> KeyEvent:
    return KeyEvent(
        number=reader.u16("event number"),
        time_100ps=reader.i32("event time_100ps"),
        slope_mdb_per_km=reader.i16("event slope"),
        loss_mdb=reader.i16("event loss"),
        reflectance_mdb=reader.i32("event reflectance"),
        code=reader.code("event code", 6),
        technique=reader.code("event technique", 2),
        markers_100ps=_read_markers(reader) if version == 2 else None,
        comment=reader.text("event comment"),
    )


def _read_markers(reader: ByteReader) -> tuple[int, int, int, int, int]:
    field = "event markers"
    return reader.i32(field), reader.i32(field), reader.i32(field), reader.i32(field), reader.i32(field)


def _write_event(writer: ByteWriter, event: KeyEvent) -> None:
    writer.u16("event number", event.number)
    writer.i32("event time_100ps", event.time_100ps)
    writer.i16("event slope", event.slope_mdb_per_km)
    writer.i16("event loss", event.loss_mdb)
    writer.i32("event reflectance", event.reflectance_mdb)
    writer.code("event code", event.code, 6)
    writer.code("event technique", event.technique, 2)
    for marker in event.markers_100ps or (None,):
        writer.i32("event markers", marker)
    writer.text("event comment", event.comment)


def _read_summary(reader: ByteReader) -> LinkSummary:
    return LinkSummary(
        total_loss_mdb=reader.i32("total loss"),
        loss_start_100ps=reader.i32("start of total loss"),
        loss_end_100ps=reader.i32("end of total loss"),
        return_loss_mdb=reader.u16("return loss"),
        return_loss_start_100ps=reader.i32("start of return loss"),
        return_loss_end_100ps=reader.i32("end of return loss"),
    )


def _write_summary(writer: ByteWriter, summary: LinkSummary) -> None:
    writer.i32("total loss", summary.total_loss_mdb)
    writer.i32("start of total loss", summary.loss_start_100ps)
    writer.i32("end of total loss", summary.loss_end_100ps)
    writer.u16("return loss", summary.return_loss_mdb)
    writer.i32("start of return loss", summary.return_loss_start_100ps)
    writer.i32("end of return loss", summary.return_loss_end_100ps)
