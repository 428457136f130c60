"""The platform port: where the OTDR application listens, and what is said if it does not."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from drivers.clock import WallClock
from drivers.errors import ConnectionLost, DeviceError, ProtocolError
from drivers.facts.connections import AnyConnection, SmartOtdrConnection, VisaSocketConnection
from drivers.facts.lab import LabAddresses
from drivers.otdr.smartotdr_queries import connect_smartotdr
from drivers.otdr.viavi_smartotdr import open_viavi_smartotdr
from drivers.wires.byte_log import NO_LOG, ByteLog
from emulators.otdr.smartotdr_platform import EmulatedPlatform
from sweeps.running.device_key import device_key
from tests.attenuators.scpi_lab import DEADLINE_S, resource
from tests.attenuators.test_scpi_server import Client
from tests.contact.contact_lab import served_lab

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.otdr_wire.otdr_lab import OtdrLab

PORT = b'MOD:FUNC:PORT? BOTH,BASE,"OTDR"'
ANOTHER_PORT = 9


def connection_to(bench: OtdrLab, platform: EmulatedPlatform) -> SmartOtdrConnection:
    server = bench.lab.serve(platform)
    return SmartOtdrConnection(
        resource=resource(bench.server.port), platform_port=server.port, deadline_s=DEADLINE_S
    )


# --- the driver


def test_the_platform_is_asked_once_and_before_the_application(bench: OtdrLab, tmp_path: Path) -> None:
    log = ByteLog(tmp_path / "wires.log")
    connection = connection_to(bench, EmulatedPlatform(bench.server.port))
    with closing(open_viavi_smartotdr("otdr", connection, bench.clock, log)) as otdr:
        otdr.identity()
    log.close()
    said = [line.split(" ", maxsplit=3)[1:] for line in (tmp_path / "wires.log").read_text().splitlines()]
    assert [(device, message) for device, direction, message in said if direction == ">"][:5] == [
        ("otdr/platform", r"b'*REM\n'"),
        ("otdr/platform", r"b'MOD:FUNC:LIST? BOTH,BASE\n'"),
        ("otdr/platform", r"""b'MOD:FUNC:SEL? BOTH,BASE,"OTDR"\n'"""),
        ("otdr/platform", r"""b'MOD:FUNC:PORT? BOTH,BASE,"OTDR"\n'"""),
        ("otdr", r"b'*REM\n'"),
    ]
    assert [device for device, *_ in said].count("otdr/platform") == 7


@pytest.mark.parametrize(
    ("platform", "kind", "told"),
    [
        (
            EmulatedPlatform(8002, functions=("OSA", "POWERMETER")),
            ProtocolError,
            'there is no OTDR application: the instrument has "OSA","POWERMETER"',
        ),
        (EmulatedPlatform(8002, functions=()), ProtocolError, "the instrument has none at all"),
        (
            EmulatedPlatform(None),
            DeviceError,
            r"the OTDR application is not started \(it is 'OFF'\); start it on the instrument",
        ),
        (
            EmulatedPlatform(ANOTHER_PORT),
            ProtocolError,
            "the OTDR application listens on port 9, not on .*; correct the resource in the inventory",
        ),
    ],
)
def test_it_is_said_in_words_why_no_application_is_there(
    bench: OtdrLab, platform: EmulatedPlatform, kind: type[Exception], told: str
) -> None:
    connection = connection_to(bench, platform)
    with pytest.raises(kind, match=told):
        open_viavi_smartotdr("otdr", connection, bench.clock, NO_LOG)
    with closing(connect_smartotdr("otdr", connection, bench.clock, NO_LOG)) as otdr:
        for _ in range(2):  # a failure is no answer: it is asked again
            with pytest.raises(kind, match=told):
                otdr.identity()


class Answering(EmulatedPlatform):
    """Answers one query with another text."""

    def __init__(self, port: int, command: bytes, answer: str) -> None:
        super().__init__(port)
        self._odd = {command.decode(): answer}

    def handle(self, command: str) -> str | bytes | None:
        return self._odd.get(command) or super().handle(command)


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ("-1", DeviceError, r"not started \(it has no port\)"),
        ("two", ProtocolError, "'two' is no port"),
        ("-2", ProtocolError, "'-2' is no port"),
    ],
)
def test_a_port_that_is_none(bench: OtdrLab, answer: str, kind: type[Exception], told: str) -> None:
    connection = connection_to(bench, Answering(bench.server.port, PORT, answer))
    with pytest.raises(kind, match=told):
        open_viavi_smartotdr("otdr", connection, bench.clock, NO_LOG)


def test_a_platform_that_nobody_serves_is_named_by_its_address(bench: OtdrLab) -> None:
    connection = SmartOtdrConnection(
        resource=resource(bench.server.port), platform_port=ANOTHER_PORT, deadline_s=DEADLINE_S
    )
    with pytest.raises(ConnectionLost, match=r"otdr/platform: .*TCPIP::127\.0\.0\.1::9::SOCKET"):
        open_viavi_smartotdr("otdr", connection, bench.clock, NO_LOG)


def test_without_a_platform_port_nobody_is_asked(bench: OtdrLab) -> None:
    connection = SmartOtdrConnection(resource=resource(bench.server.port), deadline_s=DEADLINE_S)
    with closing(open_viavi_smartotdr("otdr", connection, bench.clock, NO_LOG)) as otdr:
        assert otdr.identity().vendor == "VIAVI"


# --- its address


def test_an_emulated_lab_hands_over_its_platform_ports_and_drivers_use_them(tmp_path: Path) -> None:
    with served_lab(tmp_path / "lab") as lab_file:
        addresses = LabAddresses.model_validate_json(lab_file.read_bytes())
        log = ByteLog(tmp_path / "wires.log")
        for name in ("otdr_a", "otdr_b"):
            connection = addresses.connections[name]
            assert isinstance(connection, SmartOtdrConnection)
            assert connection.platform_port is not None
            with closing(Client(connection.platform_port)) as client:
                assert int(client.ask(PORT + b"\n")) == connection.port()
            with closing(connect_smartotdr(name, connection, WallClock(), log)) as otdr:
                otdr.identity()
        log.close()
    text = (tmp_path / "wires.log").read_text()
    assert [f"{name}/platform > b'MOD:FUNC:PORT?" in text for name in ("otdr_a", "otdr_b")] == [True, True]


def test_two_ports_of_one_instrument_are_one_device_for_its_lease() -> None:
    plain = SmartOtdrConnection(resource=resource(8002))
    assert device_key(plain) == device_key(plain.model_copy(update={"platform_port": 8000}))


def test_an_address_keeps_its_kind_on_its_way_through_a_file() -> None:
    addresses: dict[str, AnyConnection] = {
        "voa": VisaSocketConnection(resource=resource(8201)),
        "otdr": SmartOtdrConnection(resource=resource(8002), platform_port=8000),
    }
    adapter = TypeAdapter(dict[str, AnyConnection])
    read = adapter.validate_json(adapter.dump_json(addresses))
    assert read == addresses
    assert [type(each) for each in read.values()] == [VisaSocketConnection, SmartOtdrConnection]


@pytest.mark.parametrize("port", [0, 65_536, "eight thousand"])
def test_a_platform_port_that_cannot_be_one_is_refused(port: object) -> None:
    with pytest.raises(ValidationError, match="platform_port"):
        SmartOtdrConnection.model_validate({"resource": resource(8002), "platform_port": port})


# --- the emulated platform


@pytest.fixture
def client(bench: OtdrLab) -> Generator[Client]:
    with closing(Client(bench.lab.serve(EmulatedPlatform(8002, functions=("OTDR", "OSA"))).port)) as client:
        yield client


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (b"*REM;MOD:FUNC:LIST? BOTH,BASE\n", b'"OTDR","OSA"\n'),
        (b"MOD:FUNC:LIST? BOTH,BASE\r\n", b'"OTDR","OSA"\n'),
        (PORT + b"\r\n", b"8002\n"),
        (b'MODule:FUNCtion:PORT? BOTH,BASE,"OTDR"\n', b"8002\n"),
        (b'mod:func:sel? both,base,"OTDR";' + PORT + b"\n", b"ON;8002\n"),
        (b'MOD:FUNC:SEL? BOTH,BASE,"OSA";PORT?\n', b"OFF\n"),
        (b'MOD:FUNC:PORT? BOTH,BASE,"OSA"\n', b"-1\n"),
    ],
)
def test_it_is_asked_with_either_line_end_and_joined(client: Client, question: bytes, answer: bytes) -> None:
    assert client.ask(question) == answer


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (b"MOD:FUNC:WHAT?", b"-113"),
        (b"*IDN?", b"-113"),
        (b"MOD:FUNC:LIST?", b"-109"),
        (b"MOD:FUNC:LIST? OPPS,SLIC1", b"-224"),
        (b'MOD:FUNC:PORT? BOTH,BASE,"BERT"', b"-224"),
        (b"MOD:FUNC:PORT? BOTH,BASE", b"-109"),
    ],
)
def test_what_it_does_not_know_is_met_with_silence(client: Client, question: bytes, code: bytes) -> None:
    client.send(question + b"\n")
    assert client.ask(b"SYST:ERR?\n").split(b",")[0] == code
