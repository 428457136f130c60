"""One OTDR that is carried from end to end: each entry of the inventory is reached when its turn comes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from drivers.errors import StationError
from drivers.facts.lab import Fault, PatchEnd
from drivers.lab_control.faults import LabFaults
from drivers.lab_control.operator import LabOperator
from drivers.station import Station
from drivers.wires.byte_log import NO_LOG
from sweeps.running import bench
from sweeps.running.bench import leased_gear
from tests.fibre.fibre_runs import TRACES, faces_an_appliance, fibre_bench, measured, pairs_seen, taken
from tests.otdr_wire.otdr_lab import OtdrLab
from tests.running.broken_runs import kinds, make, meta, resume, smoke, texts

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from drivers.clock import Clock
    from drivers.facts.connections import AnyConnection
    from drivers.roles import OperatorAnswer, OperatorTask, Otdr
    from sweeps.choice import Choice

OTDRS = ("otdr_a", "otdr_b")
FOR_EVER = 1_000_000


def carry(monkeypatch: pytest.MonkeyPatch, *, is_carried: bool = True) -> None:
    """Have `otdr_b` answer only once an operator has connected it, and `otdr_a` only until then."""
    carry_out, open_otdr = LabOperator.carry_out, Station.open_otdr

    def gone(station: Station, name: str) -> None:
        assert station.faults is not None
        station.faults.inject(Fault(gear=name, action="drop", count=FOR_EVER))

    def opened(station: Station, site: str) -> Otdr:
        if site == "gdc_a":
            gone(station, "otdr_b")
        return open_otdr(station, site)

    def carried(operator: LabOperator, task: OperatorTask) -> OperatorAnswer:
        if isinstance(task.patch, PatchEnd) and (task.patch.site, task.patch.to) == ("gdc_b", "otdr"):
            faults = LabFaults(operator._control)  # pyright: ignore[reportPrivateUsage]
            faults.clear()
            faults.inject(Fault(gear="otdr_a", action="drop", count=FOR_EVER))
        return carry_out(operator, task)

    monkeypatch.setattr(Station, "open_otdr", opened)
    if is_carried:
        monkeypatch.setattr(LabOperator, "carry_out", carried)


def bring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything answer: a lab that is taken up again remembers what did not."""
    monkeypatch.undo()
    open_otdr = Station.open_otdr

    def opened(station: Station, site: str) -> Otdr:
        assert station.faults is not None
        station.faults.clear()
        return open_otdr(station, site)

    monkeypatch.setattr(Station, "open_otdr", opened)


def test_one_otdr_carried_from_end_to_end_measures_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path
) -> None:
    carry(monkeypatch)
    make(fibre_bench(tmp_path), tmp_path / "run", "fibre")
    assert measured(tmp_path / "run") == measured(whole)
    assert kinds(tmp_path / "run")[-1] == "end"
    assert (list(meta(tmp_path / "run")["otdrs"]), "otdr_open" in meta(tmp_path / "run")) == ([*OTDRS], False)


def test_one_otdr_is_closed_before_the_other_is_opened(whole: Path) -> None:
    wires = (whole / "artefacts" / "wires.log").read_text().splitlines()
    said = [line.split()[1] for line in wires if line.split()[1] in OTDRS]
    assert said == sorted(said)
    assert set(said) == {*OTDRS}


def test_an_otdr_that_is_not_there_when_its_turn_comes_ends_a_run_that_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path, left: list[list[str]]
) -> None:
    inventory, folder = fibre_bench(tmp_path), tmp_path / "run"
    carry(monkeypatch, is_carried=False)
    with pytest.raises(StationError) as caught:
        make(inventory, folder, "fibre")
    assert str(caught.value).startswith("otdr_b was not reached at STT GDC-B: ")
    assert "switched on and on the network, and take the run up again; what was taken stays" in str(
        caught.value
    )
    assert [row.gear for row, _ in taken(folder)] == ["otdr_a"] * (TRACES // 2)
    assert texts(folder, "fibre ends left") == ["gdc_a: to nothing (capped); gdc_b: to the OTDR"]
    assert left[-1] == []
    bring(monkeypatch)
    resume(inventory, folder, "fibre")
    assert measured(folder) == measured(whole)
    assert not faces_an_appliance(folder)
    assert set(pairs_seen(folder)[-1].values()) == {"qkd"}


# --- leases


@pytest.fixture
def lab() -> Generator[OtdrLab]:
    served = OtdrLab()
    yield served
    served.close()


def one_address(tmp_path: Path, lab: OtdrLab) -> Choice:
    """Return a choice for the lab in which both entries have the address of one instrument."""
    there = lab.connection.model_dump(mode="json")
    return smoke(fibre_bench(tmp_path, {f"gear.{name}.lab": there for name in OTDRS}), "lab")


@contextmanager
def opened(choice: Choice, folder: Path, name: str, clock: Clock) -> Generator[Otdr]:
    connections: Mapping[str, AnyConnection] = choice.lab_connections(["otdr"])
    otdrs = bench._Otdrs(choice, folder, "runner", NO_LOG)  # pyright: ignore[reportPrivateUsage]
    with otdrs.opener(connections, clock)(name) as otdr:
        yield otdr


def test_two_entries_of_one_address_are_one_lease_that_is_taken_when_it_is_opened(
    tmp_path: Path, lab: OtdrLab
) -> None:
    choice = one_address(tmp_path, lab)
    with leased_gear(choice, tmp_path / "run", "runner", ["otdr"]):
        for name in OTDRS:
            with opened(choice, tmp_path / "run", name, lab.clock) as otdr:
                assert otdr.identity().model == "SmartOTDR"
                with (
                    pytest.raises(StationError, match=f"in use: by .*, for the run {tmp_path / 'run'}"),
                    opened(choice, tmp_path / "other", "otdr_a", lab.clock),
                ):
                    pytest.fail("two runs have one OTDR")


def test_what_is_refused_at_its_opening_is_left_alone_and_its_lease_is_free(
    tmp_path: Path, lab: OtdrLab
) -> None:
    choice = one_address(tmp_path, lab)

    def refuse(name: str, otdr: Otdr) -> None:
        raise StationError(f"{name} is {otdr.identity().serial}")

    connections = choice.lab_connections(["otdr"])
    otdrs = bench._Otdrs(choice, tmp_path / "run", "runner", NO_LOG, refuse)  # pyright: ignore[reportPrivateUsage]
    with (
        pytest.raises(StationError, match="otdr_b is EMULATED"),
        otdrs.opener(connections, lab.clock)("otdr_b"),
    ):
        pytest.fail("refused")
    with opened(choice, tmp_path / "other", "otdr_a", lab.clock):
        pass
