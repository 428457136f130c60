"""Figures, limits, times and facts as people read them."""

from __future__ import annotations

import pytest

from hil_tests.report import formats


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2394.7, "bps", "2,395 bps"),
        (0.0190206, "1", "0.01902"),
        (-0.236, "dB", "\u22120.236 dB"),
        (-0.0002, "dB", "0.000 dB"),
        (0.0, "records", "0"),
        (None, "bps", "\u2013"),
    ],
)
def test_figures(value: float | None, unit: str, text: str) -> None:
    assert formats.figure(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (377.0, "bps", "+377 bps"),
        (-0.0002, "dB", "0.000 dB"),
        (0.0, "1", "0"),
        (0.011, "1", "+0.011"),
        (-3.0, "bps", "\u22123 bps"),
    ],
)
def test_margins_have_a_sign_unless_they_are_nothing(value: float, unit: str, text: str) -> None:
    assert formats.figure(value, unit, signed=True) == text


@pytest.mark.parametrize(
    ("error", "unit", "text"),
    [
        (17.3, "bps", "± 17 bps"),
        (0.000631, "1", "± 0.00063"),
        (0.0193, "dB", "± 0.019 dB"),
        (1234.0, "1/s", "± 1,234 1/s"),
        (0.0, "bps", ""),
        (None, "bps", ""),
    ],
)
def test_uncertainties_have_two_digits(error: float | None, unit: str, text: str) -> None:
    assert formats.uncertainty(error, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(863_991, "10 d"), (90_000, "1 d 1 h"), (61, "1 min 1 s"), (3599.9, "1 h"), (12.3, "12 s"), (0, "0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (2014.0, None, "bps", "≥ 2,014 bps"),
        (None, 5.0, "bps", "≤ 5 bps"),
        (0.0, 0.0, "bps", "= 0 bps"),
        (-1.0, 1.0, "dB", "\u22121 to 1 dB"),
        (0.001, 0.0251, "1", "0.001 to 0.0251"),
    ],
)
def test_limits_for_people(low: float | None, high: float | None, unit: str, text: str) -> None:
    assert formats.limit(low, high, unit) == text


def test_times_are_utc_or_not_recorded() -> None:
    assert formats.utc(1_704_067_200.0) == "2024-01-01 00:00:00 UTC"
    assert formats.utc(None) == "not recorded"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "dB", "not recorded"),
        ("", "", "not recorded"),
        (False, "", "no"),
        (12.47, "dB", "12.47 dB"),
        (0, "", "0"),
    ],
)
def test_facts(value: object, unit: str, text: str) -> None:
    assert formats.fact(value, unit) == text
