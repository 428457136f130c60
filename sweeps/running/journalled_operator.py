"""An operator whose tasks and answers are written into the run's journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.running.cords import note_cord

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.roles import Operator, OperatorAnswer, OperatorTask
    from sweeps.progress import Progress
    from sweeps.record.run_record import RunRecord


class JournalledOperator:
    """Hands every task on to `operator`, with the progress out of the way; fills the role `Operator`."""

    def __init__(self, operator: Operator, clock: Clock, run: RunRecord, progress: Progress) -> None:
        self._operator = operator
        self._clock = clock
        self._run = run
        self._progress = progress

    def carry_out(self, task: OperatorTask) -> OperatorAnswer:
        """Have `task` done, and note what was asked and what was answered."""
        self._note("operator asked", f"{task.do} ({task.why})")
        note_cord(self._run, task.patch, is_done=False)  # whoever breaks off may have got half-way
        try:
            with self._progress.paused():
                answer = self._operator.carry_out(task)
        except BaseException as error:
            self._note("operator", f"not done: {type(error).__name__}: {error}")
            raise
        self._note("operator", f"{answer.text} (by {answer.answered_by})")
        note_cord(self._run, task.patch, is_done=True)
        return answer

    def _note(self, kind: str, text: str) -> None:
        self._run.add_event(self._clock.now_s(), kind, text)
