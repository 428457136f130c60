"""How a command ends that cannot do what it was asked for: words for people, a number for programs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from drivers.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Generator

BENCH_FAILED = 2
INTERRUPTED = 130


@contextmanager
def told_in_words(interrupted: str = "interrupted") -> Generator[None]:
    """End with words and an exit code where the block ends with an error of the bench or an interruption."""
    try:
        yield
    except BenchError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(BENCH_FAILED) from None
    except KeyboardInterrupt:
        typer.echo(interrupted, err=True)
        raise typer.Exit(INTERRUPTED) from None
