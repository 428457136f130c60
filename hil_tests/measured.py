"""The answer of a measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hil_tests.limits import Limit
from hil_tests.run_data import RunData

if TYPE_CHECKING:
    from hil_tests.statistics import Estimate

NO_RECORDS = "no record was taken"


@dataclass(frozen=True, slots=True)
class Measured:
    """An estimate, or None with the reason in `note`."""

    estimate: Estimate | None
    note: str = ""
    is_final: bool = False
    """Whether the value stands even if the run did not finish."""


Measure: TypeAlias = Callable[[RunData, Limit], Measured]
