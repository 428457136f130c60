"""Whether anything of a run that was broken off can still be measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.clock import utc_now_s
from sweeps.procedures.stability import SETTLE_S
from sweeps.record.facts import read_facts
from sweeps.record.run_record import RunRecord

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.record.facts import RunFacts

TIME_IS_OVER = "what is left of it can no longer be measured"


def is_time_over(folder: Path) -> bool:
    """Tell whether the time of every record that the run of `folder` still lacks has gone by.

    A sweep's points are visited again and a virtual clock stood still: then never. RecordError if the run
    cannot be read.
    """
    with RunRecord.open(folder, is_read_only=True) as run:
        facts = read_facts(run)
        if facts.is_virtual:
            return False
        of_the_run = [schedule for schedule in run.schedules() if schedule.point is None]
    if not of_the_run:
        return False
    ends_s = [schedule.start_s + schedule.end_slot * schedule.period_s for schedule in of_the_run]
    return utc_now_s() + _offset_s(facts) + SETTLE_S >= max(ends_s)


def _offset_s(facts: RunFacts) -> float:
    """Return the receiver's clock less this host's in s: a schedule goes by the former."""
    offsets_s = [each.clock_offset_s for each in facts.appliances.values() if each.expected_end == "bob"]
    return next((offset_s for offset_s in offsets_s if offset_s is not None), 0.0)
