from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from drivers.errors import ConnectionLost, DeviceError, InventoryError, ProtocolError
from drivers.facts.connections import SecretReference
from drivers.facts.defects import CerberisXgrDefects
from drivers.facts.telemetry import RecordGap
from drivers.roles import QkdAppliance
from emulators.cerberis_xgr import pair as pair_module
from emulators.cerberis_xgr.tokens import TOKEN_LIFE_S
from tests.cerberis_xgr.raw_server import ManualClock, raw_server, response
from tests.cerberis_xgr.web_lab import PASSWORD, T0_S, USER, WebLab, web_lab

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator
    from pathlib import Path

    from drivers.facts.telemetry import TelemetryRecord
    from drivers.roles import TelemetryBatch

TELEMETRY = "/api/v1/telemetry"


@pytest.fixture
def lab(tmp_path: Path) -> Generator[WebLab]:
    with web_lab(tmp_path) as running:
        yield running


def numbers(batch: TelemetryBatch) -> list[int]:
    return [record.sequence for record in batch.records]


# --- who and how it is


def test_the_driver_fills_its_role(lab: WebLab) -> None:
    driver = lab.driver()
    assert isinstance(driver, QkdAppliance)
    driver.close()


def test_status(lab: WebLab) -> None:
    driver = lab.driver()
    status = driver.status()
    assert status.identity.vendor == "ID Quantique"
    assert status.identity.model == "Cerberis XGR"
    assert status.identity.serial == "EMULATED-BOB"
    assert (status.end, status.protocol, status.wavelength_nm) == ("bob", "COW-4", 1550.0)
    assert status.state == "Running"
    assert status.clock_offset_s == 0.0
    driver.close()


def test_the_clock_offset_is_taken_at_the_middle_of_the_round_trip(lab: WebLab) -> None:
    driver = lab.driver()
    lab.inject("delay", "/system/state", value=3.0)
    # The appliance reads its clock after all of the delay, the station assumes half of it.
    assert driver.status().clock_offset_s == pytest.approx(1.5)
    driver.close()


def test_stop_and_start(lab: WebLab) -> None:
    driver = lab.driver()
    driver.stop()
    assert driver.status().state == "PowerOff"
    lab.make_records(3)
    assert numbers(driver.read_telemetry()) == []
    driver.start()
    assert driver.status().state == "Running"
    lab.make_records(3)
    assert numbers(driver.read_telemetry()) == [1, 2, 3]
    driver.close()


def test_an_end_whose_peer_is_off_is_not_running(lab: WebLab) -> None:
    driver = lab.driver()
    lab.pair.stop("alice")
    assert driver.status().state == "ExecutingGeneralInitialization"
    driver.close()


# --- telemetry


def test_new_records_come_once_in_order_with_their_values(lab: WebLab) -> None:
    driver = lab.driver()
    driver.skip_telemetry()
    lab.make_records(3)
    batch = driver.read_telemetry()
    assert numbers(batch) == [1, 2, 3]
    assert not batch.gaps
    assert [record.window_start_s for record in batch.records] == [T0_S, T0_S + 10.0, T0_S + 20.0]
    first = batch.records[0]
    assert (first.skr_bps, first.key_rate_bps, first.qber) == (2400.0, 2400.0, 0.019)
    assert (first.visibility, first.detection_count, first.window_s) == (0.985, 31000.0, 1.0)
    assert "DataDetector_Temperature" in first.readings
    assert numbers(driver.read_telemetry()) == []
    lab.make_records(1)
    assert numbers(driver.read_telemetry()) == [4]
    driver.close()


def test_skip_leaves_out_what_was_made_before(lab: WebLab) -> None:
    driver = lab.driver()
    lab.make_records(5)
    driver.skip_telemetry()
    assert numbers(driver.read_telemetry()) == []
    lab.make_records(2)
    batch = driver.read_telemetry()
    assert numbers(batch) == [6, 7]
    assert not batch.gaps
    driver.close()


def test_without_skip_all_that_is_held_is_read(lab: WebLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_module, "BACKLOG_RECORDS", 3)
    lab.make_records(5)
    driver = lab.driver()
    batch = driver.read_telemetry()
    assert numbers(batch) == [3, 4, 5]
    assert not batch.gaps, "what was gone before the first contact is nobody's gap"
    driver.close()


def test_more_than_a_page_is_read_whole(lab: WebLab) -> None:
    driver = lab.driver()
    driver.skip_telemetry()
    lab.make_records(2500)
    batch = driver.read_telemetry()
    assert numbers(batch) == list(range(1, 2501))
    assert not batch.gaps
    driver.close()


