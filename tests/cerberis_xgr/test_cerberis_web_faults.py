from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.errors import (
    BenchError,
    ConnectionLost,
    DeviceError,
    ProtocolError,
    TransportTimeout,
)
from drivers.wires.byte_log import ByteLog
from drivers.wires.https_wire import HttpsWire
from tests.cerberis_xgr.raw_server import always, raw_server, response
from tests.cerberis_xgr.web_lab import PASSWORD, T0_S, USER, WebLab, web_lab

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator
    from pathlib import Path

    from tests.cerberis_xgr.raw_server import Handler

TELEMETRY = "/api/v1/telemetry"
IDENTITY = "/api/v1/system/identity"


def shorten_silence(lab: WebLab, action: str) -> None:
    """Let no test wait long for an answer that will not come."""
    if action == "silence":
        lab.driver_clock.wall_s = 0.3


@pytest.fixture
def lab(tmp_path: Path) -> Generator[WebLab]:
    with web_lab(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("action", "value", "error", "text"),
    [
        ("status", 503, DeviceError, "503: planned fault"),
        ("device_error", 418, DeviceError, "418: planned fault"),
        ("html", 0, ProtocolError, "text/html, not JSON: '<!DOCTYPE html>"),
        ("garbage", 0, ProtocolError, "not JSON"),
        ("missing_field", 0, ProtocolError, r"records\.0\.qber: Field required"),
        ("nan", 0, ProtocolError, r"records\.0\.qber: Input should be a finite number"),
        ("half_reply", 0, ConnectionLost, "closed in the middle of an answer"),
        ("silence", 0, TransportTimeout, "no complete answer within 10 s"),
        ("delay", 11, TransportTimeout, "no complete answer within 10 s"),
        ("slow_body", 11, TransportTimeout, "no complete answer within 10 s"),
    ],
)
def test_a_fault_is_told_by_its_own_error_and_costs_no_record(
    lab: WebLab, action: str, value: float, error: type[BenchError], text: str
) -> None:
    driver = lab.driver()
    driver.skip_telemetry()
    lab.make_records(2)
    lab.inject(action, f"GET {TELEMETRY}", value=value)
    shorten_silence(lab, action)
    with pytest.raises(error, match=text):
        driver.read_telemetry()
    lab.driver_clock.wall_s = 10.0
    batch = driver.read_telemetry()
    assert [record.sequence for record in batch.records][:2] == [1, 2]
    assert not batch.gaps
    driver.close()


@pytest.mark.parametrize("action", ["delay", "slow_body"])
def test_an_answer_within_the_deadline_is_an_answer_and_takes_its_lab_time(lab: WebLab, action: str) -> None:
    driver = lab.driver()
    lab.inject(action, IDENTITY, value=9.0)
    driver.status()
    assert lab.clock.now_s() == pytest.approx(T0_S + 9.0)
    driver.close()


@pytest.mark.parametrize("action", ["silence", "delay", "slow_body"])
def test_a_time_out_takes_at_least_its_deadline_of_lab_time(lab: WebLab, action: str) -> None:
    driver = lab.driver(deadline_s=7.0)
    lab.inject(action, IDENTITY, value=7.5)
    shorten_silence(lab, action)
    with pytest.raises(TransportTimeout):
        driver.status()
    assert lab.clock.now_s() == pytest.approx(T0_S + (7.0 if action == "silence" else 7.5))
    driver.close()


def test_a_dropped_post_is_a_lost_connection(lab: WebLab) -> None:
    driver = lab.driver()
    lab.inject("drop", "POST /api/v1/system/stop")
    with pytest.raises(ConnectionLost, match="closed without an answer"):
        driver.stop()
    assert lab.pair.is_making_key
    driver.stop()
    assert not lab.pair.is_making_key
    driver.close()


def test_a_dropped_get_is_repeated_once(lab: WebLab) -> None:
    driver = lab.driver()
    lab.inject("drop", IDENTITY)
    driver.status()
    lab.inject("drop", IDENTITY, count=2)
    with pytest.raises(ConnectionLost):
        driver.status()
    driver.status()
    driver.close()


@pytest.mark.parametrize("action", ["missing_field", "nan"])
def test_answers_without_records_are_spoilt_too(lab: WebLab, action: str) -> None:
    driver = lab.driver()
    lab.inject(action, IDENTITY)
    with pytest.raises(ProtocolError, match="vendor"):
        driver.status()
    driver.close()


