"""The operator at the terminal: a real pseudo-terminal, and a program that it controls."""

from __future__ import annotations

import getpass
import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import OperatorAbort, StationError
from drivers.operators import terminal
from drivers.operators.terminal import TerminalOperator
from drivers.printable import printable
from drivers.roles import OperatorTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = Path(__file__).parent / "ask_operator.py"
PROJECT = Path(__file__).parents[2]
DO = "Take the attenuator out."
WHY = "0 dB added means that it is removed."
PATIENCE_S = 20.0


class Asked:
    """A program that asks at a terminal of its own, and the person's end of that terminal."""

    def __init__(self, how: str = "main", do: str = DO, why: str = WHY, *, has_terminal: bool = True) -> None:
        self.person, self.terminal = pty.openpty()
        name = os.ttyname(self.terminal) if has_terminal else "none"
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "TASK_DO": do, "TASK_WHY": why}
        self.program = subprocess.Popen(
            [sys.executable, str(PROGRAM), name, how],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.program.stdout is not None
        assert self.program.stdout.readline() == "ready\n", self.program.communicate()[1]

    def begin(self) -> None:
        assert self.program.stdin is not None
        self.program.stdin.write("\n")
        self.program.stdin.flush()

    def question(self) -> str:
        """Let the program ask, and return what the terminal shows then."""
        self.begin()
        return self.shown_until("\r\n> ")

    def shown_until(self, end: str) -> str:
        shown = b""
        while not shown.decode().endswith(end):
            assert select.select([self.person], [], [], PATIENCE_S)[0], f"only this was shown: {shown!r}"
            shown += os.read(self.person, 1024)
        return shown.decode()

    def types(self, keys: str) -> None:
        os.write(self.person, keys.encode())

    def outcome(self) -> dict[str, Any]:
        printed, problems = self.program.communicate(timeout=PATIENCE_S)
        assert self.program.returncode == 0, problems
        return json.loads(printed.splitlines()[-1])

    def close(self) -> None:
        self.program.kill()
        self.program.communicate()
        for end in (self.person, self.terminal):
            if end >= 0:
                os.close(end)


@pytest.fixture
def asked() -> Iterator[Callable[..., Asked]]:
    all_asked: list[Asked] = []

    def start(*arguments: Any, **options: Any) -> Asked:  # noqa: ANN401 - those of Asked
        all_asked.append(Asked(*arguments, **options))
        return all_asked[-1]

    yield start
    for one in all_asked:
        one.close()


def test_the_question_says_what_why_and_how_to_answer(asked: Callable[..., Asked]) -> None:
    at_terminal = asked()
    question = at_terminal.question()
    at_terminal.types("\n")
    assert f"what: {DO}\r\n" in question
    assert f"why:  {WHY}\r\n" in question
    for way in ("Enter", "remark", "abort", "Ctrl-D", "Ctrl-C"):
        assert way in question


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        pytest.param("\n", "done", id="enter"),
        pytest.param("\r", "done", id="carriage-return"),
        pytest.param("  connector cleaned \n", "connector cleaned", id="remark"),
        pytest.param("abort it was not\n", "abort it was not", id="remark-that-begins-with-abort"),
        pytest.param("naïve Größe\n", "naïve Größe", id="accents"),
        pytest.param("half\x04 a line\n", "half a line", id="ctrl-d-within-a-line"),
        pytest.param("\x1b[2Jhidden\x9b\n", "\\x1b[2Jhidden\\x9b", id="control-characters"),
    ],
)
def test_a_line_is_the_answer(asked: Callable[..., Asked], keys: str, text: str) -> None:
    at_terminal = asked()
    at_terminal.question()
    at_terminal.types(keys)
    assert at_terminal.outcome() == {
        "text": text,
        "answered_by": getpass.getuser(),
        "interrupts": "restored",
    }


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("abort\n", id="word"),
        pytest.param(" ABORT\n", id="word-in-capitals"),
        pytest.param("\x04", id="ctrl-d"),
        pytest.param("\x03", id="ctrl-c"),
        pytest.param("not yet\x03", id="ctrl-c-within-a-line"),
    ],
)
def test_an_abort_is_an_error_that_names_the_task(asked: Callable[..., Asked], keys: str) -> None:
    at_terminal = asked()
    at_terminal.question()
    at_terminal.types(keys)
    assert at_terminal.outcome() == {
        "error": "OperatorAbort",
        "said": f"the operator aborted: {DO}",
        "interrupts": "restored",
    }


