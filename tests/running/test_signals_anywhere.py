"""Ctrl-C and SIGTERM at any moment: the gear is safe, the run can be taken up, and no row is lost."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from drivers.errors import StationError
from drivers.facts.lab import Fault
from drivers.lab_control.clock import VirtualLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from drivers.station import Station
from drivers.wires.scpi_wire import ScpiWire
from sweeps.__main__ import app
from sweeps.record.run_record import LOG_NAME
from tests.acceptance.benches import PROJECT
from tests.running.broken_runs import (
    After,
    bench,
    events,
    gaps,
    kinds,
    lab_of,
    make,
    meta,
    resume,
    rows,
    texts,
)
from tests.running.test_resume_attenuation import is_complete

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.lab import LabAddresses
    from sweeps.progress import Progress

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signal_after(delay_s: float, number: signal.Signals) -> Generator[None]:
    """Send this process a signal from outside of whatever it is doing.

    One that comes when no run is at work, before it or behind it, would end this very process.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    timer = threading.Timer(delay_s, os.kill, (os.getpid(), number))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGTERM, before)


def go_on(inventory: Path, folder: Path, procedure: str, progress: Progress | None = None) -> None:
    """Make the run of `folder`, or take it up where it stands."""
    work = resume if (folder / LOG_NAME).exists() else make
    work(inventory, folder, procedure, progress)


def is_safe_at_the_end(folder: Path) -> bool:
    """Tell whether the last session that opened the gear left it in the safe state."""
    opened = [kind for kind in kinds(folder) if kind in ("start", "resume", "safe state")]
    return not opened or opened[-1] == "safe state"


# A library that is interrupted while it opens a connection drops it unclosed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_signals_at_random_moments_cost_no_row(tmp_path: Path, unbroken: list[str]) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "runs" / "run"
    rng = np.random.default_rng(11)
    interrupted = 0
    for moment in range(4):
        try:
            # From the lab's start to the last record: about so long.
            with signal_after(float(rng.uniform(0.02, 0.9)), SIGNALS[moment % 2]):
                go_on(inventory, folder, "stability")
        except KeyboardInterrupt:
            interrupted += 1
            if (folder / LOG_NAME).exists():
                assert is_safe_at_the_end(folder)
                if "finished_utc_s" in meta(folder):
                    break
            else:
                folder = tmp_path / "runs" / f"run {moment}"
        else:
            break
    assert interrupted >= 1
    if "finished_utc_s" not in meta(folder):
        resume(inventory, folder, "stability")
    assert rows(folder) == unbroken
    assert gaps(folder) == {}
    gc.collect()  # here and not in a later test


class SilenceThenSignal(After):
    """Has the next exchange stay without an answer, and sends a signal while it is waited for."""

    def __init__(self, records: int, folder: Path, fault: Fault, number: signal.Signals) -> None:
        super().__init__(records)
        self._folder, self._fault = folder, fault
        self.timer = threading.Timer(0.2, os.kill, (os.getpid(), number))

    def act(self) -> None:
        control = LabControl(lab_of(self._folder).control)
        LabFaults(control).inject(self._fault)
        control.close()
        self.timer.start()


@pytest.mark.parametrize(
    ("procedure", "records", "gear", "match"),
    [("stability", 5, "bob", "telemetry"), ("attenuation", 10, "voa", "ATT? 1")],
    ids=["telemetry", "attenuator"],
)
def test_a_signal_in_the_middle_of_a_reply_leaves_the_gear_safe(
    tmp_path: Path, unbroken: list[str], procedure: str, records: int, gear: str, match: str
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    silence = Fault(gear=gear, action="silence", match=match)
    signaller = SilenceThenSignal(records, folder, silence, signal.SIGTERM)
    try:
        with pytest.raises(KeyboardInterrupt):
            make(inventory, folder, procedure, signaller)
    finally:
        signaller.timer.cancel()
    assert len(rows(folder)) == records
    assert any("silence" in text for text in texts(folder, "lab: fault struck"))
    assert "safe state" in kinds(folder)
    resume(inventory, folder, procedure)
    if procedure == "attenuation":
        assert is_complete(folder)
    else:
        assert rows(folder) == unbroken


def test_a_signal_in_a_settle_or_a_write_leaves_the_gear_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"
    sleep, write = VirtualLabClock.sleep, ScpiWire.write

    def interrupted_sleep(clock: VirtualLabClock, duration_s: float) -> None:
        if duration_s == 5.0:  # the plan's settling
            signal.raise_signal(signal.SIGTERM)
        sleep(clock, duration_s)

    def interrupted_write(wire: ScpiWire, command: str) -> None:
        write(wire, command)
        if "ATT 1,5" in command:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(VirtualLabClock, "sleep", interrupted_sleep)
    with pytest.raises(KeyboardInterrupt):
        make(inventory, folder, "attenuation")
    monkeypatch.undo()
    monkeypatch.setattr(ScpiWire, "write", interrupted_write)
    with pytest.raises(KeyboardInterrupt):
        resume(inventory, folder, "attenuation")
    monkeypatch.undo()
    assert kinds(folder) == ["start", "found unsafe", "safe state", "resume", "found unsafe", "safe state"]
    resume(inventory, folder, "attenuation")
    assert is_complete(folder)


def test_a_safe_state_that_the_runner_misses_is_reached_by_its_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory, folder = bench(tmp_path), tmp_path / "run"

    def fail(_station: Station) -> None:
        raise StationError("the station's network is down")

    # The lab is left alone, as real gear would be.
    left: list[subprocess.Popen[str]] = []

    def leave(_addresses: LabAddresses, lab: subprocess.Popen[str]) -> None:
        left.append(lab)

    monkeypatch.setattr("sweeps.running.lab_process._end", leave)

    class Dark(After):
        def act(self) -> None:
            monkeypatch.setattr(Station, "make_safe", fail)
            raise KeyboardInterrupt

    with pytest.raises(StationError, match="network is down"):
        make(inventory, folder, "attenuation", Dark(15))
    assert texts(folder, "safe state NOT reached") == ["the station's network is down"]
    assert texts(folder, "safe state") == [
        "by the guard, after the runner was gone; found: the attenuator is set to 5 dB, safe is 0 dB"
    ]
    monkeypatch.undo()
    resume(inventory, folder, "attenuation")
    assert is_complete(folder)
    left[0].communicate()


def test_the_command_line_ends_with_130_and_takes_the_run_up_again(tmp_path: Path) -> None:
    inventory = bench(tmp_path / "bench", records=400)
    runs = tmp_path / "runs"
    arguments = ["run", "stability", f"--inventory={inventory}", f"--runs={runs}"]
    process = sweeps(*arguments)
    assert process.stderr is not None
    assert any('"done": 1' in line for line in iter(process.stderr.readline, ""))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    (folder,) = runs.iterdir()
    assert process.returncode == 130
    assert f"take it up again: python -m sweeps resume {folder}\n" in said
    assert 0 < len(rows(folder)) < 400
    again = sweeps("resume", str(folder))
    out, said = again.communicate(timeout=60)
    assert (again.returncode, out) == (0, f"run record: {folder}\n")
    assert len(rows(folder)) == 400
    finished = CliRunner().invoke(app, ["resume", str(folder)])
    assert finished.exit_code == 2
    assert "has finished; there is nothing to resume" in finished.output
    assert "take it up again" not in finished.output
    assert [event.kind for event in events(folder)][-1] == "end"


def sweeps(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sweeps", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
