"""A station and a lab process of its own: the operator's patches and the attenuator move the telemetry."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from drivers.errors import LimitError, StationError
from drivers.facts.inventory import Inventory
from drivers.facts.lab import LabAddresses
from drivers.lab_control.clock import VirtualLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.station import open_station
from drivers.wires.byte_log import NO_LOG

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from drivers.facts.telemetry import TelemetryRecord
    from drivers.station import Station

PROJECT = Path(__file__).parents[2]
REMOVED = {"kind": "attenuator_removed"}
MEASURED = {"loss_db": 1.25, "source": "power meter, last week"}
SETTLE_S = 2.0
RECORDS = 20


class Bench:
    """An open station on a lab process."""

    def __init__(self, station: Station, faults: LabFaults) -> None:
        self.station = station
        self.faults = faults

    def patches(self) -> list[str]:
        return [entry.text for entry in self.faults.journal() if entry.kind == "patched"]

    def records(self) -> Sequence[TelemetryRecord]:
        """Let the link settle, and return the records of the next seconds."""
        clock, receiver = self.station.clock, self.station.receiver()
        # Whole seconds, so that what was set before decides nothing but the loss.
        clock.wait_until(math.ceil(clock.now_s()) + SETTLE_S)
        receiver.skip_telemetry()
        clock.sleep(RECORDS)
        return receiver.read_telemetry().records


@contextmanager
def bench(
    folder: Path,
    reference: dict[str, str] | None = None,
    insertion_loss: dict[str, Any] | None = None,
    *,
    has_operator: bool = True,
) -> Generator[Bench]:
    """Start a lab of the shipped station with another reference, and open the station on it."""
    content = yaml.safe_load((PROJECT / "inventory.yaml").read_text())
    station_content = content["stations"]["paper-link"]
    station_content["reference"] = reference or station_content["reference"]
    station_content["gear"]["voa"]["insertion_loss"] = insertion_loss
    # Two settings that make one loss make it to the last bit.
    station_content["emulation"]["has_ideal_attenuator"] = True
    folder.mkdir()
    inventory = folder / "inventory.yaml"
    inventory.write_text(yaml.safe_dump(content))
    command = [sys.executable, "-m", "emulators", "serve", str(inventory), "--clock", "virtual"]
    lab = subprocess.Popen(
        [*command, "--folder", str(folder / "lab")], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    with ExitStack() as stack:
        stack.callback(lab.communicate)
        stack.callback(lab.kill)
        assert lab.stdout is not None
        addresses = LabAddresses.model_validate_json(lab.stdout.readline())
        control = LabControl(addresses.control)
        stack.callback(control.close)
        station = open_station(
            "paper-link",
            Inventory.model_validate(content).stations["paper-link"],
            addresses.connections,
            VirtualLabClock(control),
            NO_LOG,
            operator=LabOperator(control) if has_operator else None,
        )
        stack.callback(station.close)
        station.attenuator().set_shutter_open(is_open=True)
        yield Bench(station, LabFaults(control))


def counts(records: Sequence[TelemetryRecord]) -> float:
    return fmean(record.detection_count for record in records)


def test_added_loss_without_and_with_the_attenuator_is_that_of_a_referenced_out_bench(tmp_path: Path) -> None:
    """The same loss at the same lab time gives the same records, to the last bit, however it was made."""
    taken: list[list[Sequence[TelemetryRecord]]] = []
    for name, reference in (("removed", REMOVED), ("referenced", None)):
        with bench(tmp_path / name, reference, MEASURED) as here:
            rows: list[Sequence[TelemetryRecord]] = []
            for added_db in (0.0, 5.0, 0.0):
                here.station.set_added_db(added_db)
                rows.append(here.records())
            taken.append(rows)
            patches = here.patches()
            assert (
                patches
                == (["voa: taken out, the fibre joined without it", "voa: in line"] * 2 if reference else [])[
                    :3
                ]
            )
    removed, referenced = taken
    assert [len(rows) for rows in removed] == [RECORDS] * 3
    assert removed == referenced
    assert counts(removed[1]) < 0.7 * counts(removed[0])
    assert counts(removed[2]) == pytest.approx(counts(removed[0]), rel=0.02)


@pytest.mark.parametrize(("insertion_loss", "loss_db"), [(None, 1.5), (MEASURED, 1.25)])
def test_the_labs_attenuator_has_the_insertion_loss_that_the_station_counts_with(
    tmp_path: Path, insertion_loss: dict[str, Any] | None, loss_db: float
) -> None:
    with bench(tmp_path / "removed", REMOVED, insertion_loss) as here:
        assert here.station.set_added_db(loss_db).readback_db == 0.0
        removed = here.records()
    with bench(tmp_path / "referenced") as here:
        assert here.station.set_added_db(loss_db).readback_db == loss_db
        assert here.records() == removed


def test_less_than_the_insertion_loss_moves_nothing_and_asks_nobody(tmp_path: Path) -> None:
    with bench(tmp_path / "lab", REMOVED, MEASURED) as here:
        here.station.set_added_db(5.0)
        with pytest.raises(LimitError, match="less than its insertion loss"):
            here.station.set_added_db(1.2)
        assert here.station.attenuator().attenuation_db() == 3.75
        assert here.patches() == ["voa: in line"]


def test_the_safe_state_leaves_the_attenuator_where_it_is(tmp_path: Path) -> None:
    with bench(tmp_path / "lab", REMOVED) as here:
        here.station.set_added_db(12.0)
        dark = counts(here.records())
        here.station.make_safe()
        safe = counts(here.records())
        here.station.set_added_db(0.0)
        reference = counts(here.records())
        assert here.patches() == ["voa: in line", "voa: taken out, the fibre joined without it"]
        assert dark < 0.3 * safe
        assert safe < 0.95 * reference


def test_a_station_without_an_operator_sends_nothing(tmp_path: Path) -> None:
    with bench(tmp_path / "lab", REMOVED, has_operator=False) as here:
        before_db = here.station.attenuator().attenuation_db()
        for added_db in (0.0, 5.0):
            with pytest.raises(StationError, match="needs an operator"):
                here.station.set_added_db(added_db)
        assert here.station.attenuator().attenuation_db() == before_db
        here.station.make_safe()


@pytest.mark.parametrize("reference", [REMOVED, None])
def test_a_set_up_done_again_within_a_window_leaves_the_records_as_they_were(
    tmp_path: Path, reference: dict[str, str] | None
) -> None:
    taken: list[Sequence[TelemetryRecord]] = []
    for name, again_s in (("once", []), ("again", [0.4, 3.3, 7.0])):
        with bench(tmp_path / name, reference) as here:
            here.station.set_added_db(5.0)
            clock = here.station.clock
            start_s = math.ceil(clock.now_s())
            here.station.receiver().skip_telemetry()
            for after_s in again_s:
                clock.wait_until(start_s + after_s)
                here.station.attenuator().set_shutter_open(is_open=True)
                here.station.set_added_db(5.0)
            clock.wait_until(start_s + 10.0)
            taken.append(here.station.receiver().read_telemetry().records)
    once, again = taken
    assert len(once) >= 10
    assert once == again