def test_an_abort_is_a_station_error() -> None:
    assert issubclass(OperatorAbort, StationError)


def test_another_signal_stays_what_it_is_to_the_program(asked: Callable[..., Asked]) -> None:
    at_terminal = asked()
    at_terminal.question()
    at_terminal.program.send_signal(signal.SIGTERM)
    assert at_terminal.outcome()["error"] == "KeyboardInterrupt"


def test_an_enter_from_before_the_question_is_no_answer(asked: Callable[..., Asked]) -> None:
    at_terminal = asked()
    at_terminal.types("\n")
    assert select.select([at_terminal.terminal], [], [], PATIENCE_S)[0]
    at_terminal.question()
    at_terminal.types("now it is\n")
    assert at_terminal.outcome()["text"] == "now it is"


def test_no_text_can_steer_the_terminal(asked: Callable[..., Asked]) -> None:
    at_terminal = asked(do="\x1b[2J\x1b]0;title\x07 voa\r\n> \x08", why="\x9b31m \u202egnorw \u2028")
    question = at_terminal.question()
    at_terminal.types("abort\n")
    assert "what: \\x1b[2J\\x1b]0;title\\x07 voa\\r\\n> \\x08\r\n" in question
    assert "why:  \\x9b31m \\u202egnorw \\u2028\r\n" in question
    assert not set(question) & set("\x1b\x07\x08\x9b\u202e\u2028")
    assert at_terminal.outcome()["said"].isprintable()


@settings(deadline=None)
@given(st.text())
def test_what_is_shown_is_printable_and_plain_text_stays(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert (shown == text) == text.isprintable()


def test_it_asks_under_the_capture_of_pytest(asked: Callable[..., Asked], tmp_path: Path) -> None:
    asking = tmp_path / "test_asking.py"
    asking.write_text(
        "from drivers.operators.terminal import TerminalOperator\n"
        "from drivers.roles import OperatorTask\n"
        "def test_asking():\n"
        "    print('captured')\n"
        "    assert TerminalOperator().carry_out(OperatorTask('Do it.', 'So.')).text == 'seen'\n"
    )
    at_terminal = asked(str(asking))
    question = at_terminal.question()
    at_terminal.types("seen\n")
    printed, problems = at_terminal.program.communicate(timeout=PATIENCE_S)
    assert at_terminal.program.returncode == 0, printed + problems
    assert "what: Do it." in question
    assert "captured" not in question


def test_a_thread_may_ask(asked: Callable[..., Asked]) -> None:
    at_terminal = asked("thread")
    at_terminal.question()
    at_terminal.types("from a thread\n")
    assert at_terminal.outcome()["text"] == "from a thread"


def test_without_a_terminal_it_is_an_error_at_once(asked: Callable[..., Asked]) -> None:
    alone = asked(has_terminal=False)
    alone.begin()
    outcome = alone.outcome()
    assert outcome["error"] == "StationError"
    assert outcome["said"].startswith("a person at a terminal is needed")
    assert outcome["said"].endswith(DO)


def test_in_the_background_it_is_an_error_and_not_a_stop(asked: Callable[..., Asked]) -> None:
    at_terminal = asked("background")
    at_terminal.begin()
    outcome = at_terminal.outcome()
    assert outcome["error"] == "StationError"
    assert "the run is in the background" in outcome["said"]


def test_a_terminal_that_goes_away_is_an_error(asked: Callable[..., Asked]) -> None:
    at_terminal = asked()
    at_terminal.question()
    os.close(at_terminal.terminal)
    os.close(at_terminal.person)
    at_terminal.terminal = at_terminal.person = -1
    assert at_terminal.outcome()["error"] == "StationError"


def test_a_system_without_such_a_device_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(terminal, "_TERMINAL", str(tmp_path / "no-tty"))
    with pytest.raises(StationError, match=r"there is none \(No such file or directory\).*Do it\."):
        TerminalOperator().carry_out(OperatorTask("Do it.", "So."))


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert terminal._user() == f"user {os.getuid()}"
