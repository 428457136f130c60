"""One end of an emulated Cerberis XGR pair: who it is, how it is, and what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.facts.names import load_names
from emulators.cerberis_xgr.pair import BACKLOG_RECORDS
from emulators.cerberis_xgr.readings import SteadyReadings
from emulators.cerberis_xgr.reporting import RecordReporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.facts.defects import CerberisXgrDefects
    from emulators.cerberis_xgr.pair import End, PairRecord, QkdPair
    from emulators.lab.clock import LabClock
    from emulators.lab.history import History
    from emulators.lab.streams import Stream

NAMES = load_names("cerberis_xgr_web_api")


class EmulatedAppliance:
    """The appliance `gear` at one `end` of `pair`. Visibility and dark-count defects act in the optics."""

    vendor = "ID Quantique"
    model = "Cerberis XGR"
    firmware = "emulated-1"
    protocol = "COW-4"

    def __init__(
        self,
        gear: str,
        end: End,
        pair: QkdPair,
        clock: LabClock,
        defects: CerberisXgrDefects,
        readings: Stream,
    ) -> None:
        self.gear = gear
        self.end: End = end
        self.serial = f"EMULATED-{end.upper()}"
        self._pair = pair
        self._clock = clock
        self._late_s = defects.late_s
        self._reporter = RecordReporter(defects, SteadyReadings(end, readings))
        self._reported: dict[int, bytes] = {}
        self._note: Callable[[str, str], None] = lambda _to, _do: None

    @property
    def wavelength_nm(self) -> float:
        """Wavelength of the quantum channel."""
        return self._pair.link.wavelength_nm

    def time_s(self) -> float:
        """Return what the appliance's clock shows, in s since the Unix epoch."""
        return self._clock.now_s()

    def state(self) -> str:
        """Return the system state: an end that waits for its peer is still initialising (assumed)."""
        if not self._pair.is_started(self.end):
            return NAMES["state_power_off"]
        return NAMES["state_running"] if self._pair.is_making_key else NAMES["state_general_initialization"]

    def remember_in(self, history: History) -> None:
        """Keep in `history` from now on when this end is started and stopped."""
        self._note = history.note
        history.add_actor(self.gear, lambda act: self.start() if act == "start" else self.stop())

    def start(self) -> None:
        """Start this end."""
        self._note(self.gear, "start")
        self._pair.start(self.end)

    def stop(self) -> None:
        """Stop this end, and with it the pair's key making."""
        self._note(self.gear, "stop")
        self._pair.stop(self.end)

    def telemetry(self, after: int, limit: int) -> bytes:
        """Return as JSON at most `limit` records with numbers above `after`, and the newest number."""
        newest = self._newest_out()
        held = self._pair.records(after, limit)
        records = b",".join(self._report(record) for record in held if record.sequence <= newest)
        return b'{"%b":[%b],"%b":%d}' % (
            NAMES["telemetry_records"].encode(),
            records,
            NAMES["telemetry_newest"].encode(),
            newest,
        )

    def _newest_out(self) -> int:
        """Return the number of the newest record that has come out; a late appliance holds some back."""
        newest = self._pair.newest
        while newest and self._late_s:
            (record,) = self._pair.records(newest - 1, 1)
            if record.window_start_s + record.window_s + self._late_s <= self._clock.now_s():
                break
            newest -= 1
        return newest

    def _report(self, record: PairRecord) -> bytes:
        # Made when first asked for: an end that nobody polls costs nothing.
        report = self._reported.get(record.sequence)
        if report is None:
            report = self._reporter.report(record, self._pair.first_record or record)
            self._reported[record.sequence] = report
            self._reported.pop(record.sequence - BACKLOG_RECORDS, None)
        return report
