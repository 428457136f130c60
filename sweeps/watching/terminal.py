"""The run in a terminal: a picture each second, or plain lines where there is no terminal."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from drivers.clock import WallClock, utc_now_s
from sweeps.record.state import RunState
from sweeps.record.words import plain, utc
from sweeps.watching.run_view import QUANTITIES
from sweeps.watching.sparkline import ASCII_BLOCKS, BLOCKS, sparkline

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sweeps.watching.run_view import GapLine, RunView
    from sweeps.watching.watcher import RunWatcher

_EVERY_S = 1.0
_LINE_EVERY = 10
"""Looks between two plain lines."""
_LOOKS_AFTER_GONE = 30
"""Looks at a run whose runner is gone: its guard has something to say, or somebody takes it up again."""
_SPARK_WIDTH = 28
_BAR_WIDTH = 32
_JOURNAL_LINES = 6
_GAP_LINES = 4
_ALARM_LINES = 6
_STYLES = {
    RunState.RUNNING: "bold blue",
    RunState.ELSEWHERE: "bold blue",
    RunState.FINISHED: "bold green",
    RunState.WAITING: "bold",
}
_BAD = "bold red"


def show_once(view: RunView, console: Console) -> None:
    """Print the picture and be done."""
    console.print(picture(view, console, utc_now_s()))


def follow(watcher: RunWatcher, console: Console) -> RunView:
    """Show the run until it is over and return the last view; Ctrl-C (KeyboardInterrupt) leaves it alone."""
    return _follow_live(watcher, console) if console.is_terminal else _follow_in_lines(watcher, console)


class _End:
    """Tells when to stop: at once after a run's last words, a while later when there were none."""

    def __init__(self) -> None:
        self._left = _LOOKS_AFTER_GONE

    def is_reached(self, view: RunView) -> bool:
        """Return whether this view is the last one."""
        self._left = self._left - 1 if view.state is RunState.GONE else _LOOKS_AFTER_GONE
        return view.state in {RunState.FINISHED, RunState.BROKEN_OFF} or self._left <= 0


def _follow_live(watcher: RunWatcher, console: Console) -> RunView:
    clock = WallClock()
    end = _End()
    with Live(console=console, auto_refresh=False) as live:
        while True:
            view = watcher.look()
            live.update(picture(view, console, utc_now_s()), refresh=True)
            if end.is_reached(view):
                return view
            clock.sleep(_EVERY_S)


def _follow_in_lines(watcher: RunWatcher, console: Console) -> RunView:
    clock = WallClock()
    end = _End()
    told: set[str] = set()
    looks = 0
    while True:
        view = watcher.look()
        for alarm in view.alarms:
            if alarm.is_now and alarm.text not in told:
                told.add(alarm.text)
                console.print(f"ALARM {plain(alarm.text)}", soft_wrap=True, markup=False)
        is_end = end.is_reached(view)
        if looks % _LINE_EVERY == 0 or is_end:
            console.print(line_of(view, utc_now_s()), soft_wrap=True, markup=False)
        if is_end:
            return view
        looks += 1
        clock.sleep(_EVERY_S)


def line_of(view: RunView, now_s: float) -> str:
    """Return the view in one line."""
    parts = [f"{utc(now_s)} UTC {view.facts.run}: {view.state}, {_count(view)}"]
    if view.pace is not None:
        parts.append(_ending(view, now_s))
    if view.newest is not None:
        values = zip(QUANTITIES, view.newest.values, strict=True)
        parts += [
            f"{quantity.axis} {_number(value, number)}" for number, (quantity, value) in enumerate(values)
        ]
    if view.problem:
        parts.append(f"the record cannot be read: {plain(view.problem)}")
    return ", ".join(parts)


def picture(view: RunView, console: Console, now_s: float) -> RenderableType:
    """Return the whole view for a terminal of 80 columns or more."""
    parts = [_head(view), _progress(view, console, now_s)]
    if view.facts.counted == "records":
        parts += [Text(), _quantities(view, console)]
    for table in (_points(view), _gaps(view)):
        if table is not None:
            parts += [Text(), table]
    parts += [Text(), *_alarms(view), Text(), _journal(view)]
    return Group(*parts)


def _head(view: RunView) -> RenderableType:
    facts = view.facts
    title = Text(f"{facts.procedure or 'run'} on {facts.station_title or facts.station}", style="bold")
    about = f"plan {facts.plan_name}, target {facts.target}, record {facts.run}"
    state = Text.assemble((str(view.state), _STYLES.get(view.state, _BAD)), f"  {plain(view.reason)}")
    if facts.clock == "virtual":
        about += "  VIRTUAL TIME"
    return Group(title, Text(about), state)


