"""The lab's history: what was done is on the disk before it is done, and done again it makes the same lab."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, cast

import pytest

from drivers.facts.inventory import Reference
from drivers.facts.lab import ControlRequest, Fault, Patch
from emulators.lab.acts import ActRefused, LabActs
from emulators.lab.faults import FaultSchedule
from emulators.lab.history import Act, History, HistoryError
from emulators.lab.journal import Journal
from emulators.lab.remembered import RememberedDevice
from emulators.plant.description import path_of_fibre
from emulators.plant.fibre_ends import FibreEnds
from emulators.plant.fibre_plant import FibrePlant
from emulators.plant.link import Link
from emulators.plant.patch_panel import PatchPanel
from tests.plant.plants import shipped_station

if TYPE_CHECKING:
    from pathlib import Path

    from emulators.wires.scpi_server import ScpiDevice


class Time:
    def __init__(self) -> None:
        self.s = 1000.0

    def now_s(self) -> float:
        return self.s


class Recorder:
    """A device that remembers what it was told."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def handle(self, command: str) -> str | None:
        self.done.append(command)
        return None


def history_at(folder: Path, time: Time | None = None) -> History:
    return History(folder / "history", (time or Time()).now_s)


def test_acts_come_back_in_their_order_with_their_times(tmp_path: Path) -> None:
    time = Time()
    history = history_at(tmp_path, time)
    history.note("voa", ":OUTP:ATT 1,3")
    time.s += 0.1 + 0.2
    history.note("bob", "stop")
    # Not closed: a lab that is killed closes nothing.
    again = history_at(tmp_path)
    assert again.recover() == [
        Act(t_s=1000.0, to="voa", do=":OUTP:ATT 1,3"),
        Act(t_s=1000.0 + (0.1 + 0.2), to="bob", do="stop"),
    ]
    history.close()
    again.close()


@pytest.mark.parametrize(
    "torn",
    [b'{"t_s":1', b'{"t_s":1001.0,"to":"voa","do":"x"}', b"\x00\x00\n", b'{"t_s":1}\n'],
    ids=["half", "no-end-of-line", "zeros", "not-an-act"],
)
def test_a_last_act_that_broke_off_is_dropped_and_the_next_is_written_whole(
    tmp_path: Path, torn: bytes
) -> None:
    history = history_at(tmp_path)
    history.note("voa", "first")
    history.close()
    with (tmp_path / "history").open("ab") as file:
        file.write(torn)
    for known in (["first"], ["first", "second"]):
        again = history_at(tmp_path)
        assert [act.do for act in again.recover()] == known
        again.note("voa", "second")
        again.close()


def test_a_bad_line_that_is_not_the_last_is_told_and_the_file_is_left(tmp_path: Path) -> None:
    history = history_at(tmp_path)
    history.note("voa", "first")
    first = (tmp_path / "history").read_bytes()
    damaged = first + b"XX\n" + first
    (tmp_path / "history").write_bytes(damaged)
    with pytest.raises(HistoryError, match="line 2 of 3 is no act: the file was damaged"):
        history.recover()
    assert (tmp_path / "history").read_bytes() == damaged
    history.close()


def test_a_history_without_any_act_is_told_and_a_lab_that_did_nothing_has_one(tmp_path: Path) -> None:
    history = history_at(tmp_path)
    with pytest.raises(HistoryError, match="holds no act"):
        history.recover()
    history.begin()
    (began,) = history.recover()
    history.do_again(began)
    history.close()


def test_what_is_done_again_is_not_written_again(tmp_path: Path) -> None:
    device = Recorder()
    history = history_at(tmp_path)
    remembered = RememberedDevice("voa", cast("ScpiDevice", device), history)
    for command in (":OUTP:ATT 1,3", ":OUTP:ATT? 1", "*IDN?", ":OUTP:BBL 1,0"):
        remembered.handle(command)
    history.close()
    history = history_at(tmp_path)
    device = Recorder()
    RememberedDevice("voa", cast("ScpiDevice", device), history)
    acts = history.recover()
    for act in acts:
        history.do_again(act)
    assert device.done == [":OUTP:ATT 1,3", ":OUTP:BBL 1,0"]
    assert history.recover() == acts
    history.note("voa", "more")
    assert len(history.recover()) == 3
    history.close()


