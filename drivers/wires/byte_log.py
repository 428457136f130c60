"""The byte log: what went over the wires, kept with the run.

One line a message: UTC time, device, direction, the bytes as a Python literal. Secrets never reach it:
wires hand over bodies and commands, no credentials. Two files of bounded size, so that ten days fit.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from drivers.clock import utc_now_s

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path

_MAX_BYTES = 16 * 1024 * 1024
_MAX_MESSAGE_BYTES = 4096


class ByteLog:
    """Appends messages to `path`; when that is full it becomes `path`.1 and a new one is begun.

    Of a long message it keeps the first 4096 bytes, unless it `keeps_whole` messages, for a transcript.
    """

    def __init__(self, path: Path | None, *, keeps_whole: bool = False) -> None:
        self._path = path
        self._kept = None if keeps_whole else _MAX_MESSAGE_BYTES
        self._file: TextIOWrapper | None = None
        self._bytes = 0
        self._lock = threading.Lock()
        if path is not None:
            self._file = path.open("a", encoding="ascii")
            self._bytes = path.stat().st_size

    def sent(self, device: str, message: bytes) -> None:
        """Note a message to `device`."""
        self._write(device, ">", message)

    def received(self, device: str, message: bytes) -> None:
        """Note a message from `device`."""
        self._write(device, "<", message)

    def failed(self, device: str, problem: str) -> None:
        """Note that an exchange with `device` failed."""
        self._write(device, "!", problem.encode())

    def close(self) -> None:
        """Write out what is buffered and close the file."""
        with self._lock:
            try:
                if self._file is not None:
                    self._file.close()
            except OSError as error:
                self._give_up(error)
            self._file = None

    def _write(self, device: str, direction: str, message: bytes) -> None:
        if self._file is None:
            return
        cut = message[: self._kept]
        with self._lock:
            try:
                self._append(f"{utc_now_s():.6f} {device} {direction} {cut!r}\n")
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Measure on without the log: it is worth less than the run."""
        logging.getLogger(__name__).warning("the byte log %s breaks off: %s", self._path, error)
        self._file = None

    def _append(self, line: str) -> None:
        if self._file is not None:
            self._bytes += self._file.write(line)
            if self._bytes > _MAX_BYTES:
                self._start_new_file()

    def _start_new_file(self) -> None:
        assert self._file is not None and self._path is not None  # noqa: S101, PT018 - only called with both
        self._file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file = self._path.open("a", encoding="ascii")
        self._bytes = 0


NO_LOG = ByteLog(None)
