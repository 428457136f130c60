"""The event table's lines: those of real instruments, made-up ones, and what is no line."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.otdr.event_table import parse_line
from drivers.roles import MarkedDb, OtdrEvent
from emulators.otdr.event_table import table_lines
from emulators.otdr.events import Analysis, Event, SectionFit

# Answers to `TABle:LINe?` in HellWorld (public code).
REAL_FIRST = "  1,,     0.00,~ 25.614,~>-25.75,,     0.00,"
REAL_SECOND = "2,Reflection, 40.29,,>-58.65,, 35.97,"


def test_the_first_line_of_a_real_table() -> None:
    assert parse_line(REAL_FIRST, 1.0) == OtdrEvent(
        number=1,
        kind="",
        distance_m=0.0,
        loss_db=MarkedDb(25.614, is_approximate=True),
        reflectance_db=MarkedDb(-25.75, is_approximate=True, bound="at_least"),
        slope_db_per_km=None,
        section_m=0.0,
        total_loss_db=None,
    )


def test_a_real_line_with_empty_fields() -> None:
    assert parse_line(REAL_SECOND, 1.0) == OtdrEvent(
        number=2,
        kind="Reflection",
        distance_m=40.29,
        reflectance_db=MarkedDb(-58.65, bound="at_least"),
        section_m=35.97,
    )


@pytest.mark.parametrize(
    ("kind", "is_end", "is_ghost"),
    [
        ("End", True, False),
        ("END of fibre", True, False),
        ("Ghost", False, True),
        ("ghost?", False, True),
        ("Splice", False, False),
        ("", False, False),
    ],
)
def test_the_end_and_ghosts_are_told_by_the_words_of_the_names_file(
    kind: str, is_end: bool, is_ghost: bool
) -> None:
    event = parse_line(f"4,{kind},12000.00,,-14.40,0.200,1000.00,3.500", 1.0)
    assert (event.kind, event.is_end, event.is_ghost) == (kind, is_end, is_ghost)


def test_distances_count_in_the_unit_that_is_given_and_decibels_do_not() -> None:
    event = parse_line("12,Splice,1.5,0.30,,0.195,0.5,2.1\r", 1000.0)
    assert (event.distance_m, event.section_m) == (1500.0, 500.0)
    assert event.loss_db == MarkedDb(0.3)
    assert event.slope_db_per_km == MarkedDb(0.195)
    assert event.total_loss_db == MarkedDb(2.1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "1 fields"),
        ("1,,0.00,,,,0.00", "7 fields"),
        ("1,,0.00,,,,0.00,,", "9 fields"),
        (",,0.00,,,,0.00,", "'' is no number of an event"),
        ("-1,,0.00,,,,0.00,", "'-1' is no number of an event"),
        ("\u0663,,0.00,,,,0.00,", "is no number of an event"),
        ("1,,,,,,0.00,", "distance '' is no number"),
        ("1,,nan,,,,0.00,", "distance 'nan' is no number"),
        ("1,,1e3,,,,0.00,", "distance '1e3' is no number"),
        ("1,,0.00,~,,,0.00,", "loss '~' is no number"),
        ("1,,0.00,>~1,,,0.00,", "loss '>~1' is no number"),
        ("1,,0.00,,inf,,0.00,", "reflectance 'inf' is no number"),
        ("1,,0.00,,,0x1,0.00,", "slope '0x1' is no number"),
        ("1,,0.00,,,,0.0 0,", "section '0.0 0' is no number"),
        ("1,,0.00,,,,0.00,1.2.3", "total loss '1.2.3' is no number"),
    ],
)
def test_what_is_no_line_is_refused_by_name(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_line(line, 1.0)


@given(st.text(alphabet="0123456789.,~<>+- \tAeE\x00\xe9", max_size=80))
@example(REAL_FIRST)
@example(",,,,,,,")
def test_any_text_is_an_event_or_a_value_error(line: str) -> None:
    try:
        event = parse_line(line, 1.0)
    except ValueError:
        return
    assert event.number >= 0
    assert line.count(",") == 7


decibels = st.integers(-80_000, 80_000).map(lambda thousandths: thousandths / 1000)
marked = st.none() | st.builds(
    MarkedDb, decibels, is_approximate=st.booleans(), bound=st.sampled_from([None, "at_least", "at_most"])
)
metres = st.integers(0, 16_000_000).map(lambda centimetres: centimetres / 100)


@given(
    st.builds(
        OtdrEvent,
        number=st.integers(0, 999),
        kind=st.sampled_from(["", "Reflection", "Splice", "Fiber"]),
        distance_m=metres,
        loss_db=marked,
        reflectance_db=marked,
        slope_db_per_km=marked,
        section_m=st.none() | metres,
        total_loss_db=marked,
    ),
    st.sampled_from(["", " ", "    "]),
)
def test_every_event_written_as_a_line_is_read_as_it_was(event: OtdrEvent, blanks: str) -> None:
    fields = [
        f"{event.number:3d}",
        event.kind,
        f"{event.distance_m:9.2f}",
        written(event.loss_db, blanks),
        written(event.reflectance_db, blanks),
        written(event.slope_db_per_km, blanks),
        "" if event.section_m is None else f"{event.section_m:.2f}",
        written(event.total_loss_db, blanks),
    ]
    assert parse_line(",".join(fields), 1.0) == event


def written(value: MarkedDb | None, blanks: str) -> str:
    if value is None:
        return blanks
    bound = {None: "", "at_least": ">", "at_most": "<"}[value.bound]
    return f"{'~' if value.is_approximate else ''}{blanks}{bound}{blanks}{value.value:.3f}"


def test_the_emulator_writes_lines_as_real_ones_are() -> None:
    fit = SectionFit(0.0, 1000.0, -30.0, 0.0002)
    analysis = Analysis(
        (
            Event("port", 0.0, None, -25.75, saturated=True, cumulated_db=None, before=None, after=None),
            Event(
                "reflective", 40.29, 0.5, -58.65, saturated=False, cumulated_db=None, before=None, after=fit
            ),
            Event("gainer", 1040.29, -0.1, None, saturated=False, cumulated_db=0.7, before=fit, after=fit),
        ),
        noise_rms=1e-9,
        orl_db=30.0,
    )
    assert table_lines(analysis) == [
        "  1,,     0.00,,>-25.75,,     0.00,",
        "  2,Reflection,    40.29,~  0.500,~-58.65,,    40.29,",
        "  3,Splice,  1040.29, -0.100,,0.200,  1000.00,0.700",
    ]
    loss_db = parse_line(table_lines(analysis)[1], 1.0).loss_db
    assert loss_db == MarkedDb(0.5, is_approximate=True)
