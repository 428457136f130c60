"""Role `Operator`: the person at the terminal from which the run was started.

It asks on the terminal device, so that pytest's capture and pipes on stdin and stdout stand in nobody's way.
"""

from __future__ import annotations

import getpass
import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from drivers.errors import OperatorAbort, StationError
from drivers.printable import printable
from drivers.roles import OperatorAnswer

if TYPE_CHECKING:
    from collections.abc import Generator

    from drivers.roles import OperatorTask

_TERMINAL = "/dev/tty"
_DONE = "done"
_ABORT = "abort"
# A terminal hands over one line at a time and takes none longer than this (Linux, n_tty).
_LINE_BYTES = 4096


class TerminalOperator:
    """Asks the person at the controlling terminal, and waits as long as the answer takes."""

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        """Ask for `task`; return "done" or the remark that was typed, and who was logged in.

        OperatorAbort for `abort`, Ctrl-D or Ctrl-C. StationError where nobody can answer: at once without
        a terminal or from a run in its background, and as soon as a terminal goes away.
        """
        try:
            terminal = os.open(_TERMINAL, os.O_RDWR)
            try:
                _check_foreground(terminal)
                _forget_what_was_typed(terminal)
                remark = _ask(terminal, task)
            finally:
                os.close(terminal)
        except OSError as error:
            raise StationError(
                f"a person at a terminal is needed to do this, and there is none ({error.strerror});"
                f" start the run in the foreground of a terminal: {printable(task.do)}"
            ) from None
        return OperatorAnswer(remark or _DONE, answered_by=_user())


def _check_foreground(terminal: int) -> None:
    """Raise OSError if the terminal is somebody else's just now: to read from it would stop the whole run."""
    if os.tcgetpgrp(terminal) != os.getpgrp():
        raise OSError(0, "the run is in the background")


def _forget_what_was_typed(terminal: int) -> None:
    """Drop what was typed before the question: an Enter of an hour ago is no answer."""
    import termios  # noqa: PLC0415 - not for every system

    try:
        termios.tcflush(terminal, termios.TCIFLUSH)
    except termios.error as error:
        raise OSError(*error.args) from None


def _ask(terminal: int, task: OperatorTask) -> str:
    aborted = OperatorAbort(f"the operator aborted: {printable(task.do)}")
    try:
        with _interrupt_raises(aborted):
            _write(terminal, _question(task))
            remark = _read_line(terminal)
    except OperatorAbort:
        with suppress(OSError):  # what is printed next begins a line of its own
            _write(terminal, "\n")
        raise
    if remark is None or remark.casefold() == _ABORT:
        raise aborted
    return remark


def _question(task: OperatorTask) -> str:
    return (
        "\nOPERATOR NEEDED\n"
        f"  what: {printable(task.do)}\n"
        f"  why:  {printable(task.why)}\n"
        f"Enter, or a remark and Enter: it is done. {_ABORT}, Ctrl-D or Ctrl-C: it is not done.\n"
        "> "
    )


def _write(terminal: int, text: str) -> None:
    left = text.encode()
    while left:
        left = left[os.write(terminal, left) :]


def _read_line(terminal: int) -> str | None:
    """Return the line that was typed, control characters made visible; None for Ctrl-D."""
    typed = b""
    while b"\n" not in typed:
        chunk = os.read(terminal, _LINE_BYTES)
        if not chunk:
            _check_foreground(terminal)  # a terminal that has gone reads like Ctrl-D, and fails here
            return None
        typed += chunk
    line, _, _ = typed.partition(b"\n")
    return printable(line.decode(errors="replace").strip())


@contextmanager
def _interrupt_raises(aborted: OperatorAbort) -> Generator[None]:
    """Let Ctrl-C abort the task and not the program while the block runs; other signals stay as they are."""

    def abort(_number: int, _frame: object) -> NoReturn:
        raise aborted

    # Only the main thread may set handlers, and only it is interrupted.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, abort)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _user() -> str:
    try:
        return printable(getpass.getuser())
    except (OSError, KeyError):  # a user number without a name
        return f"user {os.getuid()}"
