"""How a check is shown: panels on a terminal, plain lines elsewhere; each device as soon as it is checked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.contact.rows import Row

_WIDEST = 120
_LABEL_WIDTH = 12
_STYLES = {"problem": "bold red", "to do": "yellow"}


class Page(Protocol):
    """Where a check is shown."""

    def line(self, text: str) -> None:
        """Show a line of text."""
        ...

    def command(self, text: str) -> None:
        """Show a command so that it can be copied."""
        ...

    def device(self, title: str, rows: Sequence[Row], *, is_good: bool) -> None:
        """Show a device."""
        ...


class PlainPage:
    """Plain text: a title, then indented rows; no line is broken, so that it can be searched."""

    def line(self, text: str) -> None:
        """Print the line."""
        print(text, flush=True)  # noqa: T201 - what the program is for

    def command(self, text: str) -> None:
        """Print the command, indented."""
        self.line(f"  {text}")

    def device(self, title: str, rows: Sequence[Row], *, is_good: bool) -> None:  # noqa: ARG002 - a row says so
        """Print the title and its rows."""
        self.line("")
        self.line(title)
        for label, text in rows:
            self.line(f"  {label:{_LABEL_WIDTH}} {text}")


class TerminalPage:
    """Panels, at most 120 columns wide."""

    def __init__(self) -> None:
        # rich is slow to import and only a terminal needs it
        from rich.console import Console  # noqa: PLC0415

        self._console = Console(highlight=False)
        self._width = min(self._console.width, _WIDEST)

    def line(self, text: str) -> None:
        """Print the line, wrapped between words."""
        self._console.print(text, markup=False, width=self._width)

    def command(self, text: str) -> None:
        """Print the command on a line that only the terminal itself breaks."""
        self._console.print(f"  {text}", markup=False, soft_wrap=True)

    def device(self, title: str, rows: Sequence[Row], *, is_good: bool) -> None:
        """Print a panel of two columns."""
        from rich.panel import Panel  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid(padding=(0, 1))
        table.add_column(min_width=_LABEL_WIDTH, no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for label, text in rows:
            table.add_row(label, Text(text, style=_STYLES.get(label, "")))
        style = "green" if is_good else "red"
        panel = Panel(table, title=Text(title), title_align="left", border_style=style, width=self._width)
        self._console.print(panel)


def page_for_output() -> Page:
    """Return the page that suits where standard output goes."""
    return TerminalPage() if sys.stdout.isatty() else PlainPage()
