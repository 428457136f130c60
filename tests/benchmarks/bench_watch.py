"""What an open page costs the run that it shows: records written with and without, turn and turn about."""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from tests.watching.made_up import begin, record_at
from tests.watching.watch_server import watch_page

if TYPE_CHECKING:
    from collections.abc import Generator
    from multiprocessing.connection import Connection

_POLL_S = 2.0
_ROUNDS = 12
_ROUND_S = 4.0
_SLOTS = 10_000_000


def bench_watch(rounds: int = _ROUNDS, round_s: float = _ROUND_S) -> dict[str, str | float]:
    """Return the time in s of one record with the page open, and its ratio to that with nobody watching.

    A stand-in for the runner writes records as fast as it can, several times as fast as a run does, so what
    a run feels of the watcher is less.
    """
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        ours, theirs = processes.Pipe()
        writer = processes.Process(target=_write, args=(folder, theirs))
        writer.start()
        try:
            ours.recv()
            with watch_page(folder) as server:
                alone_s, watched_s = _measure(ours, f"{server.address}view.json", rounds, round_s)
        finally:
            ours.send(0.0)
            writer.join()
    value, baseline = median(watched_s), median(alone_s)
    return {
        "name": "watched_record",
        "value": value,
        "unit": "s",
        "baseline": "the same records with nobody watching",
        "baseline_value": baseline,
        "ratio": value / baseline,
    }


def _measure(writer: Connection, url: str, rounds: int, round_s: float) -> tuple[list[float], list[float]]:
    alone_s: list[float] = []
    watched_s: list[float] = []
    for _ in range(rounds):
        alone_s.append(_record_s(writer, round_s))
        # What was written meanwhile is no part of what an open page costs.
        _ask(url, "")
        with _open_page(url):
            watched_s.append(_record_s(writer, round_s))
    return alone_s, watched_s


def _record_s(writer: Connection, round_s: float) -> float:
    writer.send(round_s)
    record_s: float = writer.recv()
    return record_s


@contextmanager
def _open_page(url: str) -> Generator[None]:
    """Ask for the view as the page does, from a thread."""
    closed = threading.Event()

    def poll() -> None:
        tag, wait_s = "", _POLL_S / 2
        while not closed.wait(wait_s):
            tag, wait_s = _ask(url, tag), _POLL_S

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        closed.set()
        thread.join()


def _ask(url: str, tag: str) -> str:
    request = urllib.request.Request(url, headers={"If-None-Match": tag} if tag else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            return answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        if error.code != 304:
            raise
        return tag


def _write(folder: Path, control: Connection) -> None:
    """Write records for as long as asked each time, and tell how long one took; until asked for none."""
    number = 0
    with begin(folder, slots=_SLOTS) as run:
        control.send("ready")
        while (round_s := control.recv()) > 0:
            first, begin_s = number, perf_counter()
            while (elapsed_s := perf_counter() - begin_s) < round_s or number == first:
                run.add_record(number, None, record_at(number))
                number += 1
            control.send(elapsed_s / (number - first))


if __name__ == "__main__":
    print(bench_watch())  # noqa: T201 - this is a program too
