"""Runs on a terminal: a list of them, and everything about one. Plain lines where it goes into a pipe."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweeps.record.measured_rows import acquisitions, otdr_events
from sweeps.record.state import RunState
from sweeps.record.words import UNKNOWN, commit, flat, plain, ranges, utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sweeps.record.catalogue import RunSummary
    from sweeps.record.run_record import RunRecord
    from sweeps.record.schema import Gap
    from sweeps.record.snapshot import Snapshot

_WIDE = 105
_PIPE_WIDTH = 10_000
_TO_THE_RIGHT = {
    *("records", "gaps", "seed", "slots", "visit", "step"),
    *("added dB", "set dB", "read back dB", "nm"),
}
_STYLES = {
    RunState.FINISHED: "green",
    RunState.RUNNING: "bold cyan",
    RunState.BROKEN_OFF: "yellow",
    RunState.GONE: "red",
    RunState.ELSEWHERE: "cyan",
    RunState.UNREADABLE: "red",
}
_TOLD_ABOVE = {
    *("procedure", "plan_name", "station", "target", "seed", "started_utc_s", "finished_utc_s", "ended"),
    *("follows", "runner", "plan_sha256"),
}


def console() -> Console:
    """Return standard output; a pipe gets each row in one line, however long."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = _PIPE_WIDTH
    return out


def print_list(summaries: Sequence[RunSummary], out: Console) -> None:
    """Print a row for each run; less of each where the terminal is narrow."""
    is_wide = out.width >= _WIDE
    titles = ["run", "state", "records", "gaps", "target"]
    table = _table([*titles, "seed", "station", "commit"] if is_wide else titles)
    for summary in summaries:
        cells = _list_cells(summary)
        table.add_row(*(cells if is_wide else cells[: len(titles)]))
    out.print(table)
    for summary in summaries:
        if summary.state is RunState.UNREADABLE:
            out.print(Text(f"{plain(summary.name)}: {plain(summary.reason)}", "red"))


def _list_cells(summary: RunSummary) -> list[Text]:
    return [
        Text(plain(summary.name), overflow="fold"),
        Text(summary.state, _STYLES[summary.state]),
        Text(_of_planned(summary)),
        Text(plain(summary.gaps), "yellow" if summary.gaps else ""),
        Text(plain(summary.target)),
        Text(plain(summary.seed)),
        Text(plain(summary.station)),
        Text(commit(summary.commits, summary.is_dirty)),
    ]


def print_run(summary: RunSummary, snapshot: Snapshot, out: Console) -> None:
    """Print everything about one run."""
    run = snapshot.run
    meta = run.meta()
    gaps = run.gaps()
    _print_head(summary, out)
    plan, provenance = meta.pop("plan", None), meta.pop("provenance", None)
    _print_facts("plan", {"name": summary.plan_name, "sha256": summary.plan_sha256, **_mapping(plan)}, out)
    facts = {key: value for key, value in meta.items() if key not in _TOLD_ABOVE}
    _print_facts("identities and settings", facts, out)
    _print_facts("provenance", _mapping(provenance), out)
    _print_sessions(snapshot, out)
    _print_visits(run, gaps, out)
    _print_acquisitions(run, out)
    _print_gaps(gaps, out)
    _print_journal(run, out)


def _print_head(summary: RunSummary, out: Console) -> None:
    out.print(Text(plain(summary.name), "bold"))
    state = plain(summary.state if summary.reason is None else f"{summary.state}: {summary.reason}")
    facts = {
        "state": Text(state, _STYLES[summary.state]),
        "procedure": Text(f"{plain(summary.procedure)}, plan {plain(summary.plan_name)}"),
        "station": Text(f"{plain(summary.station)}, target {plain(summary.target)}"),
        "seed": Text(plain(summary.seed)),
        "records": Text(f"{_of_planned(summary)}, gaps: {plain(summary.gaps)}"),
        "started": Text(f"{utc(summary.started_utc_s)} UTC"),
        "finished": Text(UNKNOWN if summary.finished_utc_s is None else f"{utc(summary.finished_utc_s)} UTC"),
        "follows": Text(plain(summary.follows)),
        "folder": Text(plain(summary.folder), overflow="fold"),
    }
    _print_pairs(facts, out)


