"""Looks at a run again and again, and makes of it what a watcher sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.clock import utc_now_s
from drivers.errors import RecordError
from sweeps.watching.alarms import SILENT_PERIODS, SILENT_VIRTUAL_S, Trouble, alarms_of
from sweeps.watching.followed import FollowedRun
from sweeps.watching.picture import gaps_of, levels_of, points_of, series_of, shown_facts
from sweeps.watching.record_tail import RecordTail
from sweeps.watching.run_view import RunView, State
from sweeps.watching.runner import runner_life

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class RunWatcher:
    """Follows the run of one folder; `now_s` gives the host's UTC time."""

    def __init__(self, folder: Path, now_s: Callable[[], float] = utc_now_s) -> None:
        self._folder = folder
        self._now_s = now_s
        self._begin()

    def _begin(self) -> None:
        self._tail = RecordTail(self._folder)
        self._run = FollowedRun()
        self._was_read = False
        self._scheduled_utc_s = 0.0

    def look(self) -> RunView:
        """Take in what is new and return the picture.

        A record that cannot be read any more leaves the last picture, with the problem in it; RecordError if
        there never was one.
        """
        problem = ""
        try:
            self._take_in_all()
            if self._state()[0] is State.RUNNER_GONE:
                # It may have written its last words and ended since they were looked for.
                self._take_in_all()
        except RecordError as error:
            if not self._was_read:
                raise
            problem = str(error)
        return self._view(problem)

    def _take_in_all(self) -> None:
        is_first = not self._was_read
        is_new_schedule = False
        while True:
            rows = self._tail.read()
            started_utc_s = self._run.facts.started_utc_s
            if started_utc_s is not None and rows.facts.started_utc_s != started_utc_s:
                # Another run took the folder's place.
                self._begin()
                continue
            self._run.take_in(rows)
            self._was_read = True
            is_new_schedule = is_new_schedule or bool(rows.schedules)
            if rows.is_all:
                break
        if is_new_schedule and not (is_first and self._run.has_begun()):
            # When it was written is not in the record: its first record gets its time from now on.
            self._scheduled_utc_s = self._now_s()

    def _view(self, problem: str) -> RunView:
        run = self._run
        state, reason = self._state()
        planned = run.planned()
        left = None if planned is None else planned - run.taken() - run.missing()
        has_end = state is State.RUNNING and left is not None and left > 0
        return RunView(
            facts=shown_facts(self._folder.resolve().name, run),
            state=state,
            reason=reason,
            planned=planned,
            taken=run.taken(),
            pace=run.pacer.pace(left) if has_end and left is not None else None,
            newest=run.newest,
            series=series_of(run.buckets),
            levels=levels_of(run),
            gaps=gaps_of(run),
            points=points_of(run, state),
            journal=tuple(reversed(run.journal)),
            alarms=alarms_of(self._trouble(state, reason, left)),
            problem=problem,
        )

    def _state(self) -> tuple[State, str]:
        facts = self._run.facts
        runner = runner_life(facts.runner)
        if facts.finished_utc_s is not None:
            return State.FINISHED, "all that was planned is done"
        if facts.ended is not None:
            return State.BROKEN_OFF, _how_it_ended(facts.ended)
        if runner.lives is False:
            return State.RUNNER_GONE, runner.words
        is_open = not self._run.takes_telemetry() and facts.clock is not None
        if self._run.newest is None and not self._run.has_schedule and not is_open:
            return State.WAITING, runner.words
        return State.RUNNING, runner.words

    def _trouble(self, state: State, reason: str, left: int | None) -> Trouble:
        run = self._run
        newest_utc_s = None if run.newest is None else run.newest.utc_s
        return Trouble(
            state=state,
            reason=reason,
            missing=run.missing(),
            lost=run.lost,
            not_read=run.not_read,
            safety=run.safety,
            odd=run.odd,
            newest_record_utc_s=newest_utc_s,
            silent_since_utc_s=None if left == 0 else self._silent_since_s(newest_utc_s),
        )

    def _silent_since_s(self, newest_utc_s: float | None) -> float | None:
        """Return since when a record is overdue; a schedule that was only now seen gets its time first."""
        run = self._run
        patience_s = SILENT_PERIODS * run.period_s() + run.settle_s()
        if run.facts.clock == "virtual":
            patience_s = SILENT_VIRTUAL_S
        expected_from_s = max(newest_utc_s or 0.0, self._scheduled_utc_s)
        is_overdue = expected_from_s > 0 and self._now_s() - expected_from_s > patience_s
        return (newest_utc_s or expected_from_s) if is_overdue else None


def _how_it_ended(told: str) -> str:
    """Return what was noted at the end of a run, in words; an interrupt is noted by its name only."""
    name, _, words = told.partition(":")
    if name == "KeyboardInterrupt" and not words.strip():
        return "interrupted by Ctrl-C or a signal"
    return told
