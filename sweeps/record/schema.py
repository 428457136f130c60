"""The tables of `log.sqlite`, and the rows that are more than a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.facts.telemetry import TelemetryRecord

SCHEMA_VERSION = 3
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE event (
  id INTEGER PRIMARY KEY, lab_time_s REAL NOT NULL, utc_s REAL NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE TABLE session (
  id INTEGER PRIMARY KEY, started_utc_s REAL NOT NULL, provenance TEXT NOT NULL
) STRICT;
CREATE TABLE point (
  id INTEGER PRIMARY KEY, step INTEGER NOT NULL, added_db REAL NOT NULL, setting_db REAL NOT NULL,
  readback_db REAL NOT NULL, wavelength_nm REAL NOT NULL, settled_s REAL NOT NULL,
  uncertainty_db REAL NOT NULL
) STRICT;
CREATE TABLE schedule (
  id INTEGER PRIMARY KEY, point INTEGER REFERENCES point (id), start_s REAL NOT NULL, period_s REAL NOT NULL,
  first_slot INTEGER NOT NULL, end_slot INTEGER NOT NULL
) STRICT;
CREATE TABLE telemetry (
  id INTEGER PRIMARY KEY, slot INTEGER NOT NULL, point INTEGER REFERENCES point (id),
  sequence INTEGER NOT NULL, window_start_s REAL NOT NULL, window_s REAL NOT NULL,
  skr_bps REAL NOT NULL, key_rate_bps REAL NOT NULL, qber REAL NOT NULL, visibility REAL NOT NULL,
  detection_count REAL NOT NULL, readings TEXT NOT NULL, utc_s REAL NOT NULL
) STRICT;
CREATE TABLE gap (
  id INTEGER PRIMARY KEY, point INTEGER REFERENCES point (id), slot INTEGER,
  first_sequence INTEGER, last_sequence INTEGER,
  reason TEXT NOT NULL, utc_s REAL NOT NULL
) STRICT;
CREATE TABLE acquisition (
  step INTEGER PRIMARY KEY, site TEXT NOT NULL, gear TEXT NOT NULL,
  wavelength_nm REAL NOT NULL, pulse_ns REAL NOT NULL, range_km REAL NOT NULL, averaging_s REAL NOT NULL,
  group_index REAL NOT NULL, backscatter_db REAL NOT NULL, launch_m REAL NOT NULL, tail_m REAL NOT NULL,
  taken_s REAL NOT NULL, sor TEXT NOT NULL, sor_sha256 TEXT NOT NULL, utc_s REAL NOT NULL
) STRICT;
CREATE TABLE otdr_event (
  step INTEGER NOT NULL REFERENCES acquisition (step), number INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (step, number)
) STRICT;
CREATE TABLE power_reading (
  round INTEGER NOT NULL, step INTEGER NOT NULL, setting_db REAL NOT NULL,
  readback_db REAL NOT NULL, power_dbm REAL NOT NULL, wavelength_nm REAL NOT NULL, taken_s REAL NOT NULL,
  utc_s REAL NOT NULL, PRIMARY KEY (round, step)
) STRICT;
CREATE UNIQUE INDEX telemetry_slot ON telemetry (ifnull(point, 0), slot);
-- A slot is missed once, and a number lost once, however often the run is taken up again.
CREATE UNIQUE INDEX gap_slot ON gap (ifnull(point, 0), slot) WHERE slot IS NOT NULL;
CREATE UNIQUE INDEX gap_lost ON gap (ifnull(point, 0), first_sequence, last_sequence) WHERE slot IS NULL;
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One visit to a point of a sweep: what was asked, set and read back; `step` is its place in the plan.

    A point that was broken off is visited again, so several may have one step.
    """

    number: int
    step: int
    added_db: float
    setting_db: float
    readback_db: float
    wavelength_nm: float
    settled_s: float
    uncertainty_db: float
    """How far the light's attenuation may be from the reading."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """An absolute schedule: slot k begins at `start_s + k * period_s`, by the appliance's clock.

    It takes the slots from `first_slot` up to, and without, `end_slot`. `point` is the sweep point's number,
    None outside a sweep.
    """

    point: int | None
    start_s: float
    period_s: float
    first_slot: int
    end_slot: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A telemetry record in its place of the run; `point` is None outside a sweep."""

    slot: int
    point: int | None
    record: TelemetryRecord


@dataclass(frozen=True, slots=True)
class Gap:
    """A slot without a record (`slot`), or sequence numbers that are lost, with the reason.

    `point` is the sweep point's number, None outside a sweep.
    """

    slot: int | None
    first_sequence: int | None
    last_sequence: int | None
    reason: str
    point: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the run's journal, in lab time and in the host's."""

    lab_time_s: float
    utc_s: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A trace of the fibre that the OTDR of a site took; `step` is its place in the plan.

    Its settings are those that the device said it took.
    """

    step: int
    site: str
    gear: str
    wavelength_nm: float
    pulse_ns: float
    range_km: float
    averaging_s: float
    group_index: float
    backscatter_db: float
    launch_m: float
    """Fibre between OTDR and the link; 0 for none."""
    tail_m: float
    """Fibre at the link's far end; 0 for none."""
    taken_s: float
    sor: str
    """The trace as a `.sor` file: its name among the artefacts."""
    sor_sha256: str


@dataclass(frozen=True, slots=True)
class PowerReading:
    """Light behind an attenuator at one setting; `step` is its place within a round of settings."""

    round: int
    step: int
    setting_db: float
    readback_db: float
    power_dbm: float
    wavelength_nm: float
    taken_s: float


OTDR_OPEN = "otdr_open"
"""Key of a run's facts: the gear name of the OTDR that is open, and may shine."""

# What kind of line it is, where a program of ours writes or reads it; what a lab did is told as "lab: ...".
STARTED = "start"
RESUMED = "resume"
ENDED = "end"
SAFE = "safe state"
NOT_SAFE = "safe state NOT reached"
FOUND_UNSAFE = "found unsafe"
FOUND_AWAY = "link found away from its reference"
APPLIANCE_STARTED = "appliance"
NOT_READ = "telemetry not read"
NOT_SKIPPED = "telemetry not skipped"
LEFT_OUT = "records left out"
HOST_CLOCK = "host clock"
APPLIANCE_CLOCK = "appliance clock"
