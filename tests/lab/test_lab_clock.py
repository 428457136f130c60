"""The lab's clock and its control: a barrier, one waiter, time that moves only while somebody waits."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import closing
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clock import WallClock
from drivers.errors import LabError
from drivers.facts.lab import ControlRequest, Fault
from drivers.lab_control.clock import VirtualLabClock, WallLabClock
from drivers.lab_control.control import LabControl
from drivers.lab_control.faults import LabFaults
from emulators.lab.clock import LabClock
from emulators.lab.control import Control
from tests.lab.lab_thread import LabThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulators.lab.acts import LabActs
    from emulators.lab.journal import Journal


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=30))
def test_events_happen_in_the_order_of_their_times_and_the_barrier_holds(delays_s: list[float]) -> None:
    async def play() -> None:
        clock = LabClock("virtual", t0_s=0.0)
        happened: list[tuple[float, float]] = []
        for delay_s in delays_s:
            clock.at(delay_s, lambda due_s=delay_s: happened.append((due_s, clock.now_s())))
        await clock.wait_until(50.0)
        assert [due_s for due_s, _ in happened] == sorted(due_s for due_s in delays_s if due_s <= 50.0)
        assert all(due_s == now_s for due_s, now_s in happened)
        assert clock.now_s() == 50.0
        await clock.wait_until(10.0)
        assert clock.now_s() == 50.0

    asyncio.run(play())


def test_a_virtual_clock_stands_still_until_somebody_waits(lab: LabThread) -> None:
    control = LabControl(lab.address)
    clock = VirtualLabClock(control)
    assert clock.now_s() == 1000.0
    clock.sleep(86_400.0)
    assert clock.now_s() == 87_400.0
    clock.sleep(-1.0)
    assert clock.now_s() == 87_400.0
    control.close()


def test_a_second_waiter_is_refused_until_the_first_is_gone(lab: LabThread) -> None:
    first, second = LabControl(lab.address), LabControl(lab.address)
    VirtualLabClock(first)
    with pytest.raises(LabError, match="one waiter per lab"):
        VirtualLabClock(second)
    with pytest.raises(LabError, match="only the client that claimed the clock"):
        second.ask(ControlRequest(do="wait_until", t_s=2000.0))
    first.close()
    for _ in range(1000):
        try:
            VirtualLabClock(second)
        except LabError:
            continue
        break
    else:
        pytest.fail("the clock stayed claimed")
    second.close()


def test_a_blocking_command_moves_the_clock_and_the_waiter_is_told(lab: LabThread) -> None:
    control = LabControl(lab.address)
    clock = VirtualLabClock(control)
    asyncio.run_coroutine_threadsafe(lab.clock.block(7.5), lab.loop).result()
    assert clock.now_s() == 1007.5
    control.close()


def test_threads_share_the_one_waiter(lab: LabThread) -> None:
    control = LabControl(lab.address)
    clock = VirtualLabClock(control)
    threads = [threading.Thread(target=lambda: [clock.sleep(1.0) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1050.0 <= clock.now_s() <= 1200.0
    control.close()


def test_faults_are_planned_for_known_gear_only_and_written_down(lab: LabThread) -> None:
    control = LabControl(lab.address)
    faults = LabFaults(control)
    faults.inject(Fault(gear="voa", action="silence"))
    with pytest.raises(LabError, match="no gear called 'toaster'"):
        faults.inject(Fault(gear="toaster", action="silence"))
    faults.clear()
    assert [entry.kind for entry in faults.journal()] == ["fault planned", "faults cleared"]
    control.close()


def test_garbage_on_the_control_gets_an_error_and_the_lab_lives_on(lab: LabThread) -> None:
    control = LabControl(lab.address)
    control._socket.sendall(b"\x00\xff not json\n")
    assert b"not a request" in control._socket.recv(65536)
    assert control.ask(ControlRequest(do="now")).now_s == 1000.0
    control.close()
    again = LabControl(lab.address)
    assert again.ask(ControlRequest(do="now")).now_s == 1000.0
    again.close()


def test_a_request_that_the_lab_cannot_make_out_is_refused_at_once(lab: LabThread) -> None:
    control = LabControl(lab.address)
    with pytest.raises(LabError, match="not a request"):
        LabFaults(control).inject(Fault(gear="voa", action="delay", value=float("inf")))
    control.close()


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next(lab: LabThread) -> None:
    control = LabControl(lab.address)
    clock = VirtualLabClock(control)
    # as an interrupt between request and answer would leave it
    control._socket.sendall(
        ControlRequest(do="wait_until", number=control._asked, t_s=1234.0).model_dump_json().encode() + b"\n"
    )
    clock.wait_until(2000.0)
    assert clock.now_s() == 2000.0
    assert control.ask(ControlRequest(do="journal")).journal == []
    control.close()


def test_a_clock_that_was_interrupted_asks_how_far_the_lab_has_got(
    lab: LabThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = LabControl(lab.address)
    clock = VirtualLabClock(control)
    with monkeypatch.context() as patched:
        patched.setattr(control, "_read_reply", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            clock.sleep(10.0)
    assert clock.now_s() == 1010.0
    control.close()


def test_a_lab_that_is_gone_is_an_error_in_words() -> None:
    with LabThread() as lab:
        control = LabControl(lab.address)
        clock = VirtualLabClock(control)
    with pytest.raises(LabError, match="gone"):
        clock.sleep(1.0)
    with pytest.raises(LabError, match="no emulated lab at"):
        LabControl(lab.address)
    control.close()


def test_a_wall_lab_runs_at_its_factor() -> None:
    with LabThread("wall", factor=1000.0) as lab:
        control = LabControl(lab.address)
        clock = WallLabClock(control)
        begun_s = clock.now_s()
        clock.sleep(20.0)
        passed_s = clock.now_s() - begun_s
        assert passed_s >= 19.0
        assert clock.wall_timeout_s(5.0) == 0.25
        assert clock.wall_timeout_s(5000.0) == 5.0
        control.close()


def test_events_of_a_wall_lab_happen_by_themselves() -> None:
    with LabThread("wall", factor=1000.0) as lab:
        happened = threading.Event()
        lab.loop.call_soon_threadsafe(lambda: lab.clock.at(lab.clock.now_s() + 5.0, happened.set))
        assert happened.wait(10.0)


def test_the_wall_clock_waits_no_longer_than_asked() -> None:
    clock = WallClock()
    begun_s = clock.now_s()
    clock.wait_until(begun_s + 0.01)
    assert clock.now_s() >= begun_s + 0.01
    clock.wait_until(begun_s)
    assert clock.wall_timeout_s(3.0) == 3.0


@pytest.mark.parametrize("resets", [False, True], ids=["hung-up", "reset"])
def test_a_waiter_that_died_while_it_waited_is_taken_over(
    monkeypatch: pytest.MonkeyPatch, *, resets: bool
) -> None:
    """A process that is killed with something unread resets its connection: no end is seen, but an error."""
    with (
        LabThread("wall") as lab,
        closing(LabControl(lab.address)) as dead,
        closing(LabControl(lab.address)) as heir,
    ):
        begun = threading.Event()
        wait_until = lab.clock.wait_until

        async def told(t_s: float) -> float:
            begun.set()
            return await wait_until(t_s)

        monkeypatch.setattr(lab.clock, "wait_until", told)
        WallLabClock(dead)
        far = ControlRequest(do="wait_until", number=99, t_s=1e9)
        dead._socket.sendall(far.model_dump_json(exclude_none=True).encode() + b"\n")
        assert begun.wait(10.0)
        with pytest.raises(LabError, match="one waiter per lab"):
            heir.ask(ControlRequest(do="claim_clock"))
        if resets:
            dead._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        dead.close()
        assert claimed(heir)
        assert heir.ask(ControlRequest(do="wait_until", t_s=0.0)).now_s < 1e6


def claimed(control: LabControl) -> bool:
    """Claim the clock as soon as the lab has seen that its waiter is gone."""
    clock = WallClock()
    for _ in range(2000):
        try:
            control.ask(ControlRequest(do="claim_clock"))
        except LabError:
            clock.sleep(0.001)
        else:
            return True
    return False


def test_a_client_of_another_lab_at_the_same_port_is_refused(lab: LabThread) -> None:
    with closing(LabControl(lab.address, "lab 0")) as other, closing(LabControl(lab.address, "lab 1")) as own:
        with pytest.raises(LabError, match="this is another lab"):
            other.ask(ControlRequest(do="shutdown"))
        own.ask(ControlRequest(do="now"))


def test_a_lab_ends_itself_when_nobody_was_there_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulators.lab.control._IDLE_CHECK_S", 0.01)

    async def live(clients: int) -> bool:
        clock = LabClock("virtual", t0_s=0.0)
        control = Control("lab 1", clock, cast("Journal", None), cast("LabActs", None), idle_exit_s=0.05)
        address = await control.start()
        writers = [(await asyncio.open_connection(address.host, address.port))[1] for _ in range(clients)]
        try:
            async with asyncio.timeout(5.0 if not clients else 0.3):
                await control.run_until_ended()
        except TimeoutError:
            return True
        finally:
            for writer in writers:
                writer.close()
            control.close()
            await asyncio.sleep(0)
        return False

    assert asyncio.run(live(clients=1))
    assert not asyncio.run(live(clients=0))
