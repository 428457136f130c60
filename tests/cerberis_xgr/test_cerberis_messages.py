from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cerberis_xgr.messages import IdentityMessage, LoginMessage, TelemetryPage
from drivers.cerberis_xgr.session import parse_answer
from drivers.errors import ProtocolError
from drivers.wires.https_wire import HttpAnswer


def record(**changes: object) -> dict[str, Any]:
    return {
        "sequence": 1,
        "window_start": 1000.0,
        "window": 1.0,
        "secret_key_rate": 2400,
        "key_rate": 2390.5,
        "qber": 0.019,
        "dcc_visibility": 0.985,
        "total_detection_count": 31000.0,
        "readings": {"Laser_Temperature": -5.0},
    } | changes


def page(*records: dict[str, Any]) -> bytes:
    return json.dumps({"records": records, "newest": 1}).encode()


def parse(body: bytes, content_type: str = "application/json") -> TelemetryPage:
    return parse_answer("bob", "GET /telemetry", HttpAnswer(200, content_type, body), TelemetryPage)


def test_a_record_is_read() -> None:
    found = parse(page(record()), "application/json; charset=utf-8").records[0].to_record()
    assert (found.sequence, found.skr_bps, found.qber) == (1, 2400.0, 0.019)
    assert found.readings == {"Laser_Temperature": -5.0}


def test_implausible_values_are_left_to_the_verdict() -> None:
    found = parse(page(record(qber=1.9, secret_key_rate=2.4, dcc_visibility=98.5, key_rate=0))).records[0]
    assert (found.qber, found.skr_bps, found.visibility, found.key_rate_bps) == (1.9, 2.4, 98.5, 0.0)


def test_fields_that_we_do_not_know_are_the_makers_business() -> None:
    assert len(parse(page(record(fan_speed=3000))).records) == 1


@pytest.mark.parametrize("field", sorted(record()))
def test_a_missing_field_is_named(field: str) -> None:
    broken = record()
    del broken[field]
    with pytest.raises(ProtocolError, match=rf"records\.0\.{field}: Field required"):
        parse(page(broken))


@pytest.mark.parametrize("field", sorted(set(record()) - {"readings", "sequence"}))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.5, "0.019", None, True, [0.019], {}])
def test_a_value_that_is_no_proper_number_is_named(field: str, value: object) -> None:
    with pytest.raises(ProtocolError, match=rf"records\.0\.{field}: Input should be"):
        parse(page(record(**{field: value})))


@pytest.mark.parametrize("value", [0, -1, 1.5, "1", None, True, 2**63])
def test_a_record_number_is_a_positive_integer(value: object) -> None:
    with pytest.raises(ProtocolError, match=r"records\.0\.sequence: Input should be"):
        parse(page(record(sequence=value)))


@pytest.mark.parametrize("value", [math.nan, "warm", None])
def test_a_reading_is_a_number(value: object) -> None:
    with pytest.raises(ProtocolError, match=r"records\.0\.readings\.Laser_Temperature"):
        parse(page(record(readings={"Laser_Temperature": value})))


def test_many_mistakes_are_told_in_short() -> None:
    with pytest.raises(ProtocolError, match="and 5 more"):
        parse(page({"sequence": 1}))


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b"1e999"])
def test_what_is_no_json_object_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(body)


@pytest.mark.parametrize("content_type", ["text/html", "", "text/plain", "application/jsonp"])
def test_what_does_not_call_itself_json_is_a_protocol_error(content_type: str) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        parse(page(record()), content_type)


def test_the_excerpt_of_a_strange_answer_is_short_and_printable() -> None:
    with pytest.raises(ProtocolError) as raised:
        parse(b"<html>\x00\x1b[31m" + b"x" * 10_000, "text/html")
    assert "text/html" in str(raised.value)
    assert "<html>" in str(raised.value)
    assert len(str(raised.value)) < 300
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("token", ["", "two words", "line\r\nInjected: header", 'quo"te', 7, None])
def test_a_token_that_could_not_be_a_header_is_refused_and_not_shown(token: object) -> None:
    body = json.dumps({"access_token": token}).encode()
    with pytest.raises(ProtocolError, match="access_token") as raised:
        parse_answer(
            "bob", "POST /login", HttpAnswer(200, "application/json", body), LoginMessage, is_secret=True
        )
    assert not token or str(token) not in str(raised.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_result_or_a_protocol_error(body: bytes) -> None:
    for answer_type in (TelemetryPage, IdentityMessage, LoginMessage):
        with pytest.raises(ProtocolError):
            parse_answer("bob", "GET /", HttpAnswer(200, "application/json", body), answer_type)


@given(st.sampled_from(sorted(record())), _JSON)
def test_a_field_with_arbitrary_json_is_a_result_or_a_protocol_error(field: str, value: object) -> None:
    body = page(record(**{field: value}))
    try:
        found = parse(body).records[0].to_record()
    except ProtocolError as error:
        told = str(error)
    else:
        told = f"records.0.{field}"
        assert math.isfinite(found.qber)
        assert found.sequence >= 1
    assert f"records.0.{field}" in told
