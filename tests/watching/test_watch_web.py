"""The page's server over real HTTP: what it gives, to whom, and nothing else."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.benches import PROJECT
from tests.watching.made_up import T0_S, add_records, begin, record_at
from tests.watching.watch_server import watch_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sweeps.record.run_record import RunRecord
    from tests.watching.watch_server import Server

PAGE = ("/", "/page.css", "/page.js", "/chart.js", "/words.js", "/icon.svg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched") / "run"


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[RunRecord]:
    with begin(folder) as begun:
        begun.set_meta("provenance", {"command": "python --password hunter2"})
        add_records(begun, range(20))
        yield begun


@pytest.fixture(scope="module")
def server(folder: Path, run: RunRecord) -> Iterator[Server]:
    del run
    with watch_page(folder) as started:
        yield started


def ask(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def view_of(server: Server) -> dict[str, Any]:
    answer, body = ask(server, "/view.json")
    assert answer.status == 200
    return json.loads(body)


def test_the_view_is_the_runs(server: Server) -> None:
    shown = view_of(server)
    view = shown["view"]
    assert (view["state"], view["taken"], view["planned"]) == ("running", 20, 60)
    assert view["facts"]["clock"] == "virtual"
    assert view["series"]["t_s"] == [T0_S + number * 10 for number in range(20)]
    assert [quantity["key"] for quantity in shown["quantities"]] == [
        "skr_bps", "qber", "visibility", "detection_count"
    ]  # fmt: skip
    assert view["series"]["columns"][3]["mean"][4] == record_at(4).detection_count
    assert not shown["is_over"]


def test_an_unchanged_view_costs_nothing(server: Server, run: RunRecord) -> None:
    answer, _ = ask(server, "/view.json")
    tag = answer.headers["ETag"]
    answer, body = ask(server, "/view.json", If_None_Match=tag)
    assert (answer.status, body) == (304, b"")
    assert answer.headers["ETag"] == tag
    add_records(run, [20])
    status = 304
    while status == 304:  # it looks once a second at most
        answer, body = ask(server, "/view.json", If_None_Match=tag)
        status = answer.status
    assert json.loads(body)["view"]["taken"] == 21
    assert answer.headers["ETag"] != tag


@pytest.mark.parametrize("path", [*PAGE, "/view.json", "/nonesuch"])
def test_every_answer_keeps_the_browser_on_a_short_lead(server: Server, path: str) -> None:
    answer, _ = ask(server, path)
    assert answer.status == (404 if path == "/nonesuch" else 200)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", PAGE)
def test_the_page_needs_nobody_else(server: Server, path: str) -> None:
    _, body = ask(server, path)
    for far in (b"https://", b"//cdn", b"@import", b"eval(", b"innerHTML"):
        assert far not in body
    assert body.replace(b"http://www.w3.org/2000/svg", b"").count(b"http://") == 0


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1"])
def test_another_name_for_this_host_is_refused(server: Server, host: str) -> None:
    answer, body = ask(server, "/view.json", Host=host)
    assert answer.status == 400
    assert b"taken" not in body


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_hosts_own_names_are_served(server: Server, host: str) -> None:
    answer, _ = ask(server, "/view.json", Host=f"{host}:{server.port}")
    assert answer.status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/view.json"])
def test_there_is_nothing_but_reading(server: Server, method: str, path: str) -> None:
    assert ask(server, path, method)[0].status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/log.sqlite", "/../log.sqlite", "/..%2f..%2flog.sqlite", "/page/../../web.py", "/artefacts/",
        "/openapi.json", "/docs", "/redoc", "//etc/passwd", "/page.css/../../web.py",
    ],
)  # fmt: skip
def test_nothing_but_the_page_and_the_view_can_be_reached(server: Server, path: str) -> None:
    assert ask(server, path)[0].status == 404


def test_no_facts_but_those_that_are_shown_leave_the_record(server: Server) -> None:
    _, body = ask(server, "/view.json")
    assert b"hunter2" not in body
    assert b"provenance" not in body


def test_it_listens_on_this_host_only(server: Server) -> None:
    others = {
        str(info[4][0])
        for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not str(info[4][0]).startswith("127.")
    }
    with socket.socket() as listening:
        # Any other loopback address reaches a server that listens everywhere.
        for address in {"127.0.0.2", *others}:
            assert listening.connect_ex((address, server.port)) != 0


def test_a_port_that_is_taken_is_told(server: Server, folder: Path) -> None:
    command = [sys.executable, "-m", "sweeps", "watch", str(folder), "--web", "--port", str(server.port)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"port {server.port}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_the_page_and_leaves_the_run_alone(folder: Path, run: RunRecord) -> None:
    with watch_page(folder) as server:
        view_of(server)
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=20)
        assert server.process.returncode == 130
        assert errors == "stopped watching; the run is left alone\n"
    before = run.count_records()
    add_records(run, [40])
    assert run.count_records() == before + 1