def test_records_that_are_no_longer_held_are_a_gap(lab: WebLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_module, "BACKLOG_RECORDS", 4)
    driver = lab.driver()
    driver.skip_telemetry()
    lab.make_records(2)
    assert numbers(driver.read_telemetry()) == [1, 2]
    lab.make_records(10)
    batch = driver.read_telemetry()
    assert numbers(batch) == [9, 10, 11, 12]
    assert [(gap.first, gap.last) for gap in batch.gaps] == [(3, 8)]
    assert numbers(driver.read_telemetry()) == []
    driver.close()


def test_two_readers_get_the_same_records(lab: WebLab) -> None:
    one, other = lab.driver(), lab.driver()
    one.skip_telemetry()
    lab.make_records(3)
    assert one.read_telemetry().records == other.read_telemetry().records
    one.close()
    other.close()


def test_a_failure_between_two_pages_loses_nothing(lab: WebLab) -> None:
    driver = lab.driver()
    driver.skip_telemetry()
    lab.make_records(1500)
    lab.inject("status", TELEMETRY, first=2, value=503)
    with pytest.raises(DeviceError, match="503"):
        driver.read_telemetry()
    assert numbers(driver.read_telemetry()) == list(range(1, 1501))
    driver.close()


class ScriptedAppliance:
    """A server that gives the pages of a script, whatever is asked."""

    def __init__(self, *pages: tuple[list[int], int]) -> None:
        self._pages = list(pages)

    async def __call__(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"POST"):
            writer.write(response(b'{"access_token": "t0k"}'))
            return
        sequences, newest = self._pages.pop(0)
        records = [_record(sequence) for sequence in sequences]
        writer.write(response(json.dumps({"records": records, "newest": newest}).encode()))


def _record(sequence: int) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "window_start": 10.0 * sequence,
        "window": 1.0,
        "secret_key_rate": 2400.0,
        "key_rate": 2400.0,
        "qber": 0.019,
        "dcc_visibility": 0.985,
        "total_detection_count": 31000.0,
        "readings": {},
    }


def scripted_readings(lab: WebLab, *pages: tuple[list[int], int]) -> list[TelemetryBatch]:
    """Skip, then read until the script is at its end."""
    from drivers.cerberis_xgr.web_api import open_cerberis_xgr
    from drivers.wires.byte_log import NO_LOG

    script = ScriptedAppliance(*pages)
    with raw_server(lab.pki.servers["bob"], script) as server:
        driver = open_cerberis_xgr("bob", lab.connection(url=server.url), ManualClock(), NO_LOG)
        driver.skip_telemetry()
        batches: list[TelemetryBatch] = []
        try:
            while script._pages:
                batches.append(driver.read_telemetry())
        finally:
            driver.close()
    return batches


def test_duplicates_and_disorder_of_the_appliance_are_put_right(lab: WebLab) -> None:
    batches = scripted_readings(lab, ([], 4), ([6, 3, 5, 4, 5], 6), ([5, 6, 7], 7))
    assert [numbers(batch) for batch in batches] == [[5, 6], [7]]
    assert not any(batch.gaps for batch in batches)


def test_every_hole_in_the_numbering_is_a_gap(lab: WebLab) -> None:
    (batch,) = scripted_readings(lab, ([], 4), ([6, 9, 10], 10))
    assert numbers(batch) == [6, 9, 10]
    reason = batch.gaps[0].reason
    assert list(batch.gaps) == [RecordGap(5, 5, reason), RecordGap(7, 8, reason)]


def test_an_appliance_that_counts_anew_is_read_from_its_first_record_on(lab: WebLab) -> None:
    first, second = scripted_readings(lab, ([1], 40), ([], 2), ([1, 2], 2), ([3], 3))
    assert numbers(first) == [1, 2]
    (gap,) = first.gaps
    assert (gap.first, gap.last) == (41, 41)
    assert "counts anew" in gap.reason
    assert numbers(second) == [3]
    assert second.gaps == []


def taken_up_after(lab: WebLab, newest: TelemetryRecord) -> tuple[TelemetryBatch, TelemetryBatch]:
    """Take a telemetry up in a new session where an earlier one ended; return the first two readings."""
    driver = lab.driver()
    driver.continue_telemetry(newest)
    first = driver.read_telemetry()
    lab.make_records(1)
    second = driver.read_telemetry()
    driver.close()
    return first, second


def newest_of_a_session(lab: WebLab, count: int) -> TelemetryRecord:
    driver = lab.driver()
    lab.make_records(count)
    newest = driver.read_telemetry().records[-1]
    driver.close()
    return newest


def test_a_new_session_goes_on_after_the_newest_record_of_the_one_before(lab: WebLab) -> None:
    newest = newest_of_a_session(lab, 3)
    lab.make_records(2)
    first, second = taken_up_after(lab, newest)
    assert numbers(first) == [newest.sequence + 1, newest.sequence + 2]
    assert numbers(second) == [newest.sequence + 3]
    assert first.gaps == second.gaps == []


