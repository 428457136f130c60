"""What can be wrong with a device at first contact: told in words, with what to do, and nothing worse."""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from drivers.clock import WallClock
from drivers.contact.bench import check_devices, problems_between
from drivers.facts.checked_yaml import read_checked
from drivers.facts.connections import SecretReference, SerialConnection, VisaSocketConnection
from drivers.facts.gear import OzDd100Gear
from drivers.facts.inventory import Inventory
from drivers.facts.lab import LabAddresses
from drivers.wires.byte_log import NO_LOG
from emulators.cerberis_xgr.appliance import EmulatedAppliance
from emulators.wires.pki import Authority, CertificateFiles, _write_private
from tests.acceptance.benches import write_inventory
from tests.attenuators.scpi_lab import raw_server as scpi_server
from tests.attenuators.scpi_lab import resource
from tests.cerberis_xgr.raw_server import always, raw_server, response
from tests.cerberis_xgr.web_lab import web_lab
from tests.contact.contact_lab import BOB, INVENTORY, VOA, check, check_one, served_lab, told, web_api

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

OK = response(b"{}")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def silent_port(backlog: int = 5) -> Generator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield server.getsockname()[1]


def voa_at(port: int, deadline_s: float = 5.0) -> VisaSocketConnection:
    return VisaSocketConnection(resource=resource(port), deadline_s=deadline_s)


# --- nobody there


def test_a_closed_port_is_refused_and_the_others_are_checked_all_the_same(
    lab_file: Path, tmp_path: Path
) -> None:
    addresses = json.loads(lab_file.read_text())
    addresses["connections"]["alice"]["url"] = f"https://127.0.0.1:{closed_port()}"
    broken = tmp_path / "lab.json"
    broken.write_text(json.dumps(addresses))
    done = check(INVENTORY, "--lab-file", broken)
    assert done.exit_code == 1
    assert "connection refused" in done.stdout
    assert "is the device on, is the port right?" in done.stdout
    assert (
        "4 of 5 devices reached, 4 as the inventory says\nPut the problems right, check again" in done.stdout
    )
    found = json.loads(check(INVENTORY, "--lab-file", broken, "--json").stdout)
    assert (found["is_good"], found["reached"]) == (False, 4)
    assert [device["is_reached"] for device in found["devices"]] == [False, True, True, True, True]


def test_a_closed_scpi_port_is_refused() -> None:
    assert "Connection refused -> is the device on, is the port right?" in told(
        check_one(VOA, voa_at(closed_port()))
    )


def test_a_silent_scpi_port_is_given_up_at_the_deadline() -> None:
    with silent_port() as port:
        contact = check_one(VOA, voa_at(port, deadline_s=0.3))
    assert told(contact).startswith("no answer within 0.3 s to *IDN? -> is the device on")
    assert len(contact.problems) == 1


def test_a_port_that_takes_no_connection_is_given_up_at_the_deadline() -> None:
    with silent_port(backlog=0) as port:
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
        contact = check_one(VOA, voa_at(port, deadline_s=0.3))
        for client in waiting:
            client.close()
    assert "no connection within 0.3 s -> is the device on, is the address right" in told(contact)


def test_a_serial_port_that_is_not_there_is_told() -> None:
    gear = OzDd100Gear(role="attenuator", driver="oz_dd100mc", site="here", calibration_nm=1550.0)
    contact = check_one(gear, SerialConnection(port="/dev/no-such-port"))
    assert "/dev/no-such-port" in told(contact)
    assert not contact.is_reached()


def test_a_device_that_goes_away_in_the_middle_is_told_for_each_thing_not_read() -> None:
    def goes_away(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"Viavi Solutions,mVOA-C1,129,4.3.3\n")
        connection.recv(4096)

    with scpi_server(goes_away) as port:
        contact = check_one(VOA, voa_at(port, deadline_s=2.0))
    assert contact.is_reached()
    assert len(contact.problems) == 4
    assert not contact.readings
    assert "connection closed by the device" in told(contact)


