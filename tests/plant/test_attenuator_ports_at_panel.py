"""An attenuator's ports at the patch panel: what passes, what is refused, and what must never happen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from drivers.facts.lab import ControlRequest, Patch, PatchEnd, PatchPort
from emulators.plant.patch_panel import PatchRefused
from tests.plant.plants import Plant

if TYPE_CHECKING:
    from typing import Literal

REMOVED = {"kind": "attenuator_removed"}


class Ports(Plant):
    """The shipped plant, and its attenuator's cords."""

    def connect(self, port: Literal["input", "output"], to: Literal["link", "source", "nothing"]) -> float:
        """Connect a port and return what the link loses then, in dB."""
        self.panel.patch_port(PatchPort(gear="voa", port=port, to=to))
        return self.link.added_db()

    def told(self, kind: str) -> list[str]:
        return [text for of_kind, text in self.notes if of_kind == kind]


def test_the_link_is_dark_from_the_first_cord_to_the_last() -> None:
    plant = Ports()
    assert plant.link.added_db() == 0.0
    dark = [
        plant.connect("output", "nothing"),
        plant.connect("input", "source"),
        plant.connect("input", "link"),
    ]
    assert dark == [math.inf] * 3
    assert plant.connect("output", "link") == 0.0
    assert plant.told("source light") == []
    assert plant.told("patched") == [
        "voa: output connected to nothing",
        "voa: input connected to source",
        "voa: input connected to link",
        "voa: output connected to link",
    ]


@pytest.mark.parametrize("order", [("input", "output"), ("output", "input")])
def test_light_of_the_source_in_the_link_is_noted(order: tuple[Literal["input", "output"], ...]) -> None:
    plant = Ports()
    plant.connect("output", "nothing")
    for port in order:
        plant.connect(port, "source" if port == "input" else "link")
    assert plant.told("source light") == ["light of the source at voa reached the link"]


def test_each_plugging_of_the_source_is_counted_once() -> None:
    plant = Ports()
    assert plant.panel.source_mating("voa") == 0
    plant.connect("output", "nothing")
    matings: list[int] = []
    for to in ("source", "source", "link", "source"):
        plant.connect("input", to)
        matings.append(plant.panel.source_mating("voa"))
    assert matings == [1, 1, 0, 2]


def test_one_that_is_taken_out_is_calibrated_without_darkening_the_link() -> None:
    plant = Ports(reference=REMOVED)
    plant.panel.patch(Patch(gear="voa", in_line=False))
    assert plant.connect("input", "source") == 0.0
    with pytest.raises(PatchRefused, match="'voa' is not in line: its output has no place in the link"):
        plant.connect("output", "link")
    assert plant.panel.source_mating("voa") == 1
    plant.connect("input", "nothing")
    plant.panel.patch(Patch(gear="voa", in_line=True))
    assert plant.link.added_db() == 1.5
    assert plant.told("source light") == []


def test_ports_of_what_is_not_at_the_panel_are_refused() -> None:
    plant = Ports()
    with pytest.raises(PatchRefused, match="'bob' is not at the patch panel; there: voa"):
        plant.panel.patch_port(PatchPort(gear="bob", port="input", to="source"))
    with pytest.raises(PatchRefused, match="'bob' is not at the patch panel"):
        plant.panel.source_mating("bob")


def test_an_otdr_at_the_far_end_sees_no_further_than_the_attenuator() -> None:
    plant = Ports()
    plant.ends.patch(PatchEnd(site="gdc_a", to="otdr"))
    whole = plant.ends.path_seen("gdc_a")
    plant.connect("output", "nothing")
    cut_short = plant.ends.path_seen("gdc_a")
    assert whole is not None
    assert cut_short is not None
    assert cut_short.length_m() == whole.length_m()
    # The receiver behind it gets none of its light any more.
    plant.ends.light_on("gdc_a")
    assert plant.told("otdr light") == []
    plant.ends.light_off("gdc_a")
    plant.connect("output", "link")
    plant.ends.light_on("gdc_a")
    assert len(plant.told("otdr light")) == 1


def test_a_source_does_not_fit_an_output() -> None:
    with pytest.raises(ValidationError, match="a light source belongs to an input"):
        PatchPort(gear="voa", port="output", to="source")


@pytest.mark.parametrize(
    "patch",
    [
        Patch(gear="voa", in_line=True),
        PatchEnd(site="gdc_a", to="otdr"),
        PatchPort(gear="voa", port="input", to="source"),
    ],
)
def test_every_act_comes_back_from_the_wire_as_what_it_was(patch: Patch | PatchEnd | PatchPort) -> None:
    request = ControlRequest(do="patch", patch=patch)
    assert ControlRequest.model_validate_json(request.model_dump_json()).patch == patch


@pytest.mark.parametrize("in_line", [True, False])
def test_a_device_is_not_moved_with_a_port_off_its_place(*, in_line: bool) -> None:
    plant = Ports()
    plant.connect("output", "nothing")
    plant.connect("input", "source")
    before = list(plant.notes)
    with pytest.raises(
        PatchRefused, match="its input is connected to source and its output is connected to n"
    ):
        plant.panel.patch(Patch(gear="voa", in_line=in_line))
    assert plant.notes == before
    assert (plant.panel.source_mating("voa"), plant.link.added_db()) == (1, math.inf)


def test_one_that_is_out_with_the_source_at_it_is_not_put_in_line_and_stays_out() -> None:
    plant = Ports(reference=REMOVED)
    plant.panel.patch(Patch(gear="voa", in_line=False))
    plant.connect("input", "source")
    plant.panel.patch(Patch(gear="voa", in_line=False))
    assert plant.panel.source_mating("voa") == 1
    with pytest.raises(PatchRefused, match="cannot be moved while its input is connected to source"):
        plant.panel.patch(Patch(gear="voa", in_line=True))
    assert plant.panel.source_mating("voa") == 1
