"""The answer of a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from hil_tests.limits import Limit
    from hil_tests.measure.estimates import Estimate
    from hil_tests.run_data import RunData

    Measure: TypeAlias = Callable[[RunData, Limit], "Measured"]

NO_RECORDS = "no record was taken"


@dataclass(frozen=True, slots=True)
class Measured:
    """An estimate, or None with the reason in `note`: then the check is incomplete, never passed."""

    estimate: Estimate | None
    note: str = ""
    is_final: bool = False
    """Whether the value stands even if the run did not finish."""
