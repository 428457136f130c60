"""How long the driver takes to read one new telemetry record, beside a bare GET of the same URL."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import statistics
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import requests

from drivers.cerberis_xgr.web_api import open_cerberis_xgr
from drivers.clock import WallClock
from drivers.facts.connections import SecretReference, WebApiConnection
from drivers.facts.defects import CerberisXgrDefects
from drivers.wires.byte_log import ByteLog
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
from emulators.wires.https_server import serve_https
from emulators.wires.pki import CertificateFiles, make_pki

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from emulators.cow4.sample import LossSegment

_USER, _PASSWORD = "bench", "bench-password"
_ROUNDS = 400
_WARM_UP = 50


class _SteadySource:
    def sample(self, index: int, start_s: float, segments: Sequence[LossSegment]) -> LinkSample:
        _ = index, start_s, segments
        return LinkSample(skr_bps=2391.7, qber=0.0191, visibility=0.9853, detection_count=31234.0)


class _NoLedger:
    def advance(self, end_s: float, sample: LinkSample) -> None:
        _ = end_s, sample

    def restart(self, now_s: float) -> None:
        _ = now_s

    def key_rate_bps(self) -> float:
        return 2390.0


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _serve(control: Connection, files: CertificateFiles) -> None:
    clock = LabClock("virtual", 1_704_067_200.0)
    pair = QkdPair(_SteadySource(), Link(clock.now_s, 1550.0), _NoLedger(), clock, record_period_s=1.0)
    appliance = EmulatedAppliance("bob", "bob", pair, clock, CerberisXgrDefects(), Stream(7, "bob"))
    account = Account(_USER, _PASSWORD, clock.now_s)
    app = management_app(appliance, account, FaultSchedule(clock.now_s, Journal(clock.now_s)), clock)
    server = await serve_https(app, files.certificate, files.key)
    control.send((server.port, account.log_in(_USER, _PASSWORD)))
    asked = asyncio.Event()
    asyncio.get_running_loop().add_reader(control.fileno(), asked.set)
    while True:
        await asked.wait()
        asked.clear()
        if control.recv() == "end":
            break
        await clock.wait_until(clock.now_s() + 1.0)
        control.send(pair.newest)
    await server.close()


def _server_process(control: Connection, files: CertificateFiles) -> None:
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(control, files))


def _measure(folder: Path, control: Connection, ca_file: Path) -> tuple[list[float], list[float]]:
    port, token = control.recv()
    url = f"https://127.0.0.1:{port}"
    (folder / "password").write_text(_PASSWORD)
    connection = WebApiConnection(
        url=url, ca_file=ca_file, user=_USER, password=SecretReference(file=folder / "password")
    )
    log = ByteLog(folder / "wire.log")
    driver = open_cerberis_xgr("bob", connection, WallClock(), log)
    driver.skip_telemetry()
    bare = requests.Session()
    headers = {"Authorization": f"Bearer {token}"}
    driver_s: list[float] = []
    bare_s: list[float] = []
    for _ in range(_ROUNDS + _WARM_UP):
        control.send("next record")
        newest: int = control.recv()
        started_s = perf_counter()
        batch = driver.read_telemetry()
        driver_s.append(perf_counter() - started_s)
        if [record.sequence for record in batch.records] != [newest]:
            raise RuntimeError(f"expected record {newest}, got {batch.records}")
        started_s = perf_counter()
        answer = bare.get(
            f"{url}/api/v1/telemetry?after={newest - 1}&limit=1000",
            headers=headers,
            verify=str(ca_file),
            timeout=10,
        )
        bare_s.append(perf_counter() - started_s)
        answer.raise_for_status()
    bare.close()
    driver.close()
    log.close()
    return driver_s[_WARM_UP:], bare_s[_WARM_UP:]


def bench_telemetry_read() -> dict[str, str | float]:
    """Time `read_telemetry()` of one new record (s, median), interleaved with a bare GET."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        pki = make_pki(Path(name), ["bob"])
        ours, theirs = processes.Pipe()
        server = processes.Process(target=_server_process, args=(theirs, pki.servers["bob"]))
        server.start()
        try:
            gc.collect()
            driver_s, bare_s = _measure(Path(name), ours, pki.ca_file)
        finally:
            ours.send("end")
            server.join()
    value, baseline = statistics.median(driver_s), statistics.median(bare_s)
    return {
        "name": "telemetry_read",
        "value": value,
        "unit": "s",
        "baseline": "bare requests GET of the same URL",
        "baseline_value": baseline,
        "ratio": value / baseline,
    }


if __name__ == "__main__":
    print(bench_telemetry_read())  # noqa: T201 - this is a program too
