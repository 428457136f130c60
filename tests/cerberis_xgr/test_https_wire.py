from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from drivers.clock import WallClock
from drivers.errors import ConnectionLost, InventoryError, ProtocolError, TransportTimeout
from drivers.wires import https_deadline
from drivers.wires.byte_log import NO_LOG, ByteLog
from drivers.wires.https_wire import HttpsWire
from emulators.wires.pki import Authority, CertificateFiles
from tests.cerberis_xgr.raw_server import ManualClock, RawServer, always, raw_server, response

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from drivers.clock import Clock
    from tests.cerberis_xgr.raw_server import Handler

OK = response(b'{"fine": true}')


class Certificates:
    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "ours")
        self.ca_file = self.authority.ca_file
        self.good = self.authority.issue("good")
        self.expired = self.authority.issue("expired", is_expired=True)
        self.elsewhere = self.authority.issue("elsewhere", hosts=["192.0.2.7", "elsewhere.example"])
        self.foreign_authority = Authority(folder / "foreign")
        self.foreign = self.foreign_authority.issue("foreign")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def server(certificates: Certificates) -> Generator[RawServer]:
    with raw_server(certificates.good, always(OK)) as running:
        yield running


def wire_to(
    server: RawServer,
    certificates: Certificates,
    clock: Clock | None = None,
    log: ByteLog = NO_LOG,
    max_body_bytes: int = 100_000,
) -> HttpsWire:
    return HttpsWire(
        "bob", server.url, certificates.ca_file, clock or ManualClock(), 10.0, log, max_body_bytes
    )


def test_an_answer_comes_back_whole_and_the_connection_is_kept(
    server: RawServer, certificates: Certificates
) -> None:
    wire = wire_to(server, certificates)
    for _ in range(3):
        answer = wire.request("GET", "/a?b=1", headers={"X-Mine": "yes"})
        assert (answer.status, answer.content_type, answer.body) == (
            200,
            "application/json",
            b'{"fine": true}',
        )
    assert server.connections == 1
    assert server.heads[0].startswith(b"GET /a?b=1 HTTP/1.1\r\n")
    assert b"X-Mine: yes\r\n" in server.heads[0]
    wire.close()


def test_the_socket_does_not_wait_to_fill_packets(
    server: RawServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_delay: list[int] = []

    def note(opened: ssl.SSLSocket, block: bool = False) -> None:
        no_delay.append(opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        ssl.SSLSocket.do_handshake(opened, block)

    monkeypatch.setattr(https_deadline._DeadlineSocket, "do_handshake", note)
    wire = wire_to(server, certificates)
    wire.request("GET", "/")
    assert no_delay == [1]
    wire.close()


@pytest.mark.parametrize("status", ["204 No Content", "404 Not Found", "503 Service Unavailable"])
def test_every_status_is_an_answer_and_is_asked_for_once(certificates: Certificates, status: str) -> None:
    with raw_server(certificates.good, always(response(b"", status))) as server:
        wire = wire_to(server, certificates)
        for _ in range(2):
            assert wire.request("GET", "/").status == int(status[:3])
        assert len(server.heads) == 2
        wire.close()


def test_a_redirect_is_not_followed(certificates: Certificates) -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with raw_server(certificates.good, always(reply)) as server:
        wire = wire_to(server, certificates)
        assert wire.request("GET", "/").status == 302
        assert len(server.heads) == 1
        wire.close()


def test_cookies_are_not_kept(certificates: Certificates) -> None:
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nContent-Length: 0\r\n\r\n"
    with raw_server(certificates.good, always(reply)) as server:
        wire = wire_to(server, certificates)
        wire.request("GET", "/")
        wire.request("GET", "/")
        assert b"ookie" not in server.heads[1]
        wire.close()


# --- trust


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        ("foreign", "unable to get local issuer certificate"),
        ("expired", "certificate has expired"),
        ("elsewhere", "IP address mismatch"),
    ],
)
def test_an_untrusted_certificate_is_refused_with_its_reason(
    certificates: Certificates, which: str, reason: str
) -> None:
    files: CertificateFiles = getattr(certificates, which)
    with raw_server(files, always(OK)) as server:
        wire = wire_to(server, certificates)
        with pytest.raises(ConnectionLost, match=f"certificate not trusted: .*{reason}"):
            wire.request("GET", "/")
        assert server.heads == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_neither_weakens_nor_breaks_trust(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificates.foreign_authority.ca_file))
    with raw_server(certificates.foreign, always(OK)) as foreign:
        wire = wire_to(foreign, certificates)
        with pytest.raises(ConnectionLost, match="certificate not trusted"):
            wire.request("GET", "/")
    with raw_server(certificates.good, always(OK)) as good:
        wire = wire_to(good, certificates)
        assert wire.request("GET", "/").status == 200
        wire.close()


