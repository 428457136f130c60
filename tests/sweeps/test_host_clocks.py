"""A host whose clock is set, or which sleeps: waits and schedules do not care, and people are told."""

from __future__ import annotations

import pytest

import drivers.clock
from drivers.clock import WallClock
from sweeps.procedures.host_clocks import HostClocks


class FakeTime:
    """A host's clocks; sleeping moves them all, as far as they move in a sleep."""

    CLOCK_BOOTTIME = 7

    def __init__(self) -> None:
        self.utc_s, self.awake_s, self.boot_s = 1.7e9, 500.0, 500.0
        self.naps_s: list[float] = []
        self.suspended_s = 0.0
        """What the next nap takes on top because the lid was closed."""

    def time(self) -> float:
        return self.utc_s

    def monotonic(self) -> float:
        return self.awake_s

    def clock_gettime(self, clock: int) -> float:
        assert clock == self.CLOCK_BOOTTIME
        return self.boot_s

    def sleep(self, duration_s: float) -> None:
        self.naps_s.append(duration_s)
        self.awake_s += duration_s
        self.boot_s += duration_s + self.suspended_s
        self.utc_s += duration_s + self.suspended_s
        self.suspended_s = 0.0


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr(drivers.clock, "time", fake)
    return fake


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_stepped_time_of_day_moves_no_wait_and_is_told_once(host: FakeTime, step_s: float) -> None:
    clock, clocks = WallClock(), HostClocks()
    before_s = clock.now_s()
    host.utc_s += step_s
    assert clock.now_s() == before_s
    clock.wait_until(before_s + 12.0)
    assert sum(host.naps_s) == pytest.approx(12.0)
    assert clocks.what_happened() == [f"this host's time of day was set by {step_s:+.0f} s"]
    assert clocks.what_happened() == []


def test_a_sleep_of_the_host_counts_as_time_that_has_passed(host: FakeTime) -> None:
    clock, clocks = WallClock(), HostClocks()
    before_s = clock.now_s()
    host.suspended_s = 3600.0
    clock.wait_until(before_s + 60.0)
    assert clock.now_s() == pytest.approx(before_s + 3600.0, abs=60.0)
    assert sum(host.naps_s) < 60.0
    assert clocks.what_happened() == ["this host slept for 3600 s"]


def test_small_corrections_are_not_worth_telling(host: FakeTime) -> None:
    clocks = HostClocks()
    host.utc_s += 0.5
    assert clocks.what_happened() == []


def test_without_a_clock_that_counts_sleep_the_monotonic_one_serves(
    host: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(FakeTime, "CLOCK_BOOTTIME")
    assert drivers.clock.boot_s() == host.awake_s
