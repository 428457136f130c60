"""A program that asks the operator at its terminal and prints as JSON what came of it.

`ask_operator.py TERMINAL HOW`: TERMINAL becomes its controlling terminal (`none`: it has none). HOW says
where it asks from: `main`, `thread`, `background`, or the path of a test file that pytest is to run.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import threading

import pytest

from drivers.errors import BenchError
from drivers.operators.terminal import TerminalOperator
from drivers.roles import OperatorTask


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def ask() -> None:
    task = OperatorTask(do=os.environ["TASK_DO"], why=os.environ["TASK_WHY"])
    outcome: dict[str, str]
    try:
        answer = TerminalOperator().carry_out(task)
        outcome = {"text": answer.text, "answered_by": answer.answered_by}
    except (BenchError, KeyboardInterrupt) as error:
        outcome = {"error": type(error).__name__, "said": str(error)}
    is_restored = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    say(json.dumps(outcome | {"interrupts": "restored" if is_restored else "changed"}))


def main() -> int:
    terminal, how = sys.argv[1:]
    if terminal != "none":
        opened = os.open(terminal, os.O_RDWR)
        fcntl.ioctl(opened, termios.TIOCSCTTY, 0)
        os.close(opened)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    say("ready")
    sys.stdin.readline()
    if how == "main":
        ask()
    elif how == "thread":
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    elif how == "background":
        command = [sys.executable, __file__, "none", "main"]
        # A program that stops is killed, so that nothing outlives a test that fails.
        return subprocess.run(command, input=b"\n", process_group=0, timeout=10, check=False).returncode
    else:
        return pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", os.path.dirname(how), how])  # noqa: PTH120
    return 0


if __name__ == "__main__":
    sys.exit(main())
