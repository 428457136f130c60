"""The bench for HIL tests: runs made once a session, verdicts collected, the report written at the end."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drivers.errors import BenchError, RecordError
from hil_tests.acceptance import Acceptance
from hil_tests.limits import load_limits
from hil_tests.procedures import PROCEDURE_TITLES, procedures_of
from hil_tests.report.summary import PAGE_CSS
from sweeps.choice import Choice, choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.progress import progress_for
from sweeps.record.run_record import RunRecord
from sweeps.running.obtain import bring_about, find_wanted
from sweeps.running.permission import Allowed, not_allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.record.facts import ProcedureName

REPORTS = Path("reports")
CHOICE = pytest.StashKey[Choice]()
ACCEPTANCE = pytest.StashKey[Acceptance]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check inventory and limits before anything runs, and send the reports where people look for them."""
    option = config.option
    if option.target == "lab" and getattr(option, "reruns", None):
        raise pytest.UsageError("no reruns on the lab: a second try hides what the first one found")
    try:
        choice = choose(option.inventory, option.station, option.plan, option.target, option.seed)
        acceptance = Acceptance(load_limits(choice.limits_path), choice.plan)
    except BenchError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[CHOICE] = choice
    config.stash[ACCEPTANCE] = acceptance
    # A run takes as long as its plan says: ten days, if need be. The limit is for tests of the software.
    if option.timeout is None:
        option.timeout = 0
    if option.collectonly:
        return
    REPORTS.mkdir(exist_ok=True)
    option.htmlpath = option.htmlpath or str(REPORTS / "acceptance.html")
    option.self_contained_html = True
    option.css = [*option.css, str(PAGE_CSS)]
    option.xmlpath = option.xmlpath or str(REPORTS / "junit.xml")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
    """Make no test of a procedure that the plan does not have."""
    planned = procedures_of(collector.config.stash[CHOICE].plan)
    is_left_out = any(name == f"test_{it}" for it in PROCEDURE_TITLES if it not in planned)
    return [] if is_left_out else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each limit that the plan can be judged by, so that none can be forgotten."""
    for procedure in PROCEDURE_TITLES:
        if f"{procedure}_limit" in metafunc.fixturenames:
            names = metafunc.config.stash[ACCEPTANCE].limit_names(procedure)
            metafunc.parametrize(f"{procedure}_limit", names)


@pytest.fixture(scope="session")
def acceptance(pytestconfig: pytest.Config) -> Acceptance:
    """Everything judged in this session."""
    return pytestconfig.stash[ACCEPTANCE]


@pytest.fixture(scope="session")
def run_of(pytestconfig: pytest.Config, acceptance: Acceptance) -> Callable[[ProcedureName], RunRecord]:
    """Ask for the run of a named procedure by the session's plan: found, taken up, or made.

    BenchError if the bench cannot measure; skipped, and so incomplete, if it must not.
    """
    option = pytestconfig.option
    choice = pytestconfig.stash[CHOICE]
    allowed = Allowed(long=option.long, destructive=option.allow_destructive)
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")

    def ask(name: ProcedureName) -> RunRecord:
        procedure = PROCEDURES[name]
        wanted = find_wanted(choice, procedure, option.runs, is_fresh=option.fresh)
        refusal = None if wanted.how == "found" else not_allowed(choice, procedure, allowed)
        if refusal is not None:
            acceptance.refuse(name, refusal)
            pytest.skip(refusal)
        try:
            # People want to see the bar, not find it in a captured section afterwards.
            with capture.global_and_fixture_disabled():
                told = f"\n{name}: {wanted.how}, since {wanted.why}: {wanted.folder}"
                pytestconfig.get_terminal_writer().line(told)
                with progress_for(name, procedure.record_count(choice.plan, choice.station)) as progress:
                    bring_about(wanted, choice, procedure, progress)
        except BaseException:
            # What a run measured before it broke off belongs into the report too.
            with suppress(RecordError):
                acceptance.add_run(RunRecord.open(wanted.folder, is_read_only=True))
            raise
        # Only looked at from here on, and perhaps where nobody may write.
        run = RunRecord.open(wanted.folder, is_read_only=True)
        acceptance.add_run(run)
        return run

    return ask


@pytest.fixture(scope="session")
def calibration_run(run_of: Callable[[ProcedureName], RunRecord]) -> RunRecord:
    """Have the calibration sweep of the session's plan."""
    return run_of("calibration")


@pytest.fixture(scope="session")
def attenuation_run(run_of: Callable[[ProcedureName], RunRecord]) -> RunRecord:
    """Have the attenuation sweep of the session's plan."""
    return run_of("attenuation")


@pytest.fixture(scope="session")
def stability_run(run_of: Callable[[ProcedureName], RunRecord]) -> RunRecord:
    """Have the stability run of the session's plan."""
    return run_of("stability")


@pytest.fixture(scope="session")
def fibre_run(run_of: Callable[[ProcedureName], RunRecord]) -> RunRecord:
    """Have the traces of the fibre of the session's plan."""
    return run_of("fibre")


def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Take note of what the bench could not do: it must never look like a pass."""
    if call.when == "call" or call.excinfo is None:
        return
    problem = f"{type(call.excinfo.value).__name__}: {call.excinfo.value}"
    problems = node.config.stash[ACCEPTANCE].problems
    if problem not in problems:
        problems.append(problem)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report for machines."""
    if session.config.option.collectonly:
        return
    acceptance = session.config.stash[ACCEPTANCE]
    acceptance.write_json(REPORTS / "acceptance.json")
    # A run that was not allowed is skipped, and a session of nothing but skips must not look like a pass.
    if acceptance.refusals and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_html_report_title(report: object) -> None:
    """Name the page."""
    report.title = "Acceptance report"  # pyright: ignore[reportAttributeAccessIssue] - pytest-html gives no type


def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """Put the static summary at the head of the page."""
    prefix.append(session.config.stash[ACCEPTANCE].summary_html())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the records."""
    acceptance = config.stash.get(ACCEPTANCE, None)
    if acceptance is not None:
        acceptance.close()
