"""The inventory: read whole, refused whole, every mistake told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import InventoryError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.connections import SecretReference, WebApiConnection
from drivers.facts.inventory import FibrePlan, Inventory
from sweeps.choice import choose

PROJECT = Path(__file__).parents[2]
SHIPPED = PROJECT / "inventory.yaml"


def changed(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """Write the shipped inventory with some of its text replaced."""
    text = SHIPPED.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "inventory.yaml"
    path.write_text(text)
    return path


def mistakes_of(path: Path) -> list[str]:
    checked = read_checked(path, Inventory)
    assert checked.value is None
    return checked.mistakes


def test_the_shipped_inventory_is_right() -> None:
    checked = read_checked(SHIPPED, Inventory)
    assert checked.mistakes == []
    assert checked.value is not None
    fibre = checked.value.stations["paper-link"].fibre
    assert (fibre.length_km, fibre.loss_db) == (19.87, 12.47)  # paper, Table 1
    paper = checked.value.plans["paper"]
    assert paper.attenuation.added_db == [0, 3, 5, 7, 8, 10, 12]
    assert paper.stability.records * paper.record_period_s == 10 * 86_400


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InventoryError, match=r"nowhere\.yaml: 1 mistake\n  cannot be read: No such file"):
        choose(Path("nowhere.yaml"), None, "smoke", "emulator", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [1\nb: }", "is not valid YAML", id="syntax"),
        pytest.param("", "got None", id="empty"),
        pytest.param("- 1\n- 2\n", "got a list", id="list"),
        pytest.param("version: 2\nstations: {}\nplans: {}\n", "version: got 2", id="version"),
        pytest.param("&a [*a]", "got a list", id="recursive"),
        pytest.param("a: 2024-02-30T00:00:00Z", "is not valid YAML: day is out of range", id="no-such-day"),
        pytest.param("a: \x07", "is not valid YAML", id="control-character"),
        pytest.param("[" * 100_000, "is not valid YAML", id="brackets-without-end"),
    ],
)
def test_bad_yaml_is_a_mistake_and_never_a_traceback(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    assert said in "\n".join(mistakes_of(path))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert mistakes_of(path) == ["is not UTF-8 text"]


def test_an_unknown_driver_is_told_with_the_known_ones(tmp_path: Path) -> None:
    path = changed(tmp_path, ("driver: viavi_map_mvoa", "driver: acme_voa"))
    (mistake,) = mistakes_of(path)
    assert mistake.startswith("stations.paper-link.gear.voa: ")
    assert "acme_voa" in mistake
    assert "viavi_map_mvoa" in mistake
    assert "cerberis_xgr" in mistake


def test_a_wrong_type_is_told_with_path_value_and_expectation(tmp_path: Path) -> None:
    path = changed(tmp_path, ("records_per_point: 100", "records_per_point: many"))
    (mistake,) = mistakes_of(path)
    assert mistake.startswith("plans.paper.attenuation.records_per_point: got 'many': ")
    assert "valid integer" in mistake


def test_a_station_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = SHIPPED.read_text()
    start, end = text.index("  paper-link:"), text.index("plans:")
    path = tmp_path / "inventory.yaml"
    path.write_text(text[:end] + text[start:end] + text[end:])
    (mistake,) = mistakes_of(path)
    assert "'paper-link' stands here a second time" in mistake


def test_five_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        ("length_km: 19.87", "length_km: far"),
        ("added_db_max: 15", "added_db_max: -1"),
        ("resource: TCPIP::198.51.100.20::8201::SOCKET", "resource: GPIB0::7::INSTR"),
        ("site: gdc_a", "sight: gdc_a"),
        ("record_period_s: 10", "record_period_s: 0"),
    )
    told = "\n".join(mistakes_of(path))
    for part in (
        "fibre.length_km: got 'far'",
        "limits.added_db_max: got -1",
        "gear.voa.lab.resource: got 'GPIB0::7::INSTR'",
        "gear.alice.sight: unknown key",
        "gear.alice.site: missing",
        "plans.paper.record_period_s: got 0",
    ):
        assert part in told


def test_gear_on_an_unknown_site_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, ("site: gdc_b", "site: gdc_c"))
    assert any("no site 'gdc_c'; known: gdc_a, gdc_b" in mistake for mistake in mistakes_of(path))


def test_a_password_written_down_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = changed(tmp_path, ("password: {env: QKD_ALICE_PASSWORD}", "password: hunter2"))
    (mistake,) = mistakes_of(path)
    assert "gear.alice.lab.password" in mistake
    assert "hunter2" not in mistake


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("settle_s: 5", "settle_s: .inf", "plans.paper.attenuation.settle_s: got inf"),
        ("record_period_s: 10", "record_period_s: .inf", "plans.paper.record_period_s: got inf"),
        ("2024-01-01T00:00:00Z", "1969-01-01T00:00:00Z", "plans.paper.virtual_t0"),
        ("device: 1", "device: 1\n          deadline_s: 1.0e8", "gear.voa.lab.deadline_s"),
        ("      voa:", "      Dämpfer:", "gear"),
        ("https://192.0.2.10:443", "https://a b", "gear.alice.lab.url"),
        ("https://192.0.2.10:443", "https://:443", "gear.alice.lab.url"),
        ("https://192.0.2.10:443", "https://alice..lab", "gear.alice.lab.url"),
        ("https://192.0.2.10:443", f"https://{'a' * 64}.lab", "gear.alice.lab.url"),
        ("https://192.0.2.10:443", "https://192.0.2.10:99999", "gear.alice.lab.url"),
        ("https://192.0.2.10:443", "http://192.0.2.10", "gear.alice.lab.url"),
        ("end: alice", "end: bob", "expected exactly one of each: alice, bob"),
        ("kind: referenced_out", "kind: guessed", "reference.kind: got 'guessed'"),
        (
            "device: 1",
            "device: 1\n        insertion_loss: {loss_db: -1, source: us}",
            "gear.voa.insertion_loss.loss_db",
        ),
        (
            "device: 1",
            "device: 1\n        insertion_loss: {loss_db: 1.2}",
            "gear.voa.insertion_loss.source: missing",
        ),
    ],
)
def test_what_would_break_a_run_later_is_refused_at_once(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in "\n".join(mistakes_of(changed(tmp_path, (old, new))))


def test_credentials_in_an_address_are_not_repeated(tmp_path: Path) -> None:
    path = changed(tmp_path, ("https://192.0.2.10:443", "https://bench:hunter2@192.0.2.10"))
    (mistake,) = mistakes_of(path)
    assert "gear.alice.lab.url" in mistake
    assert "hunter2" not in mistake


def test_a_plan_beyond_the_stations_limit_is_refused_before_anything_moves(tmp_path: Path) -> None:
    path = changed(tmp_path, ("added_db_max: 15", "added_db_max: 9"))
    with pytest.raises(InventoryError) as caught:
        choose(path, None, "paper", "emulator", 1)
    assert caught.value.mistakes == [
        "plans.paper.attenuation.added_db: 10 is above the station's 9 dB",
        "plans.paper.attenuation.added_db: 12 is above the station's 9 dB",
    ]


def test_files_of_a_connection_are_found_from_the_inventory() -> None:
    connection = WebApiConnection.model_validate(
        {"url": "https://[::1]:443", "ca_file": "ca.pem", "user": "x", "password": {"file": "/run/secret"}}
    )
    found = connection.relative_to(Path("/bench"))
    assert (found.ca_file, found.password.file) == (Path("/bench/ca.pem"), Path("/run/secret"))


def test_unknown_station_and_plan_are_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="no station 'mars'; there are: paper-link"):
        choose(SHIPPED, "mars", "smoke", "emulator", 1)
    with pytest.raises(InventoryError, match="no plan 'forever'; there are: paper, smoke"):
        choose(SHIPPED, None, "forever", "emulator", 1)
    text = SHIPPED.read_text()
    station = text[text.index("  paper-link:") : text.index("plans:")]
    two = tmp_path / "inventory.yaml"
    two.write_text(text.replace("plans:", station.replace("paper-link:", "other-link:") + "plans:", 1))
    with pytest.raises(InventoryError, match="several stations; name one of: paper-link, other-link"):
        choose(two, None, "smoke", "emulator", 1)
    assert choose(two, "other-link", "smoke", "emulator", 1).station_name == "other-link"


def test_secrets_come_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_TEST_SECRET", "from the environment")
    (tmp_path / "secret").write_text("from a file\n")
    assert SecretReference(env="BENCH_TEST_SECRET").read() == "from the environment"
    assert SecretReference(file=tmp_path / "secret").read() == "from a file"


def test_a_secret_that_is_not_there_is_named_by_its_reference(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="environment variable BENCH_NO_SUCH is not set"):
        SecretReference(env="BENCH_NO_SUCH").read()
    with pytest.raises(LookupError, match="absent: No such file"):
        SecretReference(file=tmp_path / "absent").read()
    with pytest.raises(ValueError, match="exactly one of 'env' and 'file'"):
        SecretReference()


@pytest.mark.parametrize("wavelengths_nm", [[1550.0, 1550.0], [1550.0, 1310.0, 1549.5]])
def test_a_laser_that_is_named_twice_is_refused(wavelengths_nm: list[float]) -> None:
    """Two traces from one end would be taken for those from both."""
    plan = {"range_km": 40.0, "pulse_ns": 100.0, "averaging_s": 30.0}
    with pytest.raises(ValueError, match=r"nm are one laser: expected wavelengths at least 1 nm apart"):
        FibrePlan.model_validate({**plan, "wavelengths_nm": wavelengths_nm})
    apart = FibrePlan.model_validate({**plan, "wavelengths_nm": [1550.0, 1551.0]})
    assert apart.wavelengths_nm == [1550.0, 1551.0]