def test_a_new_session_that_finds_nothing_new_takes_nothing_twice(lab: WebLab) -> None:
    newest = newest_of_a_session(lab, 3)
    first, second = taken_up_after(lab, newest)
    assert numbers(first) == []
    assert numbers(second) == [newest.sequence + 1]


def test_what_is_no_longer_held_when_a_session_is_taken_up_is_a_gap(
    lab: WebLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_module, "BACKLOG_RECORDS", 4)
    newest = newest_of_a_session(lab, 3)
    lab.make_records(10)
    first, _ = taken_up_after(lab, newest)
    assert numbers(first)[-1] == newest.sequence + 10
    (gap,) = first.gaps
    assert (gap.first, gap.last) == (newest.sequence + 1, numbers(first)[0] - 1)


@pytest.mark.parametrize("count", [2, 3, 5], ids=["fewer", "as-many", "more"])
def test_an_appliance_that_has_counted_anew_between_sessions_is_read_from_its_first_record_on(
    lab: WebLab, tmp_path: Path, count: int
) -> None:
    newest = newest_of_a_session(lab, 3)
    assert newest.sequence == 3
    with web_lab(tmp_path / "restarted") as restarted:
        # Its clock begins where that of the other began; a second later nothing of it is the same record.
        restarted.driver_clock.sleep(1.0)
        other = replace(newest, window_start_s=newest.window_start_s - 1000.0)
        restarted.make_records(count)
        first, second = taken_up_after(restarted, other)
        made = restarted.pair.newest
    assert numbers(first) + numbers(second) == list(range(1, made + 1))
    (gap,) = first.gaps
    assert (gap.first, gap.last) == (4, 4)
    assert "counts anew" in gap.reason
    assert second.gaps == []


def test_a_wire_that_is_down_when_a_session_is_taken_up_costs_no_record(lab: WebLab) -> None:
    newest = newest_of_a_session(lab, 3)
    lab.make_records(2)
    driver = lab.driver()
    lab.inject("status", "telemetry", value=500)
    with pytest.raises(DeviceError, match="500"):
        driver.continue_telemetry(newest)
    assert numbers(driver.read_telemetry()) == [newest.sequence + 1, newest.sequence + 2]
    driver.close()


def test_a_newest_record_that_is_never_given_is_a_protocol_error(lab: WebLab) -> None:
    with pytest.raises(ProtocolError, match="newest: 9, but no record after 6 is given"):
        scripted_readings(lab, ([1], 4), ([5, 6], 9), ([], 9))


# --- logging in


