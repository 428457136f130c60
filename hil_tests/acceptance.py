"""One acceptance: the runs that were made, every check that was judged, and the report they become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.measure.measured import Measured
from hil_tests.paper import compare_with_paper
from hil_tests.procedures import procedures_not_run
from hil_tests.report.acceptance_json import provenance_of, write_acceptance_json
from hil_tests.report.summary import render_summary
from hil_tests.verdict import applies, check_of, judge
from sweeps.record.facts import RunFacts

if TYPE_CHECKING:
    from pathlib import Path

    from drivers.facts.inventory import Plan
    from hil_tests.limits import Limit, Limits
    from hil_tests.paper import PaperRow
    from hil_tests.verdict import Check
    from sweeps.record.facts import ProcedureName
    from sweeps.record.run_record import RunRecord


class Acceptance:
    """Collects the runs of a session and their checks."""

    def __init__(self, limits: Limits, plan: Plan) -> None:
        self._limits = limits
        self._plan = plan
        self._runs: list[RunRecord] = []
        self._checks: dict[str, list[Check]] = {}
        self.problems: list[str] = []
        """What the bench could not do, in words."""
        self.refusals: dict[str, str] = {}
        """Procedures that were not run because nobody allowed it, and why."""

    def add_run(self, run: RunRecord) -> None:
        """Take a run in and judge it."""
        self._runs.append(run)
        self._checks[run.folder.name] = judge(self._limits, run)

    def refuse(self, procedure: ProcedureName, reason: str) -> None:
        """Take note that `procedure` was not run for want of a permission: its checks stay incomplete."""
        if procedure not in self.refusals:
            self.refusals[procedure] = reason
            self.problems.append(reason)
            self._checks[reason] = [
                check_of(name, limit, Measured(None, "not run"), procedure, is_finished=False)
                for name, limit in self._limits_of(procedure).items()
            ]

    def limit_names(self, procedure: str) -> list[str]:
        """Return the names of the limits that `procedure` is judged by when it is run by the plan."""
        return list(self._limits_of(procedure))

    def _limits_of(self, procedure: str) -> dict[str, Limit]:
        facts = RunFacts.model_validate({"procedure": procedure, "plan": self._plan.model_dump()})
        return {name: limit for name, limit in self._limits.checks.items() if applies(limit, facts)}

    def check_of(self, run: RunRecord, name: str) -> Check:
        """Return the check called `name` of `run`."""
        (check,) = (check for check in self._checks[run.folder.name] if check.name == name)
        return check

    def summary_html(self) -> str:
        """Return the static summary of the page."""
        return render_summary(
            self._runs, self._all_checks(), self._paper_rows(), problems=self.problems, plan=self._plan
        )

    def write_json(self, path: Path) -> None:
        """Write the report for machines."""
        not_run = procedures_not_run((run.meta().get("procedure") for run in self._runs), self._plan)
        write_acceptance_json(
            path,
            self._all_checks(),
            self._paper_rows(),
            provenance_of(self._runs),
            not_done=[*self.problems, *not_run],
        )

    def close(self) -> None:
        """Close the records."""
        for run in self._runs:
            run.close()

    def _all_checks(self) -> list[Check]:
        return [check for checks in self._checks.values() for check in checks]

    def _paper_rows(self) -> list[PaperRow]:
        return [row for run in self._runs for row in compare_with_paper(run)]
