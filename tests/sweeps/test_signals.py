"""Signals end a run, and never the way to the safe state."""

from __future__ import annotations

import signal
import threading

import pytest

from sweeps.running.signals import signals_as_interrupts, signals_deferred

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDING)
def test_each_of_them_unwinds_a_run(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), signals_as_interrupts():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", ENDING)
def test_on_the_way_to_safety_they_are_held_back(number: signal.Signals) -> None:
    steps: list[int] = []

    def go_to_safety() -> None:
        with signals_deferred():
            for step in range(3):
                signal.raise_signal(number)
                steps.append(step)

    with pytest.raises(KeyboardInterrupt), signals_as_interrupts():
        go_to_safety()
    assert steps == [0, 1, 2]


def test_without_a_signal_nothing_is_raised() -> None:
    with signals_as_interrupts(), signals_deferred():
        pass


def test_in_another_thread_they_change_nothing() -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with signals_as_interrupts(), signals_deferred():
                pass
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert errors == []
