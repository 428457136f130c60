"""`python -m sweeps list | show | export` as people and scripts use them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from sweeps.__main__ import app
from sweeps.record.run_record import RunRecord
from sweeps.record.schema import Gap
from sweeps.record.words import commit, end_in_words, flat, plain, ranges, utc
from tests.acceptance.benches import PROJECT
from tests.record.written_runs import COMMIT, meta, spoil, stability, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

LONG_NAME = "20240101T000000Z-attenuation-paper"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    sweep(tmp_path / LONG_NAME)
    away = {"pid": 1, "host": "elsewhere", "started_utc_s": 1.0}
    stability(
        tmp_path / "20230101T000000Z-stability-paper",
        meta(started_utc_s=2.0, finished_utc_s=None, runner=away),
    )
    spoil(stability(tmp_path / "broken"), "PRAGMA user_version = 1")
    return tmp_path


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_piped_list_has_a_line_for_each_run_and_nothing_but_text(runs: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sweeps", "list", "--runs", runs],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    title, *rows = done.stdout.splitlines()
    assert title.split() == ["run", "state", "records", "gaps", "target", "seed", "station", "commit"]
    cells = {row.split()[0]: row for row in rows}
    assert cells[LONG_NAME].split()[1:5] == ["finished", "6/12", "3", "emulator"]
    assert cells[LONG_NAME].split()[-2:] == [f"{COMMIT[:8]},", "ffffffff+"]
    assert "on another host" in cells["20230101T000000Z-stability-paper"]
    assert cells["broken"].split()[1] == "unreadable"
    assert "record version 1" in rows[-1]
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_shows_names_and_states_unbroken(runs: Path, columns: int) -> None:
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": str(columns)}
    done = subprocess.run(
        [sys.executable, "-m", "sweeps", "list", "--runs", runs],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines()
    assert max(map(cell_len, lines)) <= columns
    (row,) = [line for line in lines if line.startswith(f"{LONG_NAME} ")]
    assert "finished" in row
    assert "6/12" in row
    assert ("paper-link" in row) == (columns == 120)


def test_the_list_for_machines_is_json_with_everything(runs: Path) -> None:
    done = invoke("list", "--runs", runs, "--json")
    assert done.exit_code == 0
    listed = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert listed[LONG_NAME]["state"] == "finished"
    assert listed[LONG_NAME]["commits"] == [COMMIT, "f" * 40]
    assert listed[LONG_NAME]["folder"] == str(runs / LONG_NAME)
    assert listed["broken"]["state"] == "unreadable"
    assert "record version 1" in listed["broken"]["reason"]


def test_no_runs_is_no_error(tmp_path: Path) -> None:
    done = invoke("list", "--runs", tmp_path / "nowhere")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no run records in" in done.stderr
    assert json.loads(invoke("list", "--runs", tmp_path, "--json").stdout) == []


def test_show_tells_everything_about_one_run(runs: Path) -> None:
    done = invoke("show", "20240101", "--runs", runs)
    assert done.exit_code == 0
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for line in (
        LONG_NAME,
        "state finished",
        "procedure attenuation, plan smoke",
        "records 6/12, gaps: 3",
        "started 2024-01-01 00:16:40 UTC",
        "attenuation.added_db 0.0, 5.0, 10.0",
        "appliances.alice.serial XGR-0001",
        "attenuator.model mVOA-C1",
        "fibre.length_km 19.87",
        f"limits_sha256 {'b' * 64}",
        "1 0 0 0 0.001 1550.12 2 2",
        "3 1 5 5 5.001 1550.12 2 0",
        "no answer within 10 s 1 2 2-3 -",
        "no longer held - 0 5-9",
        r'2024-01-01 00:00:00 device, said bob: "[bold]x\x1b[31m"\r\nand, more',
    ):
        assert line in said
    assert sum("bench-1" in line for line in said) == 3  # the provenance's host and two sessions'


def test_show_says_why_a_run_was_broken_off_and_what_it_follows(tmp_path: Path) -> None:
    stability(tmp_path / "one", meta(finished_utc_s=None, ended="BenchError: no [light]", follows="zero"))
    said = [" ".join(line.split()) for line in invoke("show", tmp_path / "one").stdout.splitlines()]
    assert "state broken off: BenchError: no [light]" in said
    assert "follows zero" in said
    assert "finished -" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "20"), "several"),
        (("show", "nonesuch"), f"there are: broken, {LONG_NAME}"),
        (("show", "broken"), "record version 1, this program reads 3"),
        (("export", "nonesuch"), "there are: "),
        (("export", "broken"), "record version 1"),
    ],
)
def test_mistakes_are_told_in_words(runs: Path, arguments: tuple[str, ...], words: str) -> None:
    done = invoke(*arguments, "--runs", runs)
    assert done.exit_code == 2
    assert done.stderr.startswith("RecordError: ")
    assert words in done.stderr
    assert done.stdout == ""


def test_torn_facts_are_told_in_words_by_every_command(tmp_path: Path) -> None:
    folder = stability(tmp_path / "one")
    spoil(folder, "UPDATE meta SET value = '{' WHERE key = 'fibre'")
    for arguments in (("show", folder), ("export", folder)):
        done = invoke(*arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.startswith("RecordError: ")


def test_export_names_its_files_and_does_not_overwrite_unasked(runs: Path) -> None:
    done = invoke("export", LONG_NAME, "--runs", runs)
    assert done.exit_code == 0
    to = runs / LONG_NAME / "artefacts" / "export"
    assert sorted(done.stdout.split()) == sorted(map(str, to.iterdir()))
    again = invoke("export", LONG_NAME, "--runs", runs)
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert invoke("export", LONG_NAME, "--runs", runs, "--force").exit_code == 0
    elsewhere = invoke("export", runs / LONG_NAME, "--to", runs / "else", "--format", "parquet")
    assert elsewhere.exit_code == 0
    assert (runs / "else" / "telemetry.parquet").exists()


def test_the_end_of_a_run_says_what_it_has_and_not_what_it_was_to_have(tmp_path: Path) -> None:
    with RunRecord.open(sweep(tmp_path / "one")) as run:
        assert end_in_words(run, 12) == "schedule over: 6 of 12 records, 2 gaps"
    with RunRecord.open(stability(tmp_path / "two")) as run:
        run.add_gap(Gap(3, None, None, "silence"))
        assert end_in_words(run, 4) == "schedule over: 3 of 4 records, 1 gap"


def test_words() -> None:
    assert commit(["a" * 40], None) == "aaaaaaaa?"
    assert commit([], None) == "-"
    assert ranges([]) == ""
    assert ranges([7, 0, 1, 2, 2]) == "0-2, 7"
    assert ranges(range(0, 40, 2)) == "0, 2, 4, 6, 8, 10, 12, 14 and 12 more"
    assert utc(None) == "-"
    assert utc(1e300) == "1e+300 s"
    assert plain("a\ud800\n\x1b") == r"a\ud800\n\x1b"
    assert [plain(value) for value in (None, True, False, 0)] == ["-", "yes", "no", "0"]
    assert dict(flat({"a": {"b": [1, 2]}, "c": []})) == {"a.b": "1, 2", "c": "-"}
