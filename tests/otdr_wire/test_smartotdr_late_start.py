"""A start that is still on its way when light is to be off: some seconds pass between key and light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.errors import AcquisitionBroken
from drivers.wires.scpi_wire import ScpiWire
from tests.otdr_wire.otdr_lab import SETTINGS, OtdrLab

if TYPE_CHECKING:
    from collections.abc import Generator

    from emulators.wires.scpi_server import Answer

KEY = "KEY STAR"
SHONE_AND_ENDED = ["on at here", "off at here"]


class SlowToBegin:
    """The emulated SmartOTDR, but the key begins a measurement only after `begins_after_s`."""

    def __init__(self, bench: OtdrLab, begins_after_s: float) -> None:
        self._bench = bench
        self._begins_after_s = begins_after_s
        self.errors = bench.device.errors

    def handle(self, command: str) -> Answer | None:
        device, clock = self._bench.device, self._bench.lab.clock
        if command != KEY or device.handle("STAT:ACQ?") != "STOPPED":
            return device.handle(command)

        def begin() -> None:
            device.handle(command)

        clock.at(clock.now_s() + self._begins_after_s, begin)
        return None


@pytest.fixture
def slow() -> Generator[OtdrLab]:
    yield from bench_that_begins(after_s=4.0)


@pytest.fixture
def very_slow() -> Generator[OtdrLab]:
    yield from bench_that_begins(after_s=7.0)


def bench_that_begins(after_s: float) -> Generator[OtdrLab]:
    bench = OtdrLab()
    bench.server = bench.lab.serve(SlowToBegin(bench, after_s))
    yield bench
    bench.close()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ConnectionResetError])
def test_a_start_that_was_broken_off_behind_its_key_is_seen_and_ended(
    slow: OtdrLab, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    otdr = slow.open()
    otdr.set_up(SETTINGS)
    slow.clock.sleep(60.0)
    write = ScpiWire.write

    def broken_off(wire: ScpiWire, command: str) -> None:
        write(wire, command)
        if command == KEY:
            raise interruption

    with monkeypatch.context() as broken:
        broken.setattr(ScpiWire, "write", broken_off)
        with pytest.raises(interruption):
            otdr.start()
    otdr.stop()
    assert slow.fibre.told == SHONE_AND_ENDED
    slow.clock.sleep(60.0)
    assert slow.fibre.told == SHONE_AND_ENDED


@pytest.mark.parametrize("is_read", [True, False])
def test_who_comes_new_looks_for_a_key_that_another_pressed(slow: OtdrLab, *, is_read: bool) -> None:
    async def press() -> None:
        SlowToBegin(slow, 4.0).handle(KEY)

    slow.lab.run(press())
    otdr = slow.open()
    if is_read:
        assert otdr.laser_on()
    otdr.stop()
    assert slow.fibre.told == SHONE_AND_ENDED
    assert not otdr.laser_on()


def test_one_that_begins_after_its_start_was_given_up_is_ended(very_slow: OtdrLab) -> None:
    otdr = very_slow.open()
    otdr.set_up(SETTINGS)
    with pytest.raises(AcquisitionBroken, match="did not begin"):
        otdr.start()
    assert very_slow.fibre.told == []
    otdr.stop()
    assert very_slow.fibre.told == SHONE_AND_ENDED


def test_a_key_that_came_too_late_to_stop_and_starts_is_ended_as_well(
    slow: OtdrLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    otdr = slow.open()
    otdr.set_up(SETTINGS)
    otdr.start()
    slow.clock.sleep(60.0)
    is_running, first_answers = otdr.is_running, [True]  # it ends right behind the first look
    monkeypatch.setattr(otdr, "is_running", lambda: first_answers.pop() if first_answers else is_running())
    otdr.stop()
    assert slow.fibre.told == SHONE_AND_ENDED * 2


def test_who_knows_that_no_key_is_on_its_way_stops_at_once(slow: OtdrLab) -> None:
    otdr = slow.measured()
    measured_s = slow.clock.now_s()
    otdr.stop()
    assert slow.clock.now_s() == measured_s
