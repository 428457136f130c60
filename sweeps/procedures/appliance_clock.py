"""The appliance's clock, which stamps the windows of records, as it stands beside the station's.

Two clocks drift apart: 50 ppm are 43 s in ten days. So they are compared again every so often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import GearError
from sweeps.record.schema import APPLIANCE_CLOCK

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.roles import QkdAppliance
    from sweeps.record.run_record import RunRecord

_COMPARE_EVERY_S = 3600.0
# Drift between two looks is a small part of this.
_WORTH_TELLING_S = 2.0


class ApplianceClock:
    """Time by the appliance's clock; `offset_s` is that clock less the station's, as it was seen just now."""

    def __init__(self, station: Clock, appliance: QkdAppliance, run: RunRecord, offset_s: float) -> None:
        self.station = station
        self.offset_s = offset_s
        self._appliance = appliance
        self._run = run
        self._compared_s = station.now_s()

    def now_s(self) -> float:
        """Return the appliance's time in s since the Unix epoch."""
        return self.station.now_s() + self.offset_s

    def wait_until(self, t_s: float) -> None:
        """Return when the appliance's clock has reached `t_s`."""
        self.station.wait_until(t_s - self.offset_s)

    def compare_if_due(self) -> None:
        """Look at the appliance's clock if the last look is an hour ago."""
        if self.station.now_s() - self._compared_s >= _COMPARE_EVERY_S:
            self.compare()

    def compare(self) -> None:
        """Look at the appliance's clock; nothing changes where it does not answer."""
        self._compared_s = self.station.now_s()
        try:
            offset_s = self._appliance.status().clock_offset_s
        except GearError:
            return
        change_s, self.offset_s = offset_s - self.offset_s, offset_s
        if abs(change_s) > _WORTH_TELLING_S:
            told = f"the appliance's clock was set by {change_s:+.0f} s; slots go by it"
            self._run.add_event(self.station.now_s(), APPLIANCE_CLOCK, told)
