from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml

from emulators.cow4.profile import (
    Profile,
    ProfileError,
    load_parameters,
    load_profile,
    read_parameters,
    read_profile,
)

if TYPE_CHECKING:
    from pathlib import Path

NAME = "cerberis_xgr_paper"


def write(folder: Path, **changes: object) -> Path:
    """Write the paper's profile with some parameters' values changed."""
    parameters: dict[str, dict[str, object]] = {
        name: {"value": parameter.value, "status": parameter.status, "source": parameter.source}
        for name, parameter in load_parameters(NAME).items()
    }
    for name, value in changes.items():
        parameters[name] = {"value": value, "status": "assumed", "source": "test"}
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump({"title": "changed", "parameters": parameters}))
    return path


def test_the_file_gives_the_profile_its_values() -> None:
    profile = load_profile(NAME)
    for name, parameter in load_parameters(NAME).items():
        assert getattr(profile, name) == parameter.value
    assert profile.block_bits == 512 * 1944


def test_no_more_freedom_than_declared() -> None:
    """Seven numbers fitted or set from the data (the published visibility is one), three for noise."""
    standing = Counter(parameter.status for parameter in load_parameters(NAME).values())
    from_the_data = standing["fitted"] + standing["set"] + 1
    assert load_parameters(NAME)["visibility"].status == "published"
    assert from_the_data <= 7
    assert standing["noise"] <= 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dead_time_s", 0.0),
        ("dead_time_s", "40 us"),
        ("dead_time_s", float("nan")),
        ("visibility", 1.01),
        ("mean_photon_number", -0.1),
        ("bit_state_probability", 0.5),
        ("bit_arm_transmission", 1.2),
        ("block_bits", 1000.5),
        ("error_correction_efficiency", 0.9),
        ("afterpulse_probability", True),
    ],
)
def test_an_impossible_value_is_refused_by_name(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(ProfileError, match=f"{name}.*{value}"):
        read_profile(write(tmp_path, **{name: value}))


def test_every_mistake_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        read_profile(write(tmp_path, visibility=2.0, dead_time_s=-1.0))
    assert len(caught.value.mistakes) == 2


def test_unknown_and_missing_parameters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="dead_tme_s: unknown parameter"):
        read_profile(write(tmp_path, dead_tme_s=4e-5))
    values = load_profile(NAME).model_dump()
    del values["dead_time_s"]
    with pytest.raises(ProfileError, match="dead_time_s: missing"):
        Profile.checked(values, "test")


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("{value: 1.0, status: guessed, source: x}", "status"),
        ("{value: 1.0, status: assumed, source: ''}", "source"),
        ("{value: 1.0, status: assumed}", "source"),
        ("{value: 1.0, status: assumed, source: x, unit: s}", "unit"),
    ],
)
def test_a_parameter_says_where_it_comes_from(tmp_path: Path, entry: str, complaint: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(f"title: bad\nparameters:\n  dead_time_s: {entry}\n")
    with pytest.raises(ProfileError, match=rf"dead_time_s\.{complaint}"):
        read_parameters(path)


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=NAME):
        load_profile("../profiles/nonesuch")


def test_a_wrong_bench_changes_only_what_was_asked() -> None:
    right = load_profile(NAME)
    wrong = right.with_changes(visibility=0.97, dark_count_factor=10.0)
    assert wrong.visibility == 0.97
    assert wrong.dark_count_rate_cps == pytest.approx(10.0 * right.dark_count_rate_cps)
    assert wrong.monitor_dark_count_rate_cps == pytest.approx(10.0 * right.monitor_dark_count_rate_cps)
    back = wrong.with_changes(visibility=right.visibility, dark_count_factor=0.1)
    assert back.model_dump() == pytest.approx(right.model_dump())
    assert right.with_changes() == right


def test_a_wrong_bench_must_be_possible() -> None:
    with pytest.raises(ProfileError, match="visibility"):
        load_profile(NAME).with_changes(visibility=1.2)
    with pytest.raises(ProfileError, match="dark_count_rate_cps"):
        load_profile(NAME).with_changes(dark_count_factor=-1.0)