def test_ctrl_c_says_that_nothing_was_changed(lab_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("drivers.__main__.check_devices", interrupted)
    done = check(INVENTORY, "--lab-file", lab_file)
    assert done.exit_code == 130
    assert "interrupted; nothing was changed" in done.stderr


def test_a_silent_https_port_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    with silent_port() as port:
        contact = check_one(BOB, web_api(f"https://127.0.0.1:{port}", tmp_path, None, deadline_s=0.3))
    assert told(contact).startswith("no answer within 0.3 s to TLS handshake -> is the device on")
    assert contact.certificate is None


def test_a_device_without_an_address_is_told_where_to_write_one() -> None:
    assert told(check_one(VOA, None)) == "it has no address -> write one into the inventory: gear.voa.lab"


def test_an_address_of_another_kind_is_a_problem(tmp_path: Path) -> None:
    contact = check_one(VOA, web_api("https://192.0.2.1", tmp_path, None))
    assert "driver viavi_map_mvoa cannot use such an address" in told(contact)


# --- somebody else there


def test_another_device_on_the_scpi_port_is_named_and_asked_nothing_more() -> None:
    heard: list[bytes] = []

    def multimeter(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(b"ACME,Multimeter 7,0815,1.0\n")
        heard.append(connection.recv(4096))

    with scpi_server(multimeter) as port:
        contact = check_one(VOA, voa_at(port))
    assert heard == [b"*IDN?\n", b""]
    assert "a mVOA-C1 was expected, 'ACME,Multimeter 7,0815,1.0' answered -> is the port right?" in told(
        contact
    )
    assert "correct its names in drivers/facts/names/viavi_map_mvoa.yaml" in told(contact)
    assert not contact.is_reached()


def test_a_service_that_speaks_first_is_no_scpi_device() -> None:
    def ssh(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\nmore\r\n")
        connection.recv(4096)

    with scpi_server(ssh) as port:
        contact = check_one(VOA, voa_at(port, deadline_s=2.0))
    assert "SSH-2.0" in told(contact)
    assert "is the port right?" in told(contact)


def test_a_port_that_speaks_no_tls(tmp_path: Path) -> None:
    def plain_http(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with scpi_server(plain_http) as port:
        contact = check_one(BOB, web_api(f"https://127.0.0.1:{port}", tmp_path, None))
    assert "TLS failed: WRONG_VERSION_NUMBER" in told(contact)
    assert "does not speak TLS as the bench does: is the port right?" in told(contact)


def test_a_swapped_pair_is_told_at_both_ends(tmp_path: Path) -> None:
    defects = {f"gear.{name}.defects": {"is_other_end": True} for name in ("alice", "bob")}
    inventory = write_inventory(tmp_path, defects)
    with served_lab(tmp_path / "lab", inventory) as lab_file:
        done = check(inventory, "--lab-file", lab_file)
    assert done.exit_code == 1
    assert "it says that it is 'bob'; the inventory has 'alice' at this address" in done.stdout
    assert "it says that it is 'alice'; the inventory has 'bob' at this address" in done.stdout
    assert done.stdout.count("are the addresses of the pair swapped in the inventory?") == 2
    assert "5 of 5 devices reached, 3 as the inventory says" in done.stdout
    assert done.stdout.count("latency") == 5, "all of it is read all the same"


def test_two_addresses_of_one_device_are_told(lab_file: Path) -> None:
    addresses = LabAddresses.model_validate_json(lab_file.read_bytes())
    inventory = read_checked(INVENTORY, Inventory).value
    assert inventory is not None
    connections = {**addresses.connections, "bob": addresses.connections["alice"]}
    gear = inventory.stations["paper-link"].gear
    contacts = list(check_devices(gear, connections, WallClock(), NO_LOG))
    (problem,) = problems_between(contacts)
    assert problem.what == ("alice and bob are one and the same device: Cerberis XGR, serial EMULATED-ALICE")
    assert "it says that it is 'alice'; the inventory has 'bob'" in told(contacts[1])


def test_the_otdrs_of_both_ends_may_be_one_instrument(lab_file: Path, tmp_path: Path) -> None:
    addresses = json.loads(lab_file.read_text())
    addresses["connections"]["otdr_b"] = addresses["connections"]["otdr_a"]
    same = tmp_path / "lab.json"
    same.write_text(json.dumps(addresses))
    done = check(INVENTORY, "--lab-file", same)
    assert done.exit_code == 0
    assert "5 of 5 devices reached, all as the inventory says" in done.stdout


LATER = "only the procedure fibre needs it, when it stands at its end of the fibre"


def test_an_otdr_that_is_not_there_hinders_no_link(lab_file: Path, tmp_path: Path) -> None:
    addresses = json.loads(lab_file.read_text())
    addresses["connections"]["otdr_a"] = {"resource": resource(closed_port())}
    del addresses["connections"]["otdr_b"]
    away = tmp_path / "lab.json"
    away.write_text(json.dumps(addresses))
    done = check(INVENTORY, "--lab-file", away)
    assert done.exit_code == 0
    assert done.stdout.count(f"reached      no; {LATER}") == 2
    assert "Connection refused" in done.stdout
    assert f"3 of 5 devices reached, 3 as the inventory says; otdr_a and otdr_b: {LATER}\n" in done.stdout
    assert "Next, see what a sweep would do:" in done.stdout
    found = json.loads(check(INVENTORY, "--lab-file", away, "--json").stdout)
    assert (found["is_good"], found["reached"]) == (True, 3)
    assert [device["is_brought_later"] for device in found["devices"]] == [False, False, False, True, True]


def test_another_device_at_an_otdrs_address_is_a_problem(lab_file: Path, tmp_path: Path) -> None:
    addresses = json.loads(lab_file.read_text())
    resource_of_voa = addresses["connections"]["voa"]["resource"]
    addresses["connections"]["otdr_a"] = {"resource": resource_of_voa}
    wrong = tmp_path / "lab.json"
    wrong.write_text(json.dumps(addresses))
    done = check(INVENTORY, "--lab-file", wrong)
    assert done.exit_code == 1
    assert LATER not in done.stdout


def test_two_addresses_of_one_device_are_on_the_page(lab_file: Path, tmp_path: Path) -> None:
    addresses = json.loads(lab_file.read_text())
    addresses["connections"]["bob"] = addresses["connections"]["alice"]
    same = tmp_path / "lab.json"
    same.write_text(json.dumps(addresses))
    done = check(INVENTORY, "--lab-file", same)
    assert done.exit_code == 1
    assert "between the devices\n  problem      alice and bob are one and the same device" in done.stdout
    assert len(json.loads(check(INVENTORY, "--lab-file", same, "--json").stdout)["problems"]) == 1


def test_another_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmulatedAppliance, "model", "Clavis XG")
    with web_lab(tmp_path) as lab:
        contact = check_one(BOB, lab.connection(), lab.driver_clock)
    assert "it says that its model is 'Clavis XG'; 'Cerberis XGR' was expected" in told(contact)
    assert "correct expected_model (assumed)" in told(contact)
    assert contact.is_reached()
    assert not contact.is_as_expected()


# --- certificates: shown, with nothing but the handshake sent


class Certificates:
    def __init__(self, folder: Path) -> None:
        ours, foreign = Authority(folder / "ours"), Authority(folder / "foreign")
        self.ca_file = ours.ca_file
        self.expired = ours.issue("expired", is_expired=True)
        self.elsewhere = ours.issue("elsewhere", hosts=["192.0.2.7", "elsewhere.example"])
        self.foreign = foreign.issue("foreign")
        self.self_signed = CertificateFiles(foreign.ca_file, folder / "self-signed-key.pem")
        _write_private(self.self_signed.key, foreign._key)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("pki"))


@pytest.mark.parametrize(
    ("which", "kind", "what", "advice"),
    [
        ("expired", "expired", "certificate has expired", "have it renewed"),
        (
            "elsewhere",
            "other_names",
            "certificate is for other names: elsewhere.example, elsewhere, 192.0.2.7",
            "write one of these names into the url",
        ),
        ("foreign", "unknown_issuer", "the certificate is not signed by ca_file", "confirm the fingerprint"),
        (
            "self_signed",
            "unknown_issuer",
            "the certificate is not signed by ca_file",
            "confirm the fingerprint",
        ),
    ],
)
def test_a_certificate_that_is_not_trusted_is_shown_and_sent_nothing(
    certificates: Certificates, tmp_path: Path, which: str, kind: str, what: str, advice: str
) -> None:
    files: CertificateFiles = getattr(certificates, which)
    with raw_server(files, always(OK)) as server:
        contact = check_one(BOB, web_api(server.url, tmp_path, certificates.ca_file))
        assert server.heads == []
    assert told(contact).startswith(what)
    assert advice in told(contact)
    assert contact.certificate is not None
    assert contact.certificate.distrust is not None
    assert contact.certificate.distrust.kind == kind
    assert contact.certificate.certificate.is_self_signed == (which == "self_signed")
    assert len(contact.certificate.certificate.sha256) == 32 * 3 - 1


@pytest.mark.parametrize("content", [None, "no certificate in here"])
def test_without_a_ca_file_the_certificate_is_shown_and_sent_nothing(
    certificates: Certificates, tmp_path: Path, content: str | None
) -> None:
    absent = tmp_path / "ca.pem"
    if content is not None:
        absent.write_text(content)
    with raw_server(certificates.foreign, always(OK)) as server:
        contact = check_one(BOB, web_api(server.url, tmp_path, absent))
        assert server.heads == []
    assert f"ca_file {absent}: " in told(contact)
    assert contact.certificate is not None
    assert contact.certificate.certificate.subject == "CN=foreign"
    assert contact.certificate.distrust is not None
    assert contact.certificate.distrust.reason.startswith(f"ca_file {absent}: ")
    assert content is not None or "No such file or directory" in told(contact)


def test_a_closed_port_is_a_closed_port_without_a_ca_file_too(tmp_path: Path) -> None:
    url = f"https://127.0.0.1:{closed_port()}"
    assert "connection refused" in told(check_one(BOB, web_api(url, tmp_path, tmp_path / "absent.pem")))


def test_a_public_authority_is_the_measure_where_no_ca_file_is_given(
    certificates: Certificates, tmp_path: Path
) -> None:
    with raw_server(certificates.foreign, always(OK)) as server:
        contact = check_one(BOB, web_api(server.url, tmp_path, None))
        assert server.heads == []
    assert "unable to get local issuer certificate" in told(contact)


# --- secrets


def test_what_is_wrong_here_and_there_is_told_at_once(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_NO_SUCH", raising=False)
    secret = SecretReference(env="BENCH_NO_SUCH")
    with raw_server(certificates.expired, always(OK)) as server:
        connection = web_api(server.url, tmp_path, certificates.ca_file)
        contact = check_one(BOB, connection.model_copy(update={"password": secret}))
    expired, missing = told(contact).splitlines()
    assert expired.startswith("certificate has expired")
    assert missing == (
        "environment variable BENCH_NO_SUCH is not set"
        " -> export it: read -rs BENCH_NO_SUCH && export BENCH_NO_SUCH"
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "No such file"), (b"", "is empty"), (b"\xff\xfe", "is not UTF-8 text")],
)
def test_a_password_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, what: str) -> None:
    with web_lab(tmp_path) as lab:
        file = tmp_path / "broken-password"
        if content is not None:
            file.write_bytes(content)
        contact = check_one(BOB, lab.connection(password=SecretReference(file=file)), lab.driver_clock)
    assert what in told(contact)
    assert str(file) in told(contact)
    assert contact.certificate is not None
    assert contact.certificate.distrust is None


