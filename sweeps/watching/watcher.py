"""Looks at a run again and again, and makes of it what a watcher sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.clock import boot_s, utc_now_s
from drivers.errors import RecordError
from sweeps.record.facts import RunFacts
from sweeps.record.state import RunState, state_of
from sweeps.watching.alarms import SILENT_PERIODS, SILENT_VIRTUAL_S, Trouble, alarms_of
from sweeps.watching.followed import FollowedRun
from sweeps.watching.picture import gaps_of, levels_of, points_of, series_of, shown_facts
from sweeps.watching.quiet import Quiet
from sweeps.watching.reasons import reason_of
from sweeps.watching.record_tail import RecordTail
from sweeps.watching.run_view import RunView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sweeps.watching.run_view import Pace


class RunWatcher:
    """Follows the run of one folder; `now_s` gives the host's UTC time, `steady_s` one that nobody sets."""

    def __init__(
        self, folder: Path, now_s: Callable[[], float] = utc_now_s, steady_s: Callable[[], float] = boot_s
    ) -> None:
        self._folder = folder
        self._now_s = now_s
        self._steady_s = steady_s
        self._begin()

    def _begin(self) -> None:
        self._tail = RecordTail(self._folder)
        self._run = FollowedRun()
        self._was_read = False
        self._quiet = Quiet(self._now_s, self._steady_s)

    def look(self) -> RunView:
        """Take in what is new and return the picture.

        A record that cannot be read any more leaves the last picture, with the problem in it; RecordError if
        there never was one.
        """
        problem = ""
        try:
            self._take_in_all()
            if self._state() is RunState.GONE:
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
            if rows.facts.runner is not None and rows.facts.runner != self._run.facts.runner:
                self._quiet.expect(rows.facts.runner.started_utc_s)
            self._run.take_in(rows)
            self._was_read = True
            if rows.telemetry:
                self._quiet.hear_record(rows.telemetry[-1].utc_s)
            is_new_schedule = is_new_schedule or bool(rows.schedules)
            if rows.is_all:
                break
        if is_new_schedule and not (is_first and self._run.has_begun()):
            # When it was written is not in the record: its first record gets its time from now on.
            self._quiet.expect(self._now_s())

    def _view(self, problem: str) -> RunView:
        run = self._run
        state = self._state()
        reason = reason_of(run.facts, state)
        # A virtual clock moves by what is done on it, and another host's process may long be gone.
        goes_by_itself = state is RunState.RUNNING and run.facts.clock == "wall" and not problem
        run.pass_over(self._quiet.since_record_s() if goes_by_itself else None)
        return RunView(
            facts=shown_facts(self._folder.resolve().name, run),
            state=state,
            reason=reason,
            planned=run.planned(),
            taken=run.taken(),
            pace=None if state.is_over() else self._pace(),
            newest=run.newest,
            series=series_of(run.buckets),
            levels=levels_of(run),
            gaps=gaps_of(run),
            points=points_of(run, state),
            journal=tuple(reversed(run.journal)),
            alarms=alarms_of(self._trouble(state, reason)),
            problem=problem,
        )

    def _state(self) -> RunState:
        run = self._run
        state = state_of(run.facts)
        is_being_made = run.facts == _NO_FACTS
        if (is_being_made or not state.is_over()) and not self._is_record_due():
            return RunState.WAITING
        return state

    def _is_record_due(self) -> bool:
        run = self._run
        is_open = not run.takes_telemetry() and run.facts.clock is not None
        return run.newest is not None or run.has_schedule or is_open

    def _pace(self) -> Pace | None:
        planned = self._run.planned()
        if planned is None or planned <= self._run.dealt_with():
            return None
        return self._run.pacer.pace(planned)

    def _trouble(self, state: RunState, reason: str) -> Trouble:
        run = self._run
        return Trouble(
            state=state,
            reason=reason,
            missing=run.missing(),
            lost=run.lost,
            not_read=run.not_read,
            safety=run.safety,
            odd=run.odd,
            newest_record_utc_s=None if run.newest is None else run.newest.utc_s,
            silent_since_utc_s=self._silent_since_s(),
        )

    def _silent_since_s(self) -> float | None:
        """Return since when a record is overdue; a new schedule, or who took the run up, gets its time.

        What is no telemetry comes when the gear is through with it, and is never overdue.
        """
        run = self._run
        if not run.takes_telemetry() or not self._is_record_due() or run.planned() == run.dealt_with():
            return None
        patience_s = SILENT_PERIODS * run.period_s() + run.settle_s()
        if run.facts.clock == "virtual":
            patience_s = SILENT_VIRTUAL_S
        if self._quiet.expected_for_s() <= patience_s:
            return None
        return self._quiet.expected_utc_s if run.newest is None else run.newest.utc_s


_NO_FACTS = RunFacts()
"""Of a record that is only being made."""
