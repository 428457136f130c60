"""One acceptance: the runs that were made, every check that was judged, and the report they become."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hil_tests.paper import compare_with_paper
from hil_tests.report.acceptance_json import provenance_of, write_acceptance_json
from hil_tests.report.summary import render_summary
from hil_tests.verdict import judge

if TYPE_CHECKING:
    from pathlib import Path

    from hil_tests.limits import Limits
    from hil_tests.paper import PaperRow
    from hil_tests.verdict import Check
    from sweeps.record import RunRecord


class Acceptance:
    """Collects runs and checks as tests ask for them; each check belongs to one test."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._runs: list[RunRecord] = []
        self._checks: dict[str, list[Check]] = {}
        self._claimed: set[tuple[str, str]] = set()
        self.problems: list[str] = []
        """What the bench could not do, in words."""

    def add_run(self, run: RunRecord) -> None:
        """Take a run in and judge it."""
        self._runs.append(run)
        self._checks[run.folder.name] = judge(self._limits, run)

    def checks_of(self, run: RunRecord, *patterns: str) -> list[Check]:
        """Return the checks of `run` whose names match one of `patterns`; the caller answers for them."""
        checks = [
            check
            for check in self._checks[run.folder.name]
            if any(fnmatchcase(check.name, pattern) for pattern in patterns)
        ]
        self._claimed.update((run.folder.name, check.name) for check in checks)
        return checks

    def unclaimed(self) -> list[str]:
        """Return the names of checks that no test answered for."""
        return [
            check.name
            for folder, checks in self._checks.items()
            for check in checks
            if (folder, check.name) not in self._claimed
        ]

    def summary_html(self) -> str:
        """Return the static summary of the page."""
        return render_summary(self._runs, self._all_checks(), self._paper_rows(), problems=self.problems)

    def write_json(self, path: Path) -> None:
        """Write the report for machines."""
        write_acceptance_json(path, self._all_checks(), self._paper_rows(), provenance_of(self._runs))

    def close(self) -> None:
        """Close the records."""
        for run in self._runs:
            run.close()

    def _all_checks(self) -> list[Check]:
        return [check for checks in self._checks.values() for check in checks]

    def _paper_rows(self) -> list[PaperRow]:
        return [row for run in self._runs for row in compare_with_paper(run)]
