"""Signals that end a run: each unwinds it like Ctrl-C, and none breaks off the way to the safe state."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

# SIGHUP: the terminal or the ssh session of the run is gone. Windows has none.
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def signals_as_interrupts() -> Generator[None]:
    """Let every signal that ends a run raise KeyboardInterrupt while the block runs."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def signals_deferred() -> Generator[None]:
    """Hold such signals back while the block runs, and raise KeyboardInterrupt after it if one came."""
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)

    with _handled_by(note):
        yield
    if came:
        raise KeyboardInterrupt


@contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Generator[None]:
    # Only the main thread may set handlers, and only it is interrupted.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _ENDING}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
