"""Hold our reading of a file of version 2 against otdrparser's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from drivers.facts.sor.data_pts import DataPts
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.gen_params import GenParams
from drivers.facts.sor.key_events import KeyEvent, KeyEvents
from drivers.facts.sor.model import block_name
from drivers.facts.sor.raw_block import RawBlock
from drivers.facts.sor.sup_params import SupParams
from drivers.facts.sor.trace import traces
from drivers.facts.sor.units import distance_m

if TYPE_CHECKING:
    from drivers.facts.sor.model import SorFile

REL = 1e-12
NOT_MEASURED_DB = -2_147_483.0


def compare(file: SorFile, theirs: dict[str, Any]) -> None:
    """Fail where the two readings differ."""
    # Anritsu's NetTestTSI has a blank after its name, which otdrparser strips.
    assert [block_name(block).strip() for block in file.blocks] == [
        entry["name"] for entry in theirs["Map"]["maps"]
    ]
    _compare_texts(file, theirs)
    _compare_settings(file.block(FxdParams), theirs["FxdParams"])
    _compare_events(file, theirs["KeyEvents"])
    _compare_points(file, theirs["DataPts"])
    for block in file.blocks:
        if isinstance(block, RawBlock):
            assert block.content() == theirs[block.name.strip()]["content"]


def _compare_texts(file: SorFile, theirs: dict[str, Any]) -> None:
    general, supplier = file.block(GenParams), file.block(SupParams)
    ours = {
        "cable_id": general.cable_id,
        "fiber_id": general.fiber_id,
        "location_a": general.location_a,
        "location_b": general.location_b,
        "cable_code": general.cable_code,
        "operator": general.operator,
        "comments": general.comment,
    }
    # Theirs are stripped and always read as Latin-1.
    shown = {key: text.raw.decode("latin-1").strip() for key, text in ours.items()}
    assert shown == {key: theirs["GenParams"][key] for key in ours}
    keys = ("language", "fiber_type", "wavelength", "build_condition", "user_offset", "user_offset_distance")
    assert tuple(theirs["GenParams"][key] for key in keys) == (
        general.language,
        general.fiber_type,
        general.wavelength_nm,
        general.build_condition,
        general.user_offset_100ps,
        general.user_offset_distance,
    )
    assert theirs["SupParams"]["supplier_name"] == str(supplier.supplier).strip()
    assert theirs["SupParams"]["otdr_serial_number"] == str(supplier.mainframe_serial).strip()
    assert theirs["SupParams"]["software_version"] == str(supplier.software).strip()


def _compare_settings(ours: FxdParams, theirs: dict[str, Any]) -> None:
    (pulse,) = ours.pulses
    floats = (
        (ours.wavelength_nm, "wavelength"),
        (ours.group_index, "index_of_refraction"),
        (ours.backscatter_db, "backscattering_coefficient"),
        (ours.averaging_time_s, "averaging_time"),
        (ours.loss_threshold_mdb / 1000, "loss_threshold"),
        (-ours.reflectance_threshold_minus_mdb / 1000, "reflection_threshold"),
        (ours.end_threshold_mdb / 1000, "end_of_transmission_threshold"),
    )
    for value, key in floats:
        assert value == pytest.approx(theirs[key], rel=REL)
    exact = {
        "date_time": ours.time_utc_s,
        "units": ours.distance_unit,
        "acquisition_offset": ours.acquisition_offset_100ps,
        "acquisition_offset_distance": ours.acquisition_offset_distance,
        "pulse_width": pulse.width_ns,
        "sample_spacing": pulse.spacing_10fs,
        "number_of_data_points": pulse.points,
        "number_of_averages": ours.averages,
        "acquisition_range_distance": ours.range_distance,
        "front_panel_offset": ours.front_panel_offset_100ps,
        "noise_floor_level": ours.noise_floor_minus_mdb,
        "noise_floor_scaling_factor": ours.noise_floor_scale_thousandth,
        "power_offset_first_point": ours.power_offset_mdb,
        "trace_type": ours.trace_type,
    }
    assert exact == {key: theirs[key] for key in exact}
    assert ours.window == tuple(theirs[key] for key in ("x1", "y1", "x2", "y2"))


def _compare_events(file: SorFile, theirs: dict[str, Any]) -> None:
    index = file.block(FxdParams).group_index
    ours = file.block(KeyEvents)
    assert len(ours.events) == theirs["number_of_events"]
    for event, other in zip(ours.events, theirs["events"], strict=True):
        _compare_event(event, other, index)
    assert ours.summary is not None
    summary = {
        "total_loss": ours.summary.total_loss_db,
        "fiber_start_position": distance_m(ours.summary.loss_start_100ps, index),
        "fiber_length": distance_m(ours.summary.loss_end_100ps, index),
        "optical_return_loss": ours.summary.return_loss_db,
        "fiber_start_position2": distance_m(ours.summary.return_loss_start_100ps, index),
        "fiber_length2": distance_m(ours.summary.return_loss_end_100ps, index),
    }
    assert summary == pytest.approx({key: theirs[key] for key in summary}, rel=REL)


def _compare_event(ours: KeyEvent, theirs: dict[str, Any], index: float) -> None:
    assert ours.number == theirs["event_number"]
    assert ours.distance_m(index) == pytest.approx(theirs["distance_of_travel"], rel=REL)
    assert ours.loss_db == pytest.approx(theirs["splice_loss"], rel=REL)
    assert ours.slope_db_per_km == pytest.approx(theirs["slope"], rel=REL)
    if theirs["reflection_loss"] < NOT_MEASURED_DB:
        assert ours.reflectance_db is None
    else:
        assert ours.reflectance_db == pytest.approx(theirs["reflection_loss"], rel=REL)
    assert ours.code + ours.technique == theirs["event_type"]
    assert str(ours.comment).strip() == theirs["comment"]
    keys = ("end_of_previous_event", "beginning_of_current_event", "end_of_current_event")
    keys = (*keys, "beginning_of_next_event", "peak_point")
    assert ours.markers_100ps == tuple(theirs[key] for key in keys)


def _compare_points(file: SorFile, theirs: dict[str, Any]) -> None:
    (trace,) = traces(file)
    points = np.array(theirs["data_points"]).reshape(-1, 2)
    assert file.block(DataPts).points == theirs["number_of_data_points"] == len(points)
    # Theirs begin at the first point, ours at the front panel.
    np.testing.assert_allclose(trace.distances_m() - trace.first_point_m, points[:, 0], rtol=REL, atol=1e-9)
    np.testing.assert_allclose(trace.levels_db, points[:, 1], rtol=REL)
