"""The calibration sweep: an attenuator's settings against the power that its own meter sees behind it.

Each round goes through all settings forwards and then backwards, and opens and closes at 0 dB, so that drift
of the light source and play of the motor can be told from the attenuation.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from drivers.attenuator_ports import calibration_source
from drivers.errors import BenchError, LimitError, OperatorAbort, StationError
from sweeps.procedures.preparation import prepare_link, prepare_steps
from sweeps.record.measured_rows import add_reading, power_readings
from sweeps.record.schema import PowerReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.facts.gear import CalibrationSource
    from drivers.facts.inventory import CalibrationPlan, Plan
    from drivers.facts.inventory import Station as StationFacts
    from drivers.station import Station
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord

TOUCHES = "has the attenuator taken off the link, which is dark meanwhile, and moves it"
AVERAGING_S = 0.5
"""Averaging time of the power meter: its noise is then a few thousandths of a dB at most."""


def round_settings_db(settings_db: Sequence[float]) -> list[float]:
    """Return the settings (dB) of one round in turn: a reading's `step` is its place here."""
    forwards = list(settings_db) if settings_db[0] == 0.0 else [0.0, *settings_db]
    return [*forwards, *reversed(forwards)]


def record_count(plan: Plan, station: StationFacts) -> int:  # noqa: ARG001 - as all procedures
    """Return how many readings of the power meter the sweep takes; 0 for a plan without it."""
    if plan.calibration is None:
        return 0
    return plan.calibration.rounds * len(round_settings_db(plan.calibration.settings_db))


def duration_s(plan: Plan, station: StationFacts) -> float:
    """Return the lab time that the sweep takes without the operator's, in s."""
    settle_s = 0.0 if plan.calibration is None else plan.calibration.settle_s
    return record_count(plan, station) * (settle_s + AVERAGING_S)


def steps(plan: Plan, station: StationFacts) -> list[str]:
    """Return what the sweep would do, a line a step; StationError if it cannot be done here."""
    sizes, source = _sizes(plan), calibration_source(station)
    settings = ", ".join(f"{setting_db:g}" for setting_db in sizes.settings_db)
    light = f"{source.power_dbm:g} dBm at {source.wavelength_nm:g} nm"
    rounds = f"{sizes.rounds} rounds forwards and backwards: set {settings} dB, each time"
    return [
        "ask every device who it is; refuse what the attenuator cannot do or does not bear",
        f"ask an operator to cap the attenuator's output, then to connect its input to the source ({light})",
        f"set the source's wavelength, open the shutter and see it open; average over {AVERAGING_S:g} s",
        f"{rounds} let it settle for {sizes.settle_s:g} s and read the power",
        "ask an operator to take the source off, then to connect the attenuator as before",
        *prepare_steps(station),
        "back to the safe state",
    ]


def run_calibration(station: Station, plan: Plan, run: RunRecord, progress: Progress) -> None:
    """Take the plan's readings, or those that are still to be taken; each is committed before the next.

    StationError in words where the plan, the inventory or the device has nothing to calibrate with;
    LimitError, before anything moves, for a source or a setting that the gear must not have.
    """
    sizes, source = _sizes(plan), station.calibration_source()
    _insist_allowed(station, sizes)
    station.power_meter().set_averaging_s(AVERAGING_S)  # refused without a meter
    _note_light(station, source, run)
    station.set_added_db(0.0)
    try:
        if any(_left(run, sizes, round_number) for round_number in range(sizes.rounds)):
            _measure_on_source(station, sizes, source, run, progress)
        else:
            progress.skip(record_count(plan, station.facts))
        station.put_attenuator_back()
    finally:
        with suppress(BenchError):  # the first error is the one to tell
            station.attenuator().set_wavelength_nm(station.facts.fibre.wavelength_nm)
    prepare_link(station, run)


def _measure_on_source(
    station: Station, sizes: CalibrationPlan, source: CalibrationSource, run: RunRecord, progress: Progress
) -> None:
    station.put_attenuator_on_source()
    try:
        _see_light_pass(station, source)
        _take_all(station, sizes, run, progress)
    except OperatorAbort:
        raise  # who has just said no is not asked again
    except BenchError:
        _put_back_after_failure(station, run)
        raise


