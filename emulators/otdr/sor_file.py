"""A measurement as a `.sor` file, with the habits of VIAVI's files where real ones show them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.facts.sor.cksum import Cksum
from drivers.facts.sor.data_pts import DataPts, Stretch
from drivers.facts.sor.fxd_params import FxdParams, Pulse
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvent, KeyEvents, LinkSummary
from drivers.facts.sor.model import SorFile
from drivers.facts.sor.text import Text
from drivers.facts.sor.units import mdb, time_100ps
from drivers.facts.sor.write import write_sor
from emulators.otdr.measurement import STEP_DB
from emulators.otdr.receiver import point_averages
from emulators.otdr.sections import Thresholds

if TYPE_CHECKING:
    from drivers.facts.sor.sup_params import SupParams
    from emulators.otdr.events import Event
    from emulators.otdr.instrument import Instrument
    from emulators.otdr.measurement import Measurement

_SINGLE_MODE = 652
_10FS_PER_NS = 1e5
# 98 % of normal noise lies below so many standard deviations.
_98_PERCENT = 2.05
_LOWEST_LEVEL_MDB = 65_535


def sor_bytes(measurement: Measurement, instrument: Instrument, identity: SupParams) -> bytes:
    """Return the file of a measurement."""
    blocks = (
        GenParams(wavelength_nm=round(measurement.settings.wavelength_nm), fiber_type=_SINGLE_MODE),
        identity,
        _fixed(measurement, instrument),
        _events(measurement),
        DataPts((_points(measurement),)),
        Cksum(),
    )
    return write_sor(SorFile(blocks))


def _fixed(measurement: Measurement, instrument: Instrument) -> FxdParams:
    settings, thresholds = measurement.settings, Thresholds()
    floor_db = 5.0 * math.log10(max(_98_PERCENT * measurement.analysis.noise_rms, 1e-13))
    # The file counts one-way times.
    spacing_10fs = round(settings.sampling_ns / 2.0 * _10FS_PER_NS)
    return FxdParams(
        time_utc_s=round(measurement.ended_at_s),
        wavelength_tenth_nm=round(settings.wavelength_nm * 10.0),
        pulses=(Pulse(round(settings.pulse_ns), spacing_10fs, len(measurement.counts_below)),),
        group_index_1e5=round(settings.group_index * 1e5),
        distance_unit="km",
        backscatter_minus_tenth_db=round(-settings.backscatter_db * 10.0),
        averages=max(1, round(point_averages(instrument, settings))),
        averaging_time_tenth_s=round(settings.averaging_s * 10.0),
        range_100ps=time_100ps(settings.range_km * 1000.0, settings.group_index),
        noise_floor_minus_mdb=min(mdb(-floor_db), _LOWEST_LEVEL_MDB),
        loss_threshold_mdb=mdb(thresholds.loss_db),
        reflectance_threshold_minus_mdb=mdb(-thresholds.reflectance_db),
        end_threshold_mdb=mdb(thresholds.end_db),
    )


def _events(measurement: Measurement) -> KeyEvents:
    analysis, index = measurement.analysis, measurement.settings.group_index
    events = tuple(_event(number, event, index) for number, event in enumerate(analysis.events, start=1))
    end = analysis.end()
    end_100ps = 0 if end is None else events[-1].time_100ps
    total_db = 0.0 if end is None or end.cumulated_db is None else end.cumulated_db
    has_return_loss = math.isfinite(analysis.orl_db)
    return KeyEvents(
        events,
        LinkSummary(
            total_loss_mdb=mdb(total_db),
            loss_end_100ps=end_100ps,
            return_loss_mdb=mdb(analysis.orl_db) if has_return_loss else 0,
            return_loss_end_100ps=end_100ps if has_return_loss else 0,
        ),
    )


def _event(number: int, event: Event, group_index: float) -> KeyEvent:
    saturation = "2" if event.saturated else "1"
    reflects = "0" if event.reflectance_db is None else saturation
    return KeyEvent(
        number=number,
        time_100ps=time_100ps(event.position_m, group_index),
        slope_mdb_per_km=0 if event.before is None else mdb(event.before.attenuation_db_per_km()),
        loss_mdb=0 if event.loss_db is None else mdb(event.loss_db),
        reflectance_mdb=0 if event.reflectance_db is None else mdb(event.reflectance_db),
        code=f"{reflects}{'E' if event.kind == 'end' else 'F'}9999",
        comment=Text.of("ghost") if event.kind == "ghost" else Text(),
    )


def _points(measurement: Measurement) -> Stretch:
    return Stretch(round(STEP_DB * 1e6), measurement.counts_below.astype("<u2").tobytes())
