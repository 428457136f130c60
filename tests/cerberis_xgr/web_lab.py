"""A little lab for these tests: the emulated appliance behind real TLS, its loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from drivers.cerberis_xgr.web_api import open_cerberis_xgr
from drivers.facts.connections import SecretReference, WebApiConnection
from drivers.facts.defects import CerberisXgrDefects
from drivers.facts.lab import Fault
from drivers.wires.byte_log import NO_LOG
from emulators.cerberis_xgr.appliance import EmulatedAppliance
from emulators.cerberis_xgr.management_server import management_app
from emulators.cerberis_xgr.pair import QkdPair
from emulators.cerberis_xgr.tokens import Account
from emulators.cow4.sample import LinkSample
from emulators.lab.clock import LabClock
from emulators.lab.faults import FaultSchedule
from emulators.lab.journal import Journal
from emulators.lab.streams import Stream
from emulators.plant.link import Link
from emulators.wires.https_server import HttpsServer, serve_https
from emulators.wires.pki import Pki, make_pki

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Sequence
    from pathlib import Path

    from drivers.cerberis_xgr.web_api import CerberisXgr
    from drivers.wires.byte_log import ByteLog
    from emulators.cerberis_xgr.pair import End
    from emulators.cow4.sample import LossSegment

Result = TypeVar("Result")

T0_S = 1_704_067_200.0
USER = "bench"
PASSWORD = "correct horse/battery"  # noqa: S105 - of this little lab only


class LoopThread:
    """An asyncio loop in a thread, for servers under test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work` in the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def close(self) -> None:
        """End loop and thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class DriverClock:
    """The driver's `Clock` on a virtual LabClock that lives in a LoopThread.

    Libraries get `wall_s`, long enough for a busy host; a test of silence makes it short.
    """

    kind = "virtual"

    def __init__(self, lab: LabClock, thread: LoopThread) -> None:
        self._lab = lab
        self._thread = thread
        self.wall_s = 10.0

    def now_s(self) -> float:
        return self._lab.now_s()

    def wait_until(self, t_s: float) -> None:
        self._thread.run(self._lab.wait_until(t_s))

    def sleep(self, duration_s: float) -> None:
        self.wait_until(self.now_s() + duration_s)

    def wall_timeout_s(self, deadline_s: float) -> float:
        return min(deadline_s, self.wall_s)


class CountingSource:
    """Window k has an SKR of 2400 + k bit/s, a QBER of 0.019 and all losses noted."""

    def __init__(self) -> None:
        self.windows: list[tuple[int, float, list[LossSegment]]] = []

    def sample(self, index: int, start_s: float, segments: Sequence[LossSegment]) -> LinkSample:
        self.windows.append((index, start_s, list(segments)))
        return LinkSample(skr_bps=2400.0 + index, qber=0.019, visibility=0.985, detection_count=31000.0)


class CountingLedger:
    """A ledger that only remembers what it was told; its rate is that of the last sample."""

    def __init__(self) -> None:
        self.ends_s: list[float] = []
        self.restarts_s: list[float] = []
        self._rate_bps = 0.0

    def advance(self, end_s: float, sample: LinkSample) -> None:
        self.ends_s.append(end_s)
        self._rate_bps = sample.skr_bps

    def restart(self, now_s: float) -> None:
        self.restarts_s.append(now_s)

    def key_rate_bps(self) -> float:
        return self._rate_bps


@dataclass
class WebLab:
    """A running management server and all that stands behind it."""

    thread: LoopThread
    clock: LabClock
    driver_clock: DriverClock
    faults: FaultSchedule
    source: CountingSource
    ledger: CountingLedger
    pair: QkdPair
    appliance: EmulatedAppliance
    account: Account
    pki: Pki
    server: HttpsServer
    password_file: Path

    def connection(self, **changes: object) -> WebApiConnection:
        """Return how to reach the server, with changes."""
        fields: dict[str, object] = {
            "url": f"https://127.0.0.1:{self.server.port}",
            "ca_file": self.pki.ca_file,
            "user": USER,
            "password": SecretReference(file=self.password_file),
        }
        return WebApiConnection.model_validate(fields | changes)

    def driver(self, log: ByteLog = NO_LOG, **changes: object) -> CerberisXgr:
        """Open a driver."""
        return open_cerberis_xgr("bob", self.connection(**changes), self.driver_clock, log)

    def make_records(self, count: int) -> None:
        """Let lab time pass until `count` more records are made (period 10 s)."""
        self.driver_clock.sleep(10.0 * count)

    def inject(self, action: str, match: str = "", **fields: object) -> None:
        """Plan a fault of the appliance's wire."""
        fault = Fault.model_validate({"gear": "bob", "action": action, "match": match} | fields)

        async def plan() -> None:
            self.faults.inject(fault)

        self.thread.run(plan())

    def restart_server(self) -> None:
        """Stop the server and start it anew at the same port, with all tokens forgotten."""
        port = self.server.port
        self.thread.run(self.server.close())
        self.account.forget_tokens()
        self.server = self.thread.run(self._serve(port))

    async def _serve(self, port: int) -> HttpsServer:
        files = self.pki.servers["bob"]
        app = management_app(self.appliance, self.account, self.faults, self.clock)
        return await serve_https(app, files.certificate, files.key, port=port)


@contextmanager
def web_lab(folder: Path, end: End = "bob", defects: CerberisXgrDefects | None = None) -> Generator[WebLab]:
    """Run an appliance of a pair with one record each 10 s on a virtual clock."""
    thread = LoopThread()
    clock = LabClock("virtual", T0_S)
    faults = FaultSchedule(clock.now_s, Journal(clock.now_s))
    source, ledger = CountingSource(), CountingLedger()
    pair = QkdPair(source, Link(clock.now_s, 1550.0), ledger, clock, record_period_s=10.0)
    appliance = EmulatedAppliance("bob", end, pair, clock, defects or CerberisXgrDefects(), Stream(7, "bob"))
    account = Account(USER, PASSWORD, clock.now_s)
    pki = make_pki(folder / "pki", ["bob"])
    password_file = folder / "password"
    password_file.write_text(PASSWORD)
    files = pki.servers["bob"]
    app = management_app(appliance, account, faults, clock)
    server = thread.run(serve_https(app, files.certificate, files.key))
    lab = WebLab(
        thread,
        clock,
        DriverClock(clock, thread),
        faults,
        source,
        ledger,
        pair,
        appliance,
        account,
        pki,
        server,
        password_file,
    )
    try:
        yield lab
    finally:
        thread.run(lab.server.close())
        thread.close()