def test_a_wrong_password_is_told_with_where_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_TEST_PASSWORD", "tell-nobody-of-this")
    with web_lab(tmp_path) as lab:
        connection = lab.connection(password=SecretReference(env="BENCH_TEST_PASSWORD"))
        contact = check_one(BOB, connection, lab.driver_clock)
    assert "device error 401: login refused -> " in told(contact)
    assert "are user 'bench' and the password in BENCH_TEST_PASSWORD right?" in told(contact)
    assert os.environ["BENCH_TEST_PASSWORD"] not in told(contact)


# --- the right device behind names that are not


def test_a_query_that_a_device_does_not_know_is_told_with_its_mark_and_the_rest_is_read() -> None:
    answers = {
        b"*IDN?": b"Viavi Solutions,mVOA-C1,129,4.3.3",
        b":OUTP:ATT? 1": b"3.000",
        b":OUTP:WAV? 1": b"1550.000",
    }

    def without_shutter_query(connection: socket.socket) -> None:
        while line := connection.recv(4096):
            answer = answers.get(line.strip())
            if answer is not None:
                connection.sendall(answer + b"\n")

    # A wire that timed out is opened anew: two connections.
    with scpi_server(without_shutter_query, without_shutter_query) as port:
        contact = check_one(VOA, voa_at(port, deadline_s=0.5))
    assert contact.readings == {"attenuation_db": 3.0, "wavelength_nm": 1550.0}
    assert contact.latency is not None
    assert told(contact) == (
        "no answer within 0.5 s to :OUTP:BBL? 1 -> ':OUTP:BBL? {device}' is inferred, not documented:"
        " correct it, or the names of what it answers, in drivers/facts/names/viavi_map_mvoa.yaml"
    )


