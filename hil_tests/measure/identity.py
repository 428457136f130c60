"""Measure whether the appliances are who the inventory says, and how far their clocks are off.

Known before the first record, so these stand even when the run did not finish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil_tests.measure.estimates import exactly
from hil_tests.measure.measured import Measured

if TYPE_CHECKING:
    from hil_tests.limits import Limit
    from hil_tests.run_data import RunData


def end_as_expected(data: RunData, limit: Limit) -> Measured:
    """Give 1 if the appliance where `limit.end` should be says it is that end, else 0."""
    for gear, appliance in data.facts.appliances.items():
        if appliance.expected_end == limit.end:
            if appliance.end is None:
                return Measured(None, f"{gear} did not say which end it is", is_final=True)
            agrees = appliance.end == limit.end
            note = f"{gear}: says {appliance.end!r}, inventory says {limit.end!r}"
            return Measured(exactly(float(agrees), 1), note, is_final=True)
    return Measured(None, f"the run knows no appliance that should be {limit.end!r}", is_final=True)


def worst_clock_offset(data: RunData, limit: Limit) -> Measured:
    """Give the largest clock offset of any appliance in s, with its sign."""
    del limit
    appliances = data.facts.appliances
    offsets_s = {gear: it.clock_offset_s for gear, it in appliances.items() if it.clock_offset_s is not None}
    if not offsets_s or len(offsets_s) < len(appliances):
        return Measured(None, "not every appliance's clock was read", is_final=True)
    gear, offset_s = max(offsets_s.items(), key=lambda item: abs(item[1]))
    return Measured(exactly(offset_s, len(offsets_s)), f"largest at {gear}", is_final=True)
