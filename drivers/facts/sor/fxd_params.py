"""FxdParams: how the trace was taken, and what turns its counts into metres and decibels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from drivers.facts.sor.byte_reader import ByteReader
    from drivers.facts.sor.byte_writer import ByteWriter

_BYTES_PER_PULSE = 10


@dataclass(frozen=True, slots=True)
class Pulse:
    """One pulse width and the points taken with it."""

    width_ns: int
    spacing_10fs: int
    """Time between two points; the file calls it the time of 10 000 points in 100 ps."""
    points: int


@dataclass(frozen=True, slots=True)
class FxdParams:
    """Fixed parameters, counted as in the file; None where version 1 has no such field."""

    NAME: ClassVar[str] = "FxdParams"

    time_utc_s: int
    """Seconds since 1970."""
    wavelength_tenth_nm: int
    """Of the laser used; some makers count in whole nm."""
    pulses: tuple[Pulse, ...]
    group_index_1e5: int
    """146800 for n = 1.468; see `group_index`."""
    distance_unit: str = "mt"
    """Of the fields that end in `_distance`: km, mt, ft, kf or mi."""
    acquisition_offset_100ps: int = 0
    """From the front panel to the first point; negative if the first point lies inside the OTDR."""
    acquisition_offset_distance: int | None = 0
    backscatter_minus_tenth_db: int = 0
    """800 for -80.0 dB at 1 ns."""
    averages: int = 0
    averaging_time_tenth_s: int | None = 0
    range_100ps: int = 0
    range_distance: int | None = 0
    front_panel_offset_100ps: int = 0
    """From the detector to the front panel."""
    noise_floor_minus_mdb: int = 0
    """98 % of the noise lies below."""
    noise_floor_scale_thousandth: int = 1000
    power_offset_mdb: int = 0
    loss_threshold_mdb: int = 0
    reflectance_threshold_minus_mdb: int = 0
    end_threshold_mdb: int = 0
    trace_type: str | None = "ST"
    """ST standard, RT reverse, DT difference, RF reference."""
    window: tuple[int, int, int, int] | None = (0, 0, 0, 0)
    """Two corners of a display, as x, y, x, y."""
    revision: int = 200
    tail: bytes = b""
    """What follows the known fields, kept as it is."""

    @property
    def group_index(self) -> float:
        """Group index of the fibre as the user has set it."""
        return self.group_index_1e5 / 1e5

    @property
    def wavelength_nm(self) -> float:
        """Wavelength of the laser in nm."""
        return self.wavelength_tenth_nm / 10

    @property
    def backscatter_db(self) -> float:
        """Backscatter coefficient in dB for a pulse of 1 ns."""
        return -self.backscatter_minus_tenth_db / 10

    @property
    def averaging_time_s(self) -> float | None:
        """Averaging time in s; None in a file of version 1."""
        return None if self.averaging_time_tenth_s is None else self.averaging_time_tenth_s / 10

    @classmethod
    def read(cls, reader: ByteReader, version: int, revision: int) -> FxdParams:
        """Read the block after its name; SorError if it is too short or counts too many pulses."""
        v2 = version == 2
        return cls(
            time_utc_s=reader.u32("time_utc_s"),
            distance_unit=reader.code("distance_unit", 2),
            wavelength_tenth_nm=reader.u16("wavelength_tenth_nm"),
            acquisition_offset_100ps=reader.i32("acquisition_offset_100ps"),
            acquisition_offset_distance=reader.i32("acquisition_offset_distance") if v2 else None,
            pulses=_read_pulses(reader),
            group_index_1e5=reader.u32("group_index_1e5"),
            backscatter_minus_tenth_db=reader.i16("backscatter_minus_tenth_db"),
            averages=reader.u32("averages"),
            averaging_time_tenth_s=reader.u16("averaging_time_tenth_s") if v2 else None,
            range_100ps=reader.u32("range_100ps"),
            range_distance=reader.i32("range_distance") if v2 else None,
            front_panel_offset_100ps=reader.i32("front_panel_offset_100ps"),
            noise_floor_minus_mdb=reader.u16("noise_floor_minus_mdb"),
            noise_floor_scale_thousandth=reader.i16("noise_floor_scale_thousandth"),
            power_offset_mdb=reader.u16("power_offset_mdb"),
            loss_threshold_mdb=reader.u16("loss_threshold_mdb"),
            reflectance_threshold_minus_mdb=reader.u16("reflectance_threshold_minus_mdb"),
            end_threshold_mdb=reader.u16("end_threshold_mdb"),
            trace_type=reader.code("trace_type", 2) if v2 else None,
            window=_read_window(reader) if v2 else None,
            revision=revision,
            tail=reader.rest(),
        )

    def write(self, writer: ByteWriter) -> None:
        """Write the block after its name, in version 2; SorError for what does not fit."""
        writer.u32("time_utc_s", self.time_utc_s)
        writer.code("distance_unit", self.distance_unit, 2)
        writer.u16("wavelength_tenth_nm", self.wavelength_tenth_nm)
        writer.i32("acquisition_offset_100ps", self.acquisition_offset_100ps)
        writer.i32("acquisition_offset_distance", self.acquisition_offset_distance)
        _write_pulses(writer, self.pulses)
        writer.u32("group_index_1e5", self.group_index_1e5)
        writer.i16("backscatter_minus_tenth_db", self.backscatter_minus_tenth_db)
        writer.u32("averages", self.averages)
        writer.u16("averaging_time_tenth_s", self.averaging_time_tenth_s)
        writer.u32("range_100ps", self.range_100ps)
        writer.i32("range_distance", self.range_distance)
        writer.i32("front_panel_offset_100ps", self.front_panel_offset_100ps)
        writer.u16("noise_floor_minus_mdb", self.noise_floor_minus_mdb)
        writer.i16("noise_floor_scale_thousandth", self.noise_floor_scale_thousandth)
        writer.u16("power_offset_mdb", self.power_offset_mdb)
        writer.u16("loss_threshold_mdb", self.loss_threshold_mdb)
        writer.u16("reflectance_threshold_minus_mdb", self.reflectance_threshold_minus_mdb)
        writer.u16("end_threshold_mdb", self.end_threshold_mdb)
        writer.code("trace_type", self.trace_type, 2)
        for corner in self.window or (None,):
            writer.i32("window", corner)
        writer.raw(self.tail)


def _read_pulses(reader: ByteReader) -> tuple[Pulse, ...]:
    # The file holds all widths, then all spacings, then all counts.
    count = reader.count("number of pulse widths", _BYTES_PER_PULSE)
    widths_ns = reader.numbers("pulse widths", f"{count}H")
    spacings_10fs = reader.numbers("spacings", f"{count}I")
    points = reader.numbers("numbers of points", f"{count}I")
    return tuple(map(Pulse, widths_ns, spacings_10fs, points))


def _write_pulses(writer: ByteWriter, pulses: tuple[Pulse, ...]) -> None:
    writer.u16("number of pulse widths", len(pulses))
    for pulse in pulses:
        writer.u16("width_ns", pulse.width_ns)
    for pulse in pulses:
        writer.u32("spacing_10fs", pulse.spacing_10fs)
    for pulse in pulses:
        writer.u32("points", pulse.points)


def _read_window(reader: ByteReader) -> tuple[int, int, int, int]:
    return reader.i32("window"), reader.i32("window"), reader.i32("window"), reader.i32("window")
