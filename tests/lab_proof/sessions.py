"""Acceptance sessions of the bench: fresh processes of pytest, several at the same time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from ast import literal_eval
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.acceptance.benches import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

_RECORD_NUMBER = re.compile(r"after=\d+")


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the HIL tests, under way or over; its runs and reports lie in `folder`."""

    folder: Path
    process: subprocess.Popen[str]

    def ended(self) -> int:
        """Wait for the end and return the exit code."""
        return self.process.wait()

    def said(self) -> str:
        """Return what it printed so far."""
        return (self.folder / "said.txt").read_text()

    def report(self) -> dict[str, Any]:
        """Wait for the end and return the acceptance report."""
        self.ended()
        report = self.folder / "reports" / "acceptance.json"
        assert report.exists(), self.said()
        return json.loads(report.read_text())

    def run_folder(self, procedure: str) -> Path:
        """Return the folder of its one run of `procedure`."""
        (folder,) = (self.folder / "runs").glob(f"*-{procedure}-*")
        return folder


@contextmanager
def session(folder: Path, *arguments: str, place: Sequence[str] = ()) -> Generator[Session]:
    """Start an acceptance session at `place`; it is ended with the block if it still runs."""
    folder.mkdir(parents=True)
    command = [*place, sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(PROJECT), str(PROJECT / "hil_tests")]
    with (
        (folder / "said.txt").open("w") as said,
        subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            yield Session(folder, process)
        finally:
            process.terminate()


def commands_sent(run_folder: Path) -> list[str]:
    """Return what a run sent over its wires, `device: message`.

    Record numbers are left out, since a lab counts from its own start. What is asked again and again is
    taken once: how often a poll finds a moving device depends on when it asks.
    """
    lines = (run_folder / "artefacts" / "wires.log").read_text().splitlines()
    sent: list[str] = []
    for line in lines:
        _, device, direction, message = line.split(" ", 3)
        if direction == ">":
            text = literal_eval(message).decode("ascii")
            sent.append(f"{device}: {_RECORD_NUMBER.sub('after=', text)}")
    return [command for command, _ in groupby(sent)]
