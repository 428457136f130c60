"""Driver of an ID Quantique Cerberis XGR by its management Web API; fills the role QkdAppliance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlencode

from drivers.cerberis_xgr.messages import NAMES, IdentityMessage, StateMessage, TelemetryPage
from drivers.cerberis_xgr.session import WebApiSession
from drivers.errors import ProtocolError
from drivers.facts.telemetry import RecordGap
from drivers.roles import ApplianceStatus, Identity, TelemetryBatch
from drivers.wires.https_wire import HttpsWire

if TYPE_CHECKING:
    from drivers.clock import Clock
    from drivers.facts.connections import SecretReference, WebApiConnection
    from drivers.facts.telemetry import TelemetryRecord
    from drivers.wires.byte_log import ByteLog

_PAGE_RECORDS = 1000
_GAP_REASON = "not among the records that the appliance holds"
_ANEW_REASON = "the appliance counts anew from 1; how many records it lost is not known"


@dataclass(frozen=True, slots=True)
class ApplianceState:
    """The system state in the maker's words, and the appliance's clock beside ours."""

    state: str
    clock_offset_s: float
    """Appliance clock less station clock in s, known to half of `round_trip_s`."""
    round_trip_s: float
    """From the question to the whole answer, in s."""


class CerberisXgr:
    """One appliance of a pair, logged in. Make it with `open_cerberis_xgr`."""

    def __init__(
        self, name: str, wire: HttpsWire, user: str, password: SecretReference, clock: Clock
    ) -> None:
        self._name = name
        self._clock = clock
        self._session = WebApiSession(name, wire, user, password)
        self._last_sequence: int | None = None
        self._has_counted_anew = False

    def log_in(self) -> None:
        """Log in with the user and password of the inventory."""
        self._session.log_in()

    def status(self) -> ApplianceStatus:
        """Ask for identity, end, protocol, wavelength (nm), state, and the clock's offset (s)."""
        who = self._session.get(NAMES["identity_path"], IdentityMessage)
        how = self.state()
        return ApplianceStatus(
            identity=Identity(who.vendor, who.model, who.serial, who.firmware),
            end=who.end,
            protocol=who.protocol,
            wavelength_nm=who.wavelength_nm,
            state=how.state,
            clock_offset_s=how.clock_offset_s,
        )

    def state(self) -> ApplianceState:
        """Ask for the state and the clock's offset (s)."""
        asked_s = self._clock.now_s()
        how = self._session.get(NAMES["state_path"], StateMessage)
        round_trip_s = self._clock.now_s() - asked_s
        # The appliance read its clock about half a round trip ago.
        return ApplianceState(how.state, how.time_s - (asked_s + round_trip_s / 2), round_trip_s)

    def start(self) -> None:
        """Start key making; returns when the appliance has accepted."""
        self._session.post(NAMES["start_path"])

    def stop(self) -> None:
        """Stop key making; returns when the appliance has accepted."""
        self._session.post(NAMES["stop_path"])

    def skip_telemetry(self) -> None:
        """Take all records made so far as read."""
        self._last_sequence = self._page(0, 1).newest

    def continue_telemetry(self, newest: TelemetryRecord) -> None:
        """Take all records up to `newest`, read in an earlier session, as read.

        An appliance whose record of that number is another one has counted anew since: its records are read
        from the first on, with a gap that says so.
        """
        self._last_sequence = newest.sequence
        held = self._page(newest.sequence - 1, 1).records
        if held and held[0].sequence == newest.sequence and held[0].window_start_s != newest.window_start_s:
            self._has_counted_anew = True

    def read_telemetry(self) -> TelemetryBatch:
        """Read the records made since the last reading, oldest first.

        Numbers that are missing come back as gaps, but not those before the first record ever read. An
        appliance that counts anew (after a restart) is read from its first record on, with a gap that says
        so. ProtocolError for records that make no sense; nothing counts as read then.
        """
        records: list[TelemetryRecord] = []
        gaps: list[RecordGap] = []
        last = self._last_sequence
        if self._has_counted_anew and last is not None:
            gaps.append(RecordGap(last + 1, last + 1, _ANEW_REASON))
            last = 0
        while True:
            page = self._page(last or 0, _PAGE_RECORDS)
            found = len(records)
            for message in sorted(page.records, key=lambda record: record.sequence):
                if last is not None and message.sequence <= last:
                    continue
                if last is not None and message.sequence > last + 1:
                    gaps.append(RecordGap(last + 1, message.sequence - 1, _GAP_REASON))
                records.append(message.to_record())
                last = message.sequence
            if page.newest == (last or 0):
                break
            if last is not None and page.newest < last:
                gaps.append(RecordGap(last + 1, last + 1, _ANEW_REASON))
                last = 0
                continue
            if len(records) == found:
                self._refuse_endless(page.newest, last or 0)
        self._last_sequence = last
        self._has_counted_anew = False
        return TelemetryBatch(records, gaps)

    def close(self) -> None:
        """Close the connection; the appliance goes on."""
        self._session.close()

    def _page(self, after: int, limit: int) -> TelemetryPage:
        query = urlencode({NAMES["telemetry_after"]: after, NAMES["telemetry_limit"]: limit})
        return self._session.get(f"{NAMES['telemetry_path']}?{query}", TelemetryPage)

    def _refuse_endless(self, newest: int, last: int) -> NoReturn:
        problem = f"{NAMES['telemetry_newest']}: {newest}, but no record after {last} is given"
        raise ProtocolError(self._name, f"GET {NAMES['telemetry_path']}", problem)


def open_cerberis_xgr(name: str, connection: WebApiConnection, clock: Clock, log: ByteLog) -> CerberisXgr:
    """Connect to an appliance and log in; BenchError, with nothing left open, if it cannot be done."""
    wire = HttpsWire(name, connection.url, connection.ca_file, clock, connection.deadline_s, log)
    appliance = CerberisXgr(name, wire, connection.user, connection.password, clock)
    try:
        appliance.log_in()
    except BaseException:
        appliance.close()
        raise
    return appliance
