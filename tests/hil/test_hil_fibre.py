"""The fibre's acceptance: the right fibre passes, each wrong one fails exactly the checks named here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from drivers.facts.plant_events import DirtyConnector
from emulators.plant.changed_path import with_faults, with_hidden_loss
from emulators.plant.path import FibreSpan, OpticalPath
from hil_tests.limits import Limit
from hil_tests.measure.registry import measure
from hil_tests.run_data import read_run
from hil_tests.verdict import applies
from sweeps.record.facts import RunFacts
from tests.hil.fibre_runs import (
    SETTINGS,
    SETTINGS_1310,
    SETTINGS_1625,
    FibreRun,
    both_ways,
    cut_both_ways,
    dirty_and_reflecting,
    fibre_run,
    papers_link,
)
from tests.hil.shipped_limits import LIMITS, by_verdict, checks_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drivers.roles import OtdrEvent
    from sweeps.record.run_record import RunRecord

AT_1550 = {
    "fibre_traces_taken",
    "fibre_length_m",
    "fibre_loss_1550nm",
    "fibre_connection_loss_1550nm",
    "fibre_splice_loss_1550nm",
    "fibre_reflectance_1550nm",
    "fibre_orl_1550nm",
    "fibre_slope_1550nm",
}


@pytest.mark.parametrize("seed", range(6))
def test_the_papers_fibre_passes(tmp_path: Path, seed: int) -> None:
    run = fibre_run(tmp_path / "run", seed)
    assert by_verdict(run, "pass") == set(checks_of(run)) == AT_1550


def test_wavelengths_of_the_plan_are_judged_and_no_others(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(settings=(SETTINGS, SETTINGS_1310, SETTINGS_1625)))
    checks = checks_of(run)
    assert by_verdict(run, "pass") == set(checks)
    assert {check.wavelength_nm for check in checks.values()} == {None, 1310.0, 1550.0, 1625.0}
    assert len(checks) == 3 + 3 * 5


def test_the_values_are_those_of_the_link(tmp_path: Path) -> None:
    checks = checks_of(fibre_run(tmp_path / "run", 1))
    assert checks["fibre_loss_1550nm"].value == pytest.approx(0.0, abs=0.01)
    assert "inventory 12.47 dB" in checks["fibre_loss_1550nm"].note
    assert checks["fibre_length_m"].value == pytest.approx(0.0, abs=1.0)
    # The cord that joins two connectors of 0.71 dB.
    assert checks["fibre_connection_loss_1550nm"].value == pytest.approx(1.42, abs=0.01)
    assert checks["fibre_splice_loss_1550nm"].value == pytest.approx(0.09, abs=0.01)
    # Two reflections of -45 dB in one event.
    assert checks["fibre_reflectance_1550nm"].value == pytest.approx(-42.6, abs=0.3)
    assert checks["fibre_slope_1550nm"].value == pytest.approx(0.195, abs=0.003)


# --- wrong fibres


def hidden_loss() -> FibreRun:
    return FibreRun(both_ways(with_hidden_loss(papers_link(), 1.0)))


def spread_loss() -> FibreRun:
    """Lose 1 dB more in all of the fibre: 0.05 dB/km, which no event shows."""
    path = papers_link()
    lossy = [_darker(e) if isinstance(e, FibreSpan) else e for e in path.elements]
    return FibreRun(both_ways(replace(path, elements=tuple(lossy))))


def _darker(span: FibreSpan) -> FibreSpan:
    spectrum = span.fibre.attenuation_db_per_km
    more = replace(spectrum, values=tuple(value + 0.05 for value in spectrum.values))
    return replace(span, fibre=replace(span.fibre, attenuation_db_per_km=more))


def dirty_and_lossy() -> FibreRun:
    dirt = DirtyConnector(connector=4, loss_db=0.8, reflectance_db=-40.0)
    return FibreRun(both_ways(with_faults(papers_link(), [dirt], 1550.0)))


def too_long() -> FibreRun:
    """Lay 300 m more: 0.06 dB, which the loss may well hide."""
    return FibreRun(both_ways(_with_longer_span(papers_link(), 300.0)))


def _with_longer_span(path: OpticalPath, by_m: float) -> OpticalPath:
    index, span = next((i, e) for i, e in enumerate(path.elements) if isinstance(e, FibreSpan))
    longer = replace(span, length_m=span.length_m + by_m)
    return replace(path, elements=(*path.elements[:index], longer, *path.elements[index + 1 :]))


@pytest.mark.parametrize(
    ("wanted", "fails"),
    [
        (hidden_loss, {"fibre_loss_1550nm", "fibre_splice_loss_1550nm"}),
        (spread_loss, {"fibre_loss_1550nm"}),
        (dirty_and_reflecting, {"fibre_reflectance_1550nm"}),
        (dirty_and_lossy, {"fibre_loss_1550nm", "fibre_connection_loss_1550nm"}),
        (too_long, {"fibre_length_m"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_fibre_fails_exactly(
    tmp_path: Path, wanted: Callable[[], FibreRun], fails: set[str], seed: int
) -> None:
    run = fibre_run(tmp_path / "run", seed, wanted())
    assert by_verdict(run, "fail") == fails
    assert by_verdict(run, "incomplete") == set()


def test_a_strong_reflection_fails_the_return_loss(tmp_path: Path) -> None:
    dirt = DirtyConnector(connector=1, loss_db=0.0, reflectance_db=-20.0)
    path = with_faults(papers_link(), [dirt], 1550.0)
    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(both_ways(path))))
    assert checks["fibre_orl_1550nm"].verdict == "fail"
    # It saturates the receiver, so that the true return loss of 20 dB is below what is told.
    assert checks["fibre_orl_1550nm"].note.endswith("the receiver was saturated")
    assert "from gdc_a, at most" in checks["fibre_orl_1550nm"].note
    assert checks["fibre_reflectance_1550nm"].verdict == "fail"


@pytest.mark.parametrize("position_m", [1500.0, 8000.0, 19_500.0])
def test_a_cut_is_told_in_words_and_gives_no_number(tmp_path: Path, position_m: float) -> None:
    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(cut_both_ways(papers_link(), position_m))))
    for name in AT_1550 - {"fibre_traces_taken"}:
        assert (checks[name].verdict, checks[name].value) == ("incomplete", None), name
        assert "where the tail fibre should begin; the fibre ends" in checks[name].note
    near_m = 1000.0 + position_m
    assert f"the fibre ends {near_m:.0f} m" in checks["fibre_length_m"].note


def test_a_launch_that_was_forgotten_is_told(tmp_path: Path) -> None:
    """Without the launch fibre nothing ends where it should."""

    def shift(events: list[OtdrEvent]) -> list[OtdrEvent]:
        return [replace(e, distance_m=max(e.distance_m - 1000.0, 0.0)) for e in events if e.number != 2]

    checks = checks_of(fibre_run(tmp_path / "run", 1, FibreRun(events=shift)))
    assert checks["fibre_length_m"].verdict == "incomplete"
    assert "where the launch fibre should end" in checks["fibre_length_m"].note


# --- what is missing, changed or broken


def test_a_direction_that_is_missing_makes_all_incomplete(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(both_ways(papers_link())[:1], planned=2))
    checks = checks_of(run)
    assert by_verdict(run, "fail") == {"fibre_traces_taken"}
    assert by_verdict(run, "incomplete") == AT_1550 - {"fibre_traces_taken"}
    assert checks["fibre_loss_1550nm"].note == "1550 nm: 1 of 2 traces, from gdc_a"


def test_one_direction_is_enough_where_no_more_is_planned(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(both_ways(papers_link())[:1]))
    checks = checks_of(run)
    assert checks["fibre_loss_1550nm"].verdict == "pass"
    assert "one direction only" in checks["fibre_loss_1550nm"].note
    # What one direction sees: 0.02 dB, and 0.35 dB that are no loss.
    splice, connection = checks["fibre_splice_loss_1550nm"], checks["fibre_connection_loss_1550nm"]
    assert (splice.verdict, splice.value) == ("incomplete", None)
    assert splice.note.startswith("one direction only: a splice's own loss cannot be told (0.3")
    assert (connection.verdict, connection.value) == ("incomplete", None)
    assert "one direction only: a connection's own loss cannot be told (1.4" in connection.note
    assert by_verdict(run, "fail") == set()


def test_no_traces_at_all_are_incomplete(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(seen=(), planned=2))
    assert by_verdict(run, "pass") == set()
    assert checks_of(run)["fibre_loss_1550nm"].note == "1550 nm: no trace was taken"
    assert by_verdict(run, "fail") == {"fibre_traces_taken"}


def lost(_content: bytes) -> None:
    """Keep nothing."""


def changed(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def emptied(_content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (lost, "cannot be read: No such file"),
        (changed, "its SHA-256 is another"),
        (emptied, "its SHA-256 is another"),
    ],
)
def test_a_file_that_is_not_the_one_taken_makes_all_incomplete(
    tmp_path: Path, file: Callable[[bytes], bytes | None], words: str
) -> None:
    run = fibre_run(tmp_path / "run", 1, FibreRun(file=file))
    assert by_verdict(run, "incomplete") == AT_1550
    for check in checks_of(run).values():
        assert words in check.note, check.name
        assert "0-gdc_a-1550nm.sor" in check.note


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1)
    run._write("UPDATE acquisition SET sor_sha256 = ?", (_keep_half(run),))
    assert by_verdict(run, "incomplete") == AT_1550
    assert "gdc_a-1550nm.sor is broken: " in checks_of(run)["fibre_length_m"].note


def _keep_half(run: RunRecord) -> str:
    """Cut every file in the middle and return the sum of what is left of the first."""
    import hashlib

    sums: list[str] = []
    for path in sorted(run.artefacts.iterdir()):
        path.write_bytes(path.read_bytes()[:500])
        sums.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return sums[0]


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    run = fibre_run(tmp_path / "run", 1)
    run._write("UPDATE acquisition SET sor = ?", ("../log.sqlite",))
    assert "is no name of an artefact" in checks_of(run)["fibre_length_m"].note


def test_a_run_that_did_not_finish_is_incomplete(tmp_path: Path) -> None:
    def unfinished(meta: dict[str, Any]) -> None:
        del meta["finished_utc_s"]

    run = fibre_run(tmp_path / "run", 1, FibreRun(meta=unfinished))
    assert by_verdict(run, "incomplete") == AT_1550


# --- limits


def limit(quantity: str, statistic: str, **settings: object) -> Limit:
    values = {"title": "t", "procedure": "fibre", "unit": "dB", "guard_band": 0, "source": "s", "high": 20.0}
    return Limit.model_validate({**values, "quantity": quantity, "statistic": statistic, **settings})


def test_the_inventorys_loss_is_for_its_own_wavelength(tmp_path: Path) -> None:
    data = read_run(fibre_run(tmp_path / "run", 1, FibreRun(settings=(SETTINGS_1310,))))
    measured = measure(data, limit("fibre_loss", "offset", wavelength_nm=1310.0))
    assert measured.estimate is None
    assert measured.note == "the inventory gives the fibre's loss at 1550 nm only"


@pytest.mark.parametrize("key", ["length_km", "loss_db"])
def test_what_the_inventory_does_not_say_is_incomplete(tmp_path: Path, key: str) -> None:
    def forget(meta: dict[str, Any]) -> None:
        del meta["fibre"][key]

    run = fibre_run(tmp_path / "run", 1, FibreRun(meta=forget))
    name = {"length_km": "fibre_length_m", "loss_db": "fibre_loss_1550nm"}[key]
    assert by_verdict(run, "incomplete") == {name}


def test_a_limit_needs_its_wavelength() -> None:
    with pytest.raises(ValueError, match="'wavelength_nm' is missing"):
        limit("fibre_orl", "worst")
    with pytest.raises(ValueError, match="'wavelength_nm' belongs to procedure 'fibre'"):
        limit("skr", "mean", unit="bps", procedure="stability", wavelength_nm=1550.0)


def test_a_limit_applies_by_plan_and_procedure() -> None:
    def facts(procedure: str, **plan: object) -> RunFacts:
        return RunFacts.model_validate({"procedure": procedure, "plan": plan})

    at_1550 = limit("fibre_orl", "worst", wavelength_nm=1550.0)
    assert applies(at_1550, facts("fibre", fibre={"wavelengths_nm": [1310.0, 1550.0]}))
    assert not applies(at_1550, facts("fibre", fibre={"wavelengths_nm": [1310.0]}))
    assert not applies(at_1550, facts("fibre"))
    assert not applies(at_1550, facts("stability", fibre={"wavelengths_nm": [1550.0]}))
    # The ends of the pair are not asked who they are while the fibre hangs on the OTDR.
    any_of_the_pair = LIMITS.checks["appliance_alice_end"]
    assert applies(any_of_the_pair, facts("stability"))
    assert not applies(any_of_the_pair, facts("fibre", fibre={"wavelengths_nm": [1550.0]}))