def _left(run: RunRecord, sizes: CalibrationPlan, round_number: int) -> list[int]:
    """Return the steps of a round that have no reading yet."""
    taken = {reading.step for reading in power_readings(run) if reading.round == round_number}
    return [step for step in range(len(round_settings_db(sizes.settings_db))) if step not in taken]


def _sizes(plan: Plan) -> CalibrationPlan:
    if plan.calibration is None:
        raise StationError("the plan has no calibration; give it settings_db, rounds and settle_s")
    return plan.calibration


def _insist_allowed(station: Station, sizes: CalibrationPlan) -> None:
    spec, station_db = station.attenuator().spec, station.facts.limits.added_db_max
    most_db = min(spec.max_db, station_db)
    for setting_db in sizes.settings_db:
        if not spec.min_db <= setting_db <= most_db:
            allowed = f"device and station allow {spec.min_db:g} to {most_db:g} dB"
            raise LimitError(f"station {station.name}: calibration at {setting_db:g} dB; {allowed}")


def _note_light(station: Station, source: CalibrationSource, run: RunRecord) -> None:
    run.set_meta(
        "calibration",
        {
            "gear": next(name for name, gear in station.facts.gear.items() if gear.role == "attenuator"),
            "source_power_dbm": source.power_dbm,
            "source_uncertainty_db": source.uncertainty_db,
            "source_wavelength_nm": source.wavelength_nm,
            "source": source.source,
            "attenuator_uncertainty_db": station.attenuator().uncertainty_db(),
        },
    )


def _see_light_pass(station: Station, source: CalibrationSource) -> None:
    """Set wavelength and shutter, and believe neither before it is read back."""
    attenuator = station.attenuator()
    attenuator.set_wavelength_nm(source.wavelength_nm)
    attenuator.set_shutter_open(is_open=True)
    if not attenuator.shutter_open():
        raise StationError(
            f"station {station.name}: the attenuator's shutter stays blocked though it was told to open; no"
            " light reaches its power meter"
        )


def _take_all(station: Station, sizes: CalibrationPlan, run: RunRecord, progress: Progress) -> None:
    settings_db = round_settings_db(sizes.settings_db)
    for round_number in range(sizes.rounds):
        left = _left(run, sizes, round_number)
        progress.skip(len(settings_db) - len(left))
        if left and left[0] > 0:
            _open_again(station, sizes, run, round_number)
            # From the side from which an unbroken round comes.
            _go_to(station, settings_db[left[0] - 1], sizes.settle_s)
        for step in left:
            reading = _read_at(station, sizes, round_number, step, settings_db[step])
            add_reading(run, reading)
            progress.advance(1, f"round {round_number + 1}, {settings_db[step]:g} dB")


def _open_again(station: Station, sizes: CalibrationPlan, run: RunRecord, round_number: int) -> None:
    """Take 0 dB once more, behind all steps of the round: the source was plugged in anew."""
    newest_step = max(reading.step for reading in power_readings(run) if reading.round == round_number)
    step = max(newest_step + 1, len(round_settings_db(sizes.settings_db)))
    add_reading(run, _read_at(station, sizes, round_number, step, 0.0))


def _read_at(
    station: Station, sizes: CalibrationPlan, round_number: int, step: int, setting_db: float
) -> PowerReading:
    attenuator = station.attenuator()
    _go_to(station, setting_db, sizes.settle_s)
    return PowerReading(
        round=round_number,
        step=step,
        setting_db=setting_db,
        readback_db=attenuator.attenuation_db(),
        power_dbm=station.power_meter().power_dbm(),
        wavelength_nm=attenuator.wavelength_nm(),
        taken_s=station.clock.now_s(),
    )


def _go_to(station: Station, setting_db: float, settle_s: float) -> None:
    """Set the attenuator and wait until it has settled and the meter has averaged over nothing else."""
    station.attenuator().set_attenuation_db(setting_db)
    station.clock.sleep(settle_s + AVERAGING_S)


def _put_back_after_failure(station: Station, run: RunRecord) -> None:
    """Have the link connected again, since somebody is there; what comes of it must not hide the failure."""
    try:
        station.put_attenuator_back()
    except BenchError as error:
        with suppress(BenchError):
            run.add_event(station.clock.now_s(), "link left dark", f"{type(error).__name__}: {error}")