def test_a_fault_in_a_window_of_lab_time_strikes_only_then(lab: WebLab) -> None:
    driver = lab.driver()
    lab.inject("status", TELEMETRY, count=None, start_s=T0_S + 20.0, end_s=T0_S + 40.0, value=500)
    seen: list[bool] = []
    for _ in range(6):
        try:
            driver.read_telemetry()
        except DeviceError:
            seen.append(False)
        else:
            seen.append(True)
        lab.make_records(1)
    assert seen == [True, True, False, False, True, True]
    driver.close()


@pytest.mark.parametrize("action", ["silence", "drop", "status", "html", "garbage", "missing_field", "nan"])
def test_opening_a_faulty_appliance_leaves_nothing_open(
    lab: WebLab, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    closed: list[HttpsWire] = []

    def note(wire: HttpsWire) -> None:
        closed.append(wire)

    monkeypatch.setattr(HttpsWire, "close", note)
    lab.inject(action, "/login", count=None)
    shorten_silence(lab, action)
    with pytest.raises(BenchError):
        lab.driver()
    assert len(closed) == 1


def after_login(reply: bytes) -> Handler:
    """Let anybody log in, and answer everything else with `reply`."""

    async def behave(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b'{"access_token": "t0k"}') if head.startswith(b"POST") else reply)

    return behave


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"detail": "key store full"}', "device error 502: key store full"),
        (b'{"detail": {"code": 7}}', 'device error 502: {"detail": {"code": 7}}'),
        (b"[1]", r"device error 502: \[1\]"),
        (b"<html> bad\n gateway", "device error 502: <html> bad gateway"),
        (b"[" * 100_000, r"device error 502: \[{120}\.\.\.$"),
        (b'{"detail": "half \\ud800 a character"}', r"device error 502: half \? a character"),
        (b"", "device error 502: "),
    ],
)
def test_a_refusal_tells_the_devices_own_text(lab: WebLab, body: bytes, text: str) -> None:
    reply = response(body, "502 Bad Gateway")
    with (
        raw_server(lab.pki.servers["bob"], after_login(reply)) as server,
        pytest.raises(DeviceError, match=text) as raised,
    ):
        lab.driver(url=server.url).status()
    assert raised.value.code == 502


# --- secrets


@pytest.mark.parametrize(
    "action",
    ["status", "html", "garbage", "missing_field", "nan", "half_reply", "drop", "silence", "slow_body"],
)
def test_no_fault_of_the_login_gives_a_secret_away(lab: WebLab, tmp_path: Path, action: str) -> None:
    log = ByteLog(tmp_path / "wire.log")
    lab.inject(action, "/login", value=11.0)
    shorten_silence(lab, action)
    with pytest.raises(BenchError) as raised:
        lab.driver(log)
    lab.driver_clock.wall_s = 10.0
    driver = lab.driver(log)
    driver.status()
    log.close()
    token = driver._session._headers["Authorization"].removeprefix("Bearer ")
    assert len(token) > 20
    told = (tmp_path / "wire.log").read_text()
    told += str(raised.value) + repr(raised.value) + repr(driver) + repr(driver._session)
    told += repr(lab.connection()) + str(lab.connection().model_dump())
    for secret in (PASSWORD, *lab.account._expiry_s):
        assert secret not in told
    assert "/api/v1/login" in told
    driver.close()


def test_a_server_that_repeats_the_password_does_not_spread_it(lab: WebLab, tmp_path: Path) -> None:
    log = ByteLog(tmp_path / "wire.log")
    echo = f'{{"detail": "user {USER} may not log in with {PASSWORD}"}}'.encode()
    with (
        raw_server(lab.pki.servers["bob"], always(response(echo, "403 Forbidden"))) as server,
        pytest.raises(DeviceError, match=r"device error 403: login refused$") as raised,
    ):
        lab.driver(log, url=server.url)
    log.close()
    assert PASSWORD not in str(raised.value) + (tmp_path / "wire.log").read_text()


def test_a_fault_for_another_wire_is_noted_and_does_nothing(lab: WebLab) -> None:
    driver = lab.driver()
    lab.inject("lost_bytes", f"GET {IDENTITY}", value=1)
    driver.status()
    assert lab.faults.journal.entries[-1].kind == "fault without effect"
