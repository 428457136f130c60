"""The page's server as a person starts it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.acceptance.benches import PROJECT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and where it is."""

    process: subprocess.Popen[str]
    address: str

    @property
    def port(self) -> int:
        """The port on which it listens."""
        port = urlsplit(self.address).port
        assert port is not None
        return port


@contextmanager
def watch_page(folder: Path, port: int = 0) -> Generator[Server]:
    """Serve the page of the run in `folder`; ended when the block is left."""
    command = [sys.executable, "-m", "sweeps", "watch", str(folder), "--web", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("watching at http://127.0.0.1:"), process.communicate()
        yield Server(process, line.split()[2])
    finally:
        process.kill()
        process.communicate()
