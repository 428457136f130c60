"""The bench for HIL tests: runs made once a session, verdicts collected, the report written at the end."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drivers.errors import BenchError, RecordError
from hil_tests.acceptance import Acceptance
from hil_tests.limits import load_limits
from hil_tests.report.summary import PAGE_CSS
from sweeps.choice import Choice, choose
from sweeps.procedures.registry import PROCEDURES
from sweeps.record.run_record import RunRecord
from sweeps.running.progress import progress_for
from sweeps.running.run import new_run_folder, run_procedure

if TYPE_CHECKING:
    from collections.abc import Callable

REPORTS = Path("reports")
CHOICE = pytest.StashKey[Choice]()
ACCEPTANCE = pytest.StashKey[Acceptance]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check inventory and limits before anything runs, and send the reports where people look for them."""
    option = config.option
    try:
        choice = choose(option.inventory, option.station, option.plan, option.target, option.seed)
        acceptance = Acceptance(load_limits(choice.limits_path))
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each limit that the plan can be judged by, so that none can be forgotten."""
    for procedure in PROCEDURES:
        if f"{procedure}_limit" in metafunc.fixturenames:
            stash = metafunc.config.stash
            names = stash[ACCEPTANCE].limit_names(procedure, stash[CHOICE].plan)
            metafunc.parametrize(f"{procedure}_limit", names)


@pytest.fixture(scope="session")
def acceptance(pytestconfig: pytest.Config) -> Acceptance:
    """Everything judged in this session."""
    return pytestconfig.stash[ACCEPTANCE]


@pytest.fixture(scope="session")
def make_run(pytestconfig: pytest.Config, acceptance: Acceptance) -> Callable[[str], RunRecord]:
    """Make a run of the named procedure by the session's plan; BenchError if the bench cannot measure."""
    choice = pytestconfig.stash[CHOICE]
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")

    def make(name: str) -> RunRecord:
        procedure = PROCEDURES[name]
        count = procedure.record_count(choice.plan)
        folder = new_run_folder(pytestconfig.option.runs, choice, name)
        try:
            # People want to see the bar, not find it in a captured section afterwards.
            with capture.global_and_fixture_disabled(), progress_for(name, count) as progress:
                run_procedure(choice, procedure, folder, progress)
        except BaseException:
            # What a run measured before it broke off belongs into the report too.
            with suppress(RecordError):
                acceptance.add_run(RunRecord.open(folder))
            raise
        run = RunRecord.open(folder)
        acceptance.add_run(run)
        return run

    return make


@pytest.fixture(scope="session")
def attenuation_run(make_run: Callable[[str], RunRecord]) -> RunRecord:
    """Make the attenuation sweep of the session's plan."""
    return make_run("attenuation")


@pytest.fixture(scope="session")
def stability_run(make_run: Callable[[str], RunRecord]) -> RunRecord:
    """Make the stability run of the session's plan."""
    return make_run("stability")


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
    if not session.config.option.collectonly:
        session.config.stash[ACCEPTANCE].write_json(REPORTS / "acceptance.json")


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