def test_a_replay_that_fails_leaves_the_history_writing(tmp_path: Path) -> None:
    def refuse(_act: str) -> None:
        raise RuntimeError

    history = history_at(tmp_path)
    history.add_actor("voa", refuse)
    with pytest.raises(RuntimeError):
        history.do_again(Act(t_s=1.0, to="voa", do="x"))
    history.note("voa", "y")
    assert [act.do for act in history.recover()] == ["y"]
    history.close()


def test_a_new_lab_begins_with_no_past(tmp_path: Path) -> None:
    history = history_at(tmp_path)
    history.note("voa", "old")
    history.begin()
    history.note("voa", "new")
    assert [act.do for act in history.recover()] == ["begin", "new"]
    history.close()


class FullDisk:
    """A file that takes `room` bytes, and then more once there is room again."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""

    def write(self, content: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = content[: self.room]
        self.room -= len(taken)
        self.content += taken
        return len(taken)


def test_a_full_disk_takes_no_lab_down_and_loses_no_act_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = history_at(tmp_path)
    disk = FullDisk(room=10)
    with monkeypatch.context() as patched:
        patched.setattr(history, "_file", disk)
        history.note("voa", "one")
        history.note("voa", "two")
        disk.room = 10_000
        history.note("voa", "three")
    (tmp_path / "history").write_bytes(disk.content)
    assert [act.do for act in history.recover()] == ["one", "two", "three"]
    history.close()


class Lab:
    """What clients may act on, with a history."""

    def __init__(self, folder: Path) -> None:
        self.time = Time()
        self.history = History(folder / "history", self.time.now_s)
        self.journal = Journal(self.time.now_s)
        self.faults = FaultSchedule(self.time.now_s, self.journal)
        self.faults.remember_in(self.history)
        self.link = Link(self.time.now_s, 1550.0)
        panel = PatchPanel(self.link, Reference(kind="attenuator_removed"), self.journal.note)
        panel.mount("voa", insertion_loss_db=1.5)
        station = shipped_station()
        plant = FibrePlant(path_of_fibre(station.fibre), self.link, self.journal.note)
        ends = FibreEnds(station, plant, self.link, self.journal.note)
        self.acts = LabActs(self.faults, panel, ends, plant, {"voa", "bob"}, self.history)

    def do(self, **request: object) -> None:
        self.acts.do(ControlRequest.model_validate(request))


def test_a_lab_that_died_is_the_same_again_refusals_and_used_up_faults_included(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.do(do="inject", fault=Fault(gear="voa", action="drop", match="ATT"))
    lab.do(do="clear_faults")
    lab.do(do="inject", fault=Fault(gear="bob", action="html", match="state", count=2))
    with pytest.raises(ActRefused, match="no gear called 'toaster'"):
        lab.do(do="inject", fault=Fault(gear="toaster", action="drop"))
    with pytest.raises(ActRefused, match="inject needs a fault"):
        lab.do(do="inject")
    with pytest.raises(ActRefused, match="patch needs a patch"):
        lab.do(do="patch")
    lab.time.s += 5.0
    lab.do(do="patch", patch=Patch(gear="voa", in_line=True))
    assert lab.faults.strike("bob", "GET /state") is not None

    again = Lab(tmp_path)
    for act in again.history.recover():
        again.time.s = act.t_s
        again.history.do_again(act)
    assert again.journal.entries == lab.journal.entries
    window = (lab.time.s, lab.time.s + 1.0)
    assert again.link.segments(*window) == lab.link.segments(*window)
    # One of two strikes is left, in both, and that of the forgotten fault in neither.
    for one in (lab, again):
        assert one.faults.strike("voa", "ATT 1,3") is None
        assert one.faults.strike("bob", "GET /state") is not None
        assert one.faults.strike("bob", "GET /state") is None
        one.history.close()


def test_two_faults_that_strike_one_exchange_are_told_once_also_by_the_lab_that_goes_on(
    tmp_path: Path,
) -> None:
    lab = Lab(tmp_path)
    for action in ("drop", "garbage"):
        lab.do(do="inject", fault=Fault(gear="voa", action=action))
    assert lab.faults.strike("voa", "ATT 1,3") == Fault(gear="voa", action="drop")
    again = Lab(tmp_path)
    for act in again.history.recover():
        again.history.do_again(act)
    assert [entry.kind for entry in lab.journal.entries] == ["fault planned"] * 2 + ["fault struck"]
    assert again.journal.entries == lab.journal.entries
    for one in (lab, again):
        assert one.faults.strike("voa", "ATT 1,3") is None  # both are used up
        one.history.close()