def test_a_wrong_password_is_the_devices_refusal(lab: WebLab, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    with pytest.raises(DeviceError, match="login refused") as raised:
        lab.driver(password=SecretReference(file=wrong))
    assert raised.value.code == 401
    with pytest.raises(DeviceError, match="401"):
        lab.driver(user="somebody")


def test_a_password_that_is_not_there_is_the_inventorys_mistake(lab: WebLab, tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="password: environment variable QKD_NO_SUCH is not set"):
        lab.driver(password=SecretReference(env="QKD_NO_SUCH"))
    with pytest.raises(InventoryError, match="absent"):
        lab.driver(password=SecretReference(file=tmp_path / "absent"))


def test_the_password_may_come_from_the_environment(lab: WebLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QKD_TEST_PASSWORD", PASSWORD)
    lab.driver(password=SecretReference(env="QKD_TEST_PASSWORD")).close()


def test_a_forgotten_token_is_fetched_anew(lab: WebLab) -> None:
    driver = lab.driver()
    lab.account.forget_tokens()
    driver.stop()
    assert not lab.pair.is_making_key
    driver.close()


def test_a_token_lasts_an_hour_of_lab_time(lab: WebLab) -> None:
    driver = lab.driver()
    lab.driver_clock.sleep(TOKEN_LIFE_S)
    lab.inject("status", "POST /api/v1/login", value=403)
    with pytest.raises(DeviceError, match="403"):
        driver.status()
    assert driver.status().state == "Running"
    driver.close()


def test_a_server_that_never_accepts_its_own_token_is_asked_twice_and_no_more(lab: WebLab) -> None:
    driver = lab.driver()
    lab.inject("status", "/system/identity", count=None, value=401)
    with pytest.raises(DeviceError) as raised:
        driver.status()
    assert raised.value.code == 401
    struck = [entry for entry in lab.faults.journal.entries if entry.kind == "fault struck"]
    assert len(struck) == 2
    driver.close()


def test_a_server_that_was_restarted_is_found_again(lab: WebLab) -> None:
    driver = lab.driver()
    driver.skip_telemetry()
    lab.make_records(2)
    lab.restart_server()
    assert numbers(driver.read_telemetry()) == [1, 2]
    driver.close()


def test_an_appliance_that_is_gone_is_a_lost_connection(lab: WebLab) -> None:
    driver = lab.driver()
    lab.thread.run(lab.server.close())
    with pytest.raises(ConnectionLost):
        driver.read_telemetry()
    driver.close()


# --- the server as others see it


@pytest.fixture
def caller(lab: WebLab) -> Generator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(lab.pki.ca_file)
        yield session


def url(lab: WebLab, path: str) -> str:
    return f"https://localhost:{lab.server.port}{path}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/system/identity"),
        ("GET", "/api/v1/system/state"),
        ("POST", "/api/v1/system/start"),
        ("POST", "/api/v1/system/stop"),
        ("GET", TELEMETRY),
    ],
)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer nonsense", "Basic YTpi", "bearer x"])
def test_nothing_is_told_or_done_without_a_token(
    lab: WebLab, caller: requests.Session, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = caller.request(method, url(lab, path), headers=headers, timeout=5)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "log in" in answer.json()["detail"]
    assert lab.pair.is_making_key


def test_a_good_token_under_another_scheme_is_refused(lab: WebLab, caller: requests.Session) -> None:
    token = lab.account.log_in(USER, PASSWORD)
    for scheme, status in (("Basic", 401), ("Bearer", 200)):
        headers = {"Authorization": f"{scheme} {token}"}
        assert caller.get(url(lab, TELEMETRY), headers=headers, timeout=5).status_code == status


def test_errors_are_json_with_a_detail(lab: WebLab, caller: requests.Session) -> None:
    token = lab.account.log_in(USER, PASSWORD)
    headers = {"Authorization": f"Bearer {token}"}
    cases = {
        404: caller.get(url(lab, "/api/v1/nothing"), timeout=5),
        405: caller.delete(url(lab, TELEMETRY), headers=headers, timeout=5),
        422: caller.get(url(lab, f"{TELEMETRY}?after=-1"), headers=headers, timeout=5),
    }
    for status, answer in cases.items():
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "after=x", "after=99999999999999999999"])
def test_queries_out_of_range_are_refused(lab: WebLab, caller: requests.Session, query: str) -> None:
    headers = {"Authorization": f"Bearer {lab.account.log_in(USER, PASSWORD)}"}
    answer = caller.get(url(lab, f"{TELEMETRY}?{query}"), headers=headers, timeout=5)
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"{}", b'{"user": 1, "password": "tell-nobody"}', b'["tell-nobody"]']
)
def test_a_malformed_login_is_refused_without_repeating_it(
    lab: WebLab, caller: requests.Session, body: bytes
) -> None:
    answer = caller.post(
        url(lab, "/api/v1/login"), data=body, headers={"Content-Type": "application/json"}, timeout=5
    )
    assert answer.status_code == 422
    assert "tell-nobody" not in answer.text


def test_an_error_of_the_emulator_itself_is_a_json_500(
    lab: WebLab, caller: requests.Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("a bug")

    monkeypatch.setattr(lab.appliance, "state", fail)
    headers = {"Authorization": f"Bearer {lab.account.log_in(USER, PASSWORD)}"}
    answer = caller.get(url(lab, "/api/v1/system/state"), headers=headers, timeout=5)
    assert answer.status_code == 500
    assert "RuntimeError" in answer.json()["detail"]
    lab.thread.run(lab.server.close())  # which waits until the request's task has ended
    assert "a bug" in caplog.text


def test_the_openapi_document_tells_paths_fields_and_the_token(lab: WebLab, caller: requests.Session) -> None:
    document = caller.get(url(lab, "/openapi.json"), timeout=5).json()
    telemetry = document["paths"][TELEMETRY]["get"]
    assert telemetry["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "TelemetryReply" in json.dumps(telemetry["responses"]["200"])
    assert "total_detection_count" in document["components"]["schemas"]["RecordReply"]["properties"]
    assert "security" not in document["paths"]["/api/v1/login"]["post"]


def test_telemetry_is_what_the_openapi_document_says(lab: WebLab) -> None:
    from emulators.cerberis_xgr.api_models import TelemetryReply

    lab.make_records(3)
    TelemetryReply.model_validate_json(lab.appliance.telemetry(0, 10), strict=True)


def test_defects_reach_the_driver(tmp_path: Path) -> None:
    defects = CerberisXgrDefects(rate_unit="kbps", error_unit="percent", late_s=10.0)
    with web_lab(tmp_path, defects=defects) as lab:
        driver = lab.driver()
        lab.make_records(1)
        assert driver.read_telemetry().records == []
        lab.make_records(1)
        (record,) = driver.read_telemetry().records
        assert record.sequence == 1
        assert record.skr_bps == pytest.approx(2.4)
        assert record.qber == pytest.approx(1.9)
        assert record.window_start_s == T0_S + 10.0
        driver.close()