def test_a_path_that_a_server_does_not_know_is_told_with_its_mark(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    with raw_server(authority.issue("bob"), always(response(b"{}", "404 Not Found"))) as server:
        contact = check_one(BOB, web_api(server.url, tmp_path, authority.ca_file))
        assert len(server.heads) == 1
    assert "device error 404" in told(contact)
    assert "'/api/v1/login' is assumed, not documented: correct it" in told(contact)
    assert contact.certificate is not None
    assert contact.certificate.distrust is None


def test_an_answer_without_a_field_is_told_with_its_mark(tmp_path: Path) -> None:
    with web_lab(tmp_path) as lab:
        lab.inject("missing_field", "/api/v1/system/identity", count=1)
        contact = check_one(BOB, lab.connection(), lab.driver_clock)
    assert "vendor: Field required -> '/api/v1/system/identity' is assumed" in told(contact)
    assert not contact.is_reached()


def test_a_server_in_trouble_is_the_keepers(tmp_path: Path) -> None:
    with web_lab(tmp_path) as lab:
        lab.inject("status", "/api/v1/system/state", value=503, count=None)
        contact = check_one(BOB, lab.connection(), lab.driver_clock)
    assert "device error 503" in told(contact)
    assert "'/api/v1/system/state' is assumed" in told(contact)


def test_a_web_server_that_does_not_answer_the_login(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    with raw_server(authority.issue("bob"), always(b"")) as server:
        connection = web_api(server.url, tmp_path, authority.ca_file, deadline_s=0.4)
        contact = check_one(BOB, connection)
    assert "no answer within 0.4 s to POST /api/v1/login -> is the device on" in told(contact)
