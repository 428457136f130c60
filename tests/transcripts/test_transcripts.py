"""Drivers say what they said to a device before, and understand it as before; see docs/transcripts.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.attenuators.mvoa_queries import MvoaQueries
from drivers.errors import ConnectionLost, NotHomed
from drivers.facts.sor.fxd_params import FxdParams
from drivers.facts.sor.read import read_sor
from drivers.roles import Identity, MarkedDb, OtdrCurve
from drivers.wires.byte_log import NO_LOG, ByteLog
from drivers.wires.scpi_wire import ScpiWire
from tests.transcripts.byte_log_reader import Exchange, TranscriptError, read_transcript
from tests.transcripts.recording import record_mvoa, record_oz, record_smartotdr
from tests.transcripts.replay import ReplayServer, SerialReplay
from tests.transcripts.sessions import (
    DEVICE,
    FOLDER,
    OTDR,
    SETTINGS,
    QuickClock,
    mvoa_session,
    oz_session,
    smartotdr_session,
)

if TYPE_CHECKING:
    from pathlib import Path

MVOA_READ: list[object] = [
    Identity("Viavi Solutions", "mVOA-C1", "EMULATED", "4.3.3"),
    False,
    12.0,
    3.25,
    0.0,
    True,
    1550.0,
]
ATTENUATION = Exchange(b":OUTP:ATT? 1\n", b"3.0\n")


OZ_READ: list[object] = [
    Identity("OZ Optics", "DD-100-MC", "EMULATED", "1.0"),
    59.0,
    NotHomed,
    *(12.0, 960, 3.25, 260, 0.0, 0),
    3.0,
]


def wire_to(server: ReplayServer) -> ScpiWire:
    return ScpiWire(DEVICE, f"TCPIP::127.0.0.1::{server.port}::SOCKET", QuickClock(), 5.0)


def log_of(folder: Path, *lines: str) -> Path:
    path = folder / "wires.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


# --- sessions


def test_mvoa() -> None:
    with ReplayServer(read_transcript(FOLDER / "mvoa-emulated.log", DEVICE)) as server:
        assert mvoa_session(server.port, QuickClock(), NO_LOG) == MVOA_READ


def test_a_session_just_recorded_is_played_back_byte_for_byte(tmp_path: Path) -> None:
    assert record_mvoa(tmp_path / "first.log") == MVOA_READ
    recorded = read_transcript(tmp_path / "first.log", DEVICE)
    log = ByteLog(tmp_path / "second.log")
    with ReplayServer(recorded) as server:
        assert mvoa_session(server.port, QuickClock(), log) == MVOA_READ
    log.close()
    assert read_transcript(tmp_path / "second.log", DEVICE) == recorded


def test_smartotdr() -> None:
    with ReplayServer(read_transcript(FOLDER / "smartotdr-emulated.log", OTDR)) as server:
        read = smartotdr_session(server.port, QuickClock(), NO_LOG)
    identity, lasers_nm, taken, events, curve, sor = read
    assert identity == Identity("VIAVI", "SmartOTDR", "EMULATED-here", "1.0")
    assert (lasers_nm, taken) == ((1310.0, 1550.0), SETTINGS)
    loss_db = MarkedDb(0.5, is_approximate=False, bound=None)
    assert events == [("", 0.0, None), ("Reflection", 1499.73, loss_db), ("End", 2999.46, None)]
    assert isinstance(curve, OtdrCurve)
    assert curve.levels_db.shape == (7835,)
    assert curve.levels_db[[0, 1000, -1]].tolist() == pytest.approx([-23.36859, -30.62304, -52.76565])
    assert isinstance(sor, bytes)
    assert read_sor(sor).block(FxdParams).pulses[0].points == 7835


def test_a_smartotdr_session_just_recorded_is_played_back_byte_for_byte(tmp_path: Path) -> None:
    before = record_smartotdr(tmp_path / "first.log")
    recorded = read_transcript(tmp_path / "first.log", OTDR)
    log = ByteLog(tmp_path / "second.log", keeps_whole=True)
    with ReplayServer(recorded) as server:
        read = smartotdr_session(server.port, QuickClock(), log)
    log.close()
    assert read_transcript(tmp_path / "second.log", OTDR) == recorded
    assert [each for each in read if not isinstance(each, OtdrCurve)] == [
        each for each in before if not isinstance(each, OtdrCurve)
    ]


def test_oz() -> None:
    with SerialReplay(read_transcript(FOLDER / "oz-dd100mc-emulated.log", DEVICE)) as line:
        assert oz_session(line.port, QuickClock(), NO_LOG) == OZ_READ


def test_an_oz_session_just_recorded_is_played_back_byte_for_byte(tmp_path: Path) -> None:
    assert record_oz(tmp_path / "first.log") == OZ_READ
    recorded = read_transcript(tmp_path / "first.log", DEVICE)
    log = ByteLog(tmp_path / "second.log")
    with SerialReplay(recorded) as line:
        assert oz_session(line.port, QuickClock(), log) == OZ_READ
    log.close()
    assert read_transcript(tmp_path / "second.log", DEVICE) == recorded


def test_a_driver_that_says_something_else_on_a_serial_line_is_shown_where() -> None:
    recorded = read_transcript(FOLDER / "oz-dd100mc-emulated.log", DEVICE)
    at = next(index for index, exchange in enumerate(recorded) if exchange.sent == b"A13.00\r")
    recorded[at] = Exchange(b"A13.0\r", recorded[at].answer)
    with pytest.raises(AssertionError) as caught, SerialReplay(recorded) as line:
        oz_session(line.port, QuickClock(), NO_LOG)
    told = str(caught.value).splitlines()
    assert told[0] == f"the driver deviates from the transcript at exchange {at + 1} of {len(recorded)}"
    assert told[-2:] == ["-A13.0\\r", "+A13.00\\r"]
    assert isinstance(caught.value.__cause__, ConnectionLost)


def test_a_driver_that_says_less_on_a_serial_line_is_told_what_is_left() -> None:
    recorded = read_transcript(FOLDER / "oz-dd100mc-emulated.log", DEVICE)
    left = [*recorded, Exchange(b"RST\r", b"Done\r\n\r\n")]
    told = rf"(?s)exchange {len(left)} of {len(left)}\n.*\n-RST\\r$"
    with pytest.raises(AssertionError, match=told), SerialReplay(left) as line:
        oz_session(line.port, QuickClock(), NO_LOG)


def test_a_driver_that_says_something_else_is_shown_where() -> None:
    recorded = read_transcript(FOLDER / "mvoa-emulated.log", DEVICE)
    at = next(index for index, exchange in enumerate(recorded) if b"12.000" in exchange.sent)
    recorded[at] = Exchange(b":OUTP:ATT 1,12.0\n", b"")
    with pytest.raises(AssertionError) as caught, ReplayServer(recorded) as server:
        mvoa_session(server.port, QuickClock(), NO_LOG)
    told = str(caught.value).splitlines()
    assert told[0] == f"the driver deviates from the transcript at exchange {at + 1} of {len(recorded)}"
    assert told[-2:] == ["-:OUTP:ATT 1,12.0\\n", "+:OUTP:ATT 1,12.000\\n"]
    assert isinstance(caught.value.__cause__, ConnectionLost)


def test_a_device_that_answered_something_else_is_understood_otherwise() -> None:
    recorded = read_transcript(FOLDER / "mvoa-emulated.log", DEVICE)
    changed = [Exchange(each.sent, each.answer.replace(b"3.250", b"3.251")) for each in recorded]
    with ReplayServer(changed) as server:
        read = mvoa_session(server.port, QuickClock(), NO_LOG)
    assert read == [3.251 if value == 3.25 else value for value in MVOA_READ]


def ask_attenuation(server: ReplayServer, *, also_wavelength: bool) -> None:
    voa = MvoaQueries(wire_to(server), 1)
    try:
        assert voa.attenuation_db() == 3.0
        if also_wavelength:
            voa.wavelength_nm()
    finally:
        voa.close()


def test_a_driver_that_says_less_is_told_what_is_left() -> None:
    left = [ATTENUATION, Exchange(b":OUTP:WAV? 1\n", b"1550.000\n")]
    told = r"(?s)exchange 2 of 2\n.*\n-:OUTP:WAV\? 1\\n$"
    with pytest.raises(AssertionError, match=told), ReplayServer(left) as server:
        ask_attenuation(server, also_wavelength=False)


def test_a_driver_that_says_more_is_told_what_it_said() -> None:
    told = r"(?s)exchange 2 of 1\n.*\n\+:OUTP:WAV\? 1\\n$"
    with pytest.raises(AssertionError, match=told), ReplayServer([ATTENUATION]) as server:
        ask_attenuation(server, also_wavelength=True)


def test_a_last_command_without_an_answer_is_waited_for_even_if_nobody_hangs_up() -> None:
    with ReplayServer([ATTENUATION, Exchange(b"*CLS\n", b"")]) as server:
        wire = wire_to(server)
        assert wire.query(":OUTP:ATT? 1") == "3.0"
        wire.write("*CLS")
    wire.close()


def test_another_error_is_not_hidden_by_what_is_left_of_the_transcript() -> None:
    with pytest.raises(ZeroDivisionError), ReplayServer([Exchange(b"*CLS\n", b"")]):
        raise ZeroDivisionError


# --- the log


def test_answers_that_came_in_pieces_are_one_and_other_devices_are_left_out(tmp_path: Path) -> None:
    path = log_of(
        tmp_path,
        r"1.5 voa > b'*CLS\n'",
        r"1.6 bob > b'GET'",
        r"1.7 voa > b'*IDN?\n'",
        "1.8 voa < b'it\\'s '",
        r'1.9 voa < b"me\n"',
        "2.0 bob ! b'no answer'",
    )
    assert read_transcript(path, "voa") == [Exchange(b"*CLS\n", b""), Exchange(b"*IDN?\n", b"it's me\n")]


def test_every_byte_comes_back_from_the_log(tmp_path: Path) -> None:
    log = ByteLog(tmp_path / "wires.log")
    every = bytes(range(256))
    log.sent("voa", every)
    log.received("voa", every[::-1])
    log.close()
    assert read_transcript(tmp_path / "wires.log", "voa") == [Exchange(every, every[::-1])]


def test_a_log_that_keeps_whole_messages_makes_a_transcript_of_long_ones(tmp_path: Path) -> None:
    log = ByteLog(tmp_path / "wires.log", keeps_whole=True)
    block = b"#45000" + b"\x00\n" * 2500 + b"\n"
    log.sent("otdr", b"OTDR:SSOR?\n")
    log.received("otdr", block)
    log.close()
    assert read_transcript(tmp_path / "wires.log", "otdr") == [Exchange(b"OTDR:SSOR?\n", block)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([r"1.5 voa > b'A\n'", "1.6 voa ! b'no answer'"], r"line 2: an exchange failed \(no answer\)"),
        ([r"1.5 voa < b'3\n'"], "line 1: an answer before the first question"),
        ([r"1.5 bob > b'A\n'"], "nothing was said to 'voa'"),
        (["hello"], "line 1: this is no line of a byte log: 'hello'"),
        ([r"1.5 voa > b'A\n"], "line 1: the message cannot be read"),
        ([f"1.5 voa > b'{'A' * 4096}'"], "line 1: the log has kept only the beginning"),
    ],
)
def test_a_log_that_makes_no_transcript_is_refused_with_the_line(
    tmp_path: Path, lines: list[str], told: str
) -> None:
    with pytest.raises(TranscriptError, match=told):
        read_transcript(log_of(tmp_path, *lines), "voa")
