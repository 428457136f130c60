"""How a run shows that it lives: a bar with ETA on a terminal, one JSON line now and then elsewhere."""

from __future__ import annotations

import json
import math
import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol, TextIO

from drivers.clock import monotonic_s, utc_now_s

if TYPE_CHECKING:
    from collections.abc import Generator

HEARTBEAT_WALL_S = 10.0


class Progress(Protocol):
    """Told by a procedure how far it is."""

    def advance(self, steps: int, text: str) -> None:
        """Note that `steps` more records are done; `text` says where the run stands."""
        ...

    def skip(self, steps: int) -> None:
        """Note that `steps` records (0 or more) were done in an earlier session."""
        ...

    def paused(self) -> AbstractContextManager[None]:
        """Keep the terminal free for somebody else while the block runs."""
        ...


class Silent:
    """Shows nothing."""

    def advance(self, steps: int, text: str) -> None:
        """Take note of nothing."""

    def skip(self, steps: int) -> None:
        """Take note of nothing."""

    def paused(self) -> AbstractContextManager[None]:
        """Do nothing: nothing is shown."""
        return nullcontext()


class Heartbeat:
    """Writes a JSON line at the start and then every `HEARTBEAT_WALL_S`, for logs."""

    def __init__(self, title: str, total: int, stream: TextIO) -> None:
        self._title = title
        self._total = total
        self._stream = stream
        self._done = 0
        self._skipped = 0
        self._started_s = monotonic_s()
        self._next_s = self._started_s

    def advance(self, steps: int, text: str) -> None:
        """Count on, and write a line when one is due."""
        self._done += steps
        now_s = monotonic_s()
        if now_s >= self._next_s or (self._done >= self._total and self._next_s < math.inf):
            self._next_s = now_s + HEARTBEAT_WALL_S
            self._write(text)

    def skip(self, steps: int) -> None:
        """Count on, without taking it for speed."""
        self._done += steps
        self._skipped += steps

    def paused(self) -> AbstractContextManager[None]:
        """Do nothing: lines stand in nobody's way."""
        return nullcontext()

    def _write(self, text: str) -> None:
        elapsed_s = monotonic_s() - self._started_s
        left, here = self._total - self._done, self._done - self._skipped
        eta_s = round(elapsed_s / here * left, 1) if here else None
        line = {
            "utc_s": round(utc_now_s(), 3),
            "run": self._title,
            "done": self._done,
            "of": self._total,
            "eta_s": eta_s,
            "at": text,
        }
        try:
            print(json.dumps(line), file=self._stream, flush=True)
        except OSError:  # nobody reads any more; the run goes on
            self._next_s = math.inf


@contextmanager
def progress_for(title: str, total: int) -> Generator[Progress]:
    """Give the progress that suits where standard error goes."""
    if sys.stderr.isatty():
        with _bar(title, total) as bar:
            yield bar
    else:
        yield Heartbeat(title, total, sys.stderr)


@contextmanager
def _bar(title: str, total: int) -> Generator[Progress]:
    # rich is slow to import and only a terminal needs it
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as RichProgress  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[at]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as rich_progress:
        task = rich_progress.add_task(title, total=total, at="")

        class Bar:
            def advance(self, steps: int, text: str) -> None:
                rich_progress.update(task, advance=steps, at=text)

            def skip(self, steps: int) -> None:
                if steps:
                    # Anew, so that they do not count for the speed.
                    done = rich_progress.tasks[task].completed + steps
                    rich_progress.reset(task, completed=int(done))

            @contextmanager
            def paused(self) -> Generator[None]:
                rich_progress.stop()
                try:
                    yield
                finally:
                    rich_progress.start()

        yield Bar()
