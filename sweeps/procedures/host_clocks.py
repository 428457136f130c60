"""What happened to this host's clocks: a step of its time of day, or a sleep of the whole machine.

Neither moves a slot, since slots go by the appliance's clock and waits by one that only moves forward;
but the time stamps beside the records are read by people, who should know.
"""

from __future__ import annotations

from drivers.clock import boot_s, monotonic_s, utc_now_s

_WORTH_TELLING_S = 2.0


class HostClocks:
    """Compares the host's clocks with each other since the last look."""

    def __init__(self) -> None:
        self._steps_s = utc_now_s() - boot_s()
        self._sleep_s = boot_s() - monotonic_s()

    def what_happened(self) -> list[str]:
        """Return a sentence for each thing worth telling since the last look."""
        steps_s, sleep_s = utc_now_s() - boot_s(), boot_s() - monotonic_s()
        told: list[str] = []
        if sleep_s - self._sleep_s > _WORTH_TELLING_S:
            told.append(f"this host slept for {sleep_s - self._sleep_s:.0f} s")
            self._sleep_s = sleep_s
        if abs(steps_s - self._steps_s) > _WORTH_TELLING_S:
            told.append(f"this host's time of day was set by {steps_s - self._steps_s:+.0f} s")
            self._steps_s = steps_s
        return told