def _progress(view: RunView, console: Console, now_s: float) -> RenderableType:
    words = Text(f" {_count(view)}")
    bar = ProgressBar(
        view.planned or 1, min(view.taken + view.gaps.slots, view.planned or 0), width=_BAR_WIDTH
    )
    row = Table.grid()
    row.add_row(bar, words)
    if console.width < 80:
        return Group(bar, words, Text(_ending(view, now_s)))
    return Group(row, Text(_ending(view, now_s)))


def _count(view: RunView) -> str:
    planned = "" if view.planned is None else f" of {view.planned:,}"
    missing = f", {view.gaps.slots:,} missing" if view.gaps.slots else ""
    return f"{view.taken:,}{planned} {view.facts.counted}{missing}"


def _ending(view: RunView, now_s: float) -> str:
    if view.facts.finished_utc_s is not None:
        return f"finished {utc(view.facts.finished_utc_s)} UTC"
    if view.pace is None:
        return "" if view.state.is_over() else "time left is not known yet"
    left_s = max(round(view.pace.ends_utc_s - now_s), 0)
    counted = "slots" if view.facts.counted == "records" else view.facts.counted
    rate = f"{view.pace.slots_per_s:.3g} {counted}/s"
    return f"{rate}, done in {timedelta(seconds=left_s)} ({utc(view.pace.ends_utc_s)} UTC)"


def _quantities(view: RunView, console: Console) -> RenderableType:
    blocks = BLOCKS if console.encoding.lower().startswith("utf") else ASCII_BLOCKS
    where = view.levels[-1].label if view.levels else ""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("newest", justify="right", no_wrap=True)
    table.add_column(f"mean {where}".strip(), justify="right", no_wrap=True)
    table.add_column("over time", no_wrap=True)
    for number, quantity in enumerate(QUANTITIES):
        newest = "-" if view.newest is None else _number(view.newest.values[number], number)
        mean = _number(view.levels[-1].quantities[number].mean, number) if view.levels else "-"
        means = view.series.columns[number].mean
        table.add_row(quantity.axis, newest, mean, sparkline(means, _SPARK_WIDTH, blocks))
    return table


def _number(value: float, number: int) -> str:
    quantity = QUANTITIES[number]
    return f"{value * quantity.scale:,.{quantity.decimals}f}"


def _points(view: RunView) -> RenderableType | None:
    if not view.points:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("added (dB)", "read back", "state", "records", "SKR (bps)", "QBER (%)"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in view.points:
        means = [_number(summary.mean, number) for number, summary in enumerate(point.quantities)]
        readback = "-" if point.readback_db is None else f"{point.readback_db:.3f}"
        records = f"{point.records} of {point.planned}"
        table.add_row(
            f"{point.added_db:g}",
            readback,
            point.state,
            records,
            *(means[:2] or ["-", "-"]),
            style="bold" if point.state == "here" else "",
        )
    return table


def _gaps(view: RunView) -> RenderableType | None:
    if not view.gaps.newest:
        return None
    shown = view.gaps.newest[:_GAP_LINES]
    lines = [Text("gaps, newest first", style="dim"), *(_gap_line(gap) for gap in shown)]
    hidden = len(view.gaps.newest) - len(shown) + view.gaps.not_shown
    if hidden:
        lines.append(Text(f"and {hidden:,} more"))
    return Group(*lines)


def _gap_line(gap: GapLine) -> Text:
    when = "" if gap.from_s is None else f"{utc(gap.from_s)} UTC, "
    return Text(f"{when}{gap.what}: {plain(gap.reason)}", no_wrap=True, overflow="ellipsis")


def _alarms(view: RunView) -> list[RenderableType]:
    lines = [
        Text(f"ALARM {plain(alarm.text)}", style=_BAD)
        if alarm.is_now
        else Text(f"earlier: {plain(alarm.text)}", style="yellow")
        for alarm in view.alarms[:_ALARM_LINES]
    ]
    if view.problem:
        lines.insert(0, Text(f"ALARM the record cannot be read: {plain(view.problem)}", style=_BAD))
    return [*(lines or [Text("no alarms", style="green")])]


def _journal(view: RunView) -> RenderableType:
    lines = [Text("journal, newest first", style="dim")]
    for line in view.journal[:_JOURNAL_LINES]:
        text = f"{utc(line.lab_time_s)} UTC {plain(line.kind)}: {plain(line.text)}"
        lines.append(Text(text, no_wrap=True, overflow="ellipsis"))
    return Group(*lines)