def test_proxies_of_the_environment_are_not_used(
    server: RawServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    wire = wire_to(server, certificates)
    assert wire.request("GET", "/").status == 200
    wire.close()


def test_credentials_of_a_netrc_file_are_not_sent(
    server: RawServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something")
    monkeypatch.setenv("NETRC", str(netrc))
    wire = wire_to(server, certificates)
    wire.request("GET", "/")
    assert b"Authorization" not in server.heads[0]
    wire.close()


def test_without_a_ca_file_only_public_authorities_count(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    wire = HttpsWire("bob", server.url, None, ManualClock(), 10.0, NO_LOG)
    with pytest.raises(ConnectionLost, match="certificate not trusted"):
        wire.request("GET", "/")


def test_a_ca_file_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("not a certificate")
    for path in (tmp_path / "absent.pem", empty):
        with pytest.raises(InventoryError, match=path.name):
            HttpsWire("bob", "https://127.0.0.1:1", path, ManualClock(), 10.0, NO_LOG)


# --- deadlines


async def _drip(writer: asyncio.StreamWriter, pieces: bytes) -> None:
    # Long enough to outlast any deadline here, short enough that a wire without one ends by itself.
    for piece in pieces:
        writer.write(bytes([piece]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def _never(_head: bytes, writer: asyncio.StreamWriter) -> None:
    _ = writer
    await asyncio.sleep(3600)


async def _drip_body(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    await _drip(writer, b"x" * 100)


async def _drip_chunks(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await _drip(writer, b"1\r\nx\r\n" * 16 + b"0\r\n\r\n")


async def _drip_head(_head: bytes, writer: asyncio.StreamWriter) -> None:
    # More header lines than any client takes, so that one without a deadline fails in another way.
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(120):
        writer.write(b"X-Late: yes\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("handler", [_never, _drip_body, _drip_chunks, _drip_head])
def test_silence_and_dripping_end_at_the_deadline_in_lab_time(
    certificates: Certificates, handler: Handler
) -> None:
    clock = ManualClock(wall_s=0.3)
    with raw_server(certificates.good, handler) as server:
        wire = wire_to(server, certificates, clock)
        with pytest.raises(TransportTimeout, match="within 10 s") as raised:
            wire.request("GET", "/slow")
        assert clock.time_s == 1010.0
        assert raised.value.elapsed_s == 10.0


def test_on_the_wall_clock_the_deadline_is_wall_time(certificates: Certificates) -> None:
    with raw_server(certificates.good, _drip_body) as server:
        wire = HttpsWire("bob", server.url, certificates.ca_file, WallClock(), 0.2, NO_LOG)
        with pytest.raises(TransportTimeout, match=r"within 0\.2 s"):
            wire.request("GET", "/slow")


def test_an_answer_that_took_too_much_lab_time_is_a_time_out(certificates: Certificates) -> None:
    clock = ManualClock(wall_s=5.0)

    async def answer_late(_head: bytes, writer: asyncio.StreamWriter) -> None:
        clock.time_s += 10.5
        writer.write(OK)

    with raw_server(certificates.good, answer_late) as server:
        wire = wire_to(server, certificates, clock)
        with pytest.raises(TransportTimeout):
            wire.request("GET", "/")
        assert clock.time_s == 1010.5


def test_nothing_stale_is_read_after_a_time_out(certificates: Certificates) -> None:
    async def first_is_late(head: bytes, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"GET /first"):
            await asyncio.sleep(0.5)
        writer.write(response(head.split()[1]))

    with raw_server(certificates.good, first_is_late) as server:
        clock = ManualClock(wall_s=0.2)
        wire = wire_to(server, certificates, clock)
        with pytest.raises(TransportTimeout):
            wire.request("GET", "/first")
        clock.wall_s = 5.0
        assert wire.request("GET", "/second").body == b"/second"
        assert server.connections == 2
        wire.close()


# --- lost connections


def test_nobody_listening_is_connection_refused(server: RawServer, certificates: Certificates) -> None:
    server.stop()
    wire = wire_to(server, certificates)
    with pytest.raises(ConnectionLost, match="connection refused"):
        wire.request("GET", "/")
    server.start()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_restarted_server_is_found_again(
    server: RawServer, certificates: Certificates, method: str
) -> None:
    wire = wire_to(server, certificates)
    wire.request("GET", "/")
    server.stop()
    server.start()
    assert wire.request(method, "/").status == 200
    wire.close()


class ClosingServer:
    """Closes the connection instead of answering, from the second request of each connection on."""

    def __init__(self, *, closes_first: bool) -> None:
        self._closes_first = closes_first
        self._seen: set[int] = set()

    async def __call__(self, _head: bytes, writer: asyncio.StreamWriter) -> None:
        if self._closes_first or id(writer) in self._seen:
            writer.close()
            return
        self._seen.add(id(writer))
        writer.write(OK)


def test_a_get_on_a_stale_connection_is_sent_once_more(certificates: Certificates) -> None:
    with raw_server(certificates.good, ClosingServer(closes_first=False)) as server:
        wire = wire_to(server, certificates)
        wire.request("GET", "/1")
        assert wire.request("GET", "/2").status == 200
        assert [head.split()[1] for head in server.heads] == [b"/1", b"/2", b"/2"]
        wire.close()


def test_a_post_is_never_sent_twice(certificates: Certificates) -> None:
    with raw_server(certificates.good, ClosingServer(closes_first=False)) as server:
        wire = wire_to(server, certificates)
        wire.request("GET", "/1")
        with pytest.raises(ConnectionLost, match="closed without an answer"):
            wire.request("POST", "/2")
        assert len(server.heads) == 2


def test_a_get_on_a_fresh_connection_is_not_repeated(certificates: Certificates) -> None:
    with raw_server(certificates.good, ClosingServer(closes_first=True)) as server:
        wire = wire_to(server, certificates)
        with pytest.raises(ConnectionLost, match="closed without an answer"):
            wire.request("GET", "/")
        assert len(server.heads) == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    ],
)
def test_half_an_answer_is_a_lost_connection(certificates: Certificates, reply: bytes) -> None:
    async def break_off(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        writer.close()

    with raw_server(certificates.good, break_off) as server:
        wire = wire_to(server, certificates)
        with pytest.raises(ConnectionLost, match="middle of an answer"):
            wire.request("GET", "/")
        assert len(server.heads) == 1


@pytest.mark.parametrize("junk", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\x00\xff\r\n\r\n"])
def test_what_is_not_http_is_a_protocol_error(certificates: Certificates, junk: bytes) -> None:
    async def babble(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(junk)
        writer.close()

    with raw_server(certificates.good, babble) as server:
        wire = wire_to(server, certificates)
        with pytest.raises(ProtocolError, match="not HTTP"):
            wire.request("GET", "/")


@pytest.mark.parametrize("size", [100_000, 100_001])
def test_a_body_may_be_just_so_large(certificates: Certificates, size: int) -> None:
    with raw_server(certificates.good, always(response(b"x" * size))) as server:
        wire = wire_to(server, certificates)
        if size <= 100_000:
            assert len(wire.request("GET", "/").body) == size
        else:
            with pytest.raises(ProtocolError, match="more than 100000 bytes"):
                wire.request("GET", "/")
        wire.close()


# --- the byte log


def test_the_byte_log_has_the_exchange_and_no_header(
    server: RawServer, certificates: Certificates, tmp_path: Path
) -> None:
    log = ByteLog(tmp_path / "wire.log")
    wire = wire_to(server, certificates, log=log)
    wire.request("GET", "/open", headers={"Authorization": "Bearer tell-nobody"})
    wire.request("POST", "/login", json_body={"password": "tell-nobody"}, secret=True)
    wire.close()
    log.close()
    text = (tmp_path / "wire.log").read_text()
    assert "GET /open" in text
    assert '200 application/json\\n{"fine": true}' in text
    assert "POST /login\\n<secret>" in text
    assert text.count("fine") == 1, "the body of a secret answer was logged"
    assert "tell-nobody" not in text
    assert "Bearer" not in text


def test_a_failure_reaches_the_byte_log(certificates: Certificates, tmp_path: Path) -> None:
    log = ByteLog(tmp_path / "wire.log")
    with raw_server(certificates.expired, always(OK)) as server:
        wire = wire_to(server, certificates, log=log)
        with pytest.raises(ConnectionLost):
            wire.request("GET", "/")
    log.close()
    assert "certificate has expired" in (tmp_path / "wire.log").read_text()