def _print_facts(title: str, facts: dict[str, Any], out: Console) -> None:
    _print_title(title, out)
    _print_pairs({plain(path): Text(value, overflow="fold") for path, value in flat(facts) if path}, out)


def _print_sessions(snapshot: Snapshot, out: Console) -> None:
    _print_title("sessions", out)
    started = [utc(seconds) for (seconds,) in snapshot.rows("SELECT started_utc_s FROM session ORDER BY id")]
    table = _table(["started (UTC)", "host", "commit", "command"])
    for when, session in zip(started, snapshot.run.sessions(), strict=True):
        commits = [session["git_commit"]] if session.get("git_commit") else []
        command = Text(plain(session.get("command")), overflow="fold")
        table.add_row(
            when, Text(plain(session.get("host"))), commit(commits, session.get("git_dirty")), command
        )
    _print_rows(table, out)


def _print_visits(run: RunRecord, gaps: Sequence[Gap], out: Console) -> None:
    points = run.points()
    if not points:
        return
    _print_title("visits to points", out)
    table = _table(["visit", "step", "added dB", "set dB", "read back dB", "nm", "records", "gaps"])
    for point in points:
        missed = sum(gap.point == point.number and gap.slot is not None for gap in gaps)
        row = (
            *(point.number, point.step, f"{point.added_db:g}", f"{point.setting_db:g}"),
            *(
                f"{point.readback_db:g}",
                f"{point.wavelength_nm:g}",
                len(run.filled_slots(point.number)),
                missed,
            ),
        )
        table.add_row(*map(str, row))
    _print_rows(table, out)


def _print_acquisitions(run: RunRecord, out: Console) -> None:
    taken = acquisitions(run)
    if not taken:
        return
    _print_title("acquisitions of the fibre", out)
    table = _table(["step", "site", "gear", "nm", "pulse ns", "range km", "averaged s", "events", "file"])
    for trace in taken:
        settings = (trace.wavelength_nm, trace.pulse_ns, trace.range_km, trace.averaging_s)
        cells = [
            str(trace.step),
            plain(trace.site),
            plain(trace.gear),
            *(f"{setting:g}" for setting in settings),
            str(len(otdr_events(run, trace.step))),
            f"artefacts/{plain(trace.sor)}",
        ]
        table.add_row(*map(Text, cells))
    _print_rows(table, out)


def _print_gaps(gaps: Sequence[Gap], out: Console) -> None:
    _print_title("gaps", out)
    groups: defaultdict[tuple[str, int | None], list[Gap]] = defaultdict(list)
    for gap in gaps:
        groups[gap.reason, gap.point].append(gap)
    table = _table(["reason", "visit", "slots", "which", "sequence numbers lost"])
    for (reason, point), group in groups.items():
        slots = [gap.slot for gap in group if gap.slot is not None]
        table.add_row(Text(plain(reason)), plain(point), str(len(slots)), ranges(slots), _lost(group))
    _print_rows(table, out)


def _lost(gaps: Iterable[Gap]) -> str:
    lost = [f"{gap.first_sequence}-{gap.last_sequence}" for gap in gaps if gap.first_sequence is not None]
    return ", ".join(lost) or UNKNOWN


def _print_journal(run: RunRecord, out: Console) -> None:
    _print_title("journal (lab time, UTC)", out)
    table = _table(["at", "what", "words"])
    for event in run.events():
        table.add_row(
            utc(event.lab_time_s), Text(plain(event.kind)), Text(plain(event.text), overflow="fold")
        )
    _print_rows(table, out)


def _of_planned(summary: RunSummary) -> str:
    return f"{plain(summary.records_taken)}/{plain(summary.records_planned)}"


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON


def _table(titles: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, justify="right" if title in _TO_THE_RIGHT else "left")
    return table


def _print_title(title: str, out: Console) -> None:
    out.print()
    out.print(Text(title, "bold underline"))


def _print_pairs(pairs: dict[str, Text], out: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, value in pairs.items():
        table.add_row(Text(name, "dim"), value)
    _print_rows(table, out)


def _print_rows(table: Table, out: Console) -> None:
    out.print(table if table.row_count else Text("none", "dim"))
