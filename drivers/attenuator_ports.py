"""Where an attenuator's ports are connected, as the operator said it, and the light source for its input.

Light of such a source would destroy a single-photon receiver. So the output is taken off the link and capped
before the source comes, and comes back after the source has gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.errors import LimitError, StationError
from drivers.facts.gear import MapMvoaGear
from drivers.facts.lab import PatchPort
from drivers.roles import OperatorTask

if TYPE_CHECKING:
    from drivers.facts.gear import CalibrationSource
    from drivers.facts.inventory import Station as StationFacts
    from drivers.roles import AttenuatorSpec, Operator


def calibration_source(station: StationFacts) -> CalibrationSource:
    """Return the source that the inventory has for the attenuator; StationError in words if there is none."""
    name, gear = next((name, gear) for name, gear in station.gear.items() if gear.role == "attenuator")
    if not isinstance(gear, MapMvoaGear) or not gear.has_power_meter:
        meter = "a calibration needs an attenuator with a power meter (has_power_meter: true)"
        raise StationError(f"gear.{name}: {meter}; {gear.driver} at {gear.site} has none")
    if gear.calibration_source is None:
        raise StationError(
            f"gear.{name}.calibration_source: missing; a calibration needs a light source of known power"
        )
    return gear.calibration_source


def insist_bearable(device: str, source: CalibrationSource, spec: AttenuatorSpec) -> None:
    """Raise LimitError if `source` may have more power than the device bears, or a foreign wavelength."""
    most_dbm = source.power_dbm + source.uncertainty_db
    if spec.max_input_dbm is None or most_dbm > spec.max_input_dbm:
        bears = "is not known" if spec.max_input_dbm is None else f"is {spec.max_input_dbm:g} dBm"
        raise LimitError(
            f"{device}: a source of up to {most_dbm:g} dBm must not be connected: its damage limit {bears}"
        )
    if not spec.min_wavelength_nm <= source.wavelength_nm <= spec.max_wavelength_nm:
        can = f"{spec.min_wavelength_nm:g} to {spec.max_wavelength_nm:g} nm"
        raise LimitError(f"{device}: the source has {source.wavelength_nm:g} nm; the device does {can}")


class AttenuatorPorts:
    """The attenuator's input and output: in the link or at a source, by what the operator said."""

    def __init__(self, station: str, facts: StationFacts, operator: Operator | None) -> None:
        self._station = station
        self._facts = facts
        self._operator = operator
        self._gear = next(name for name, gear in facts.gear.items() if gear.role == "attenuator")
        # One that 0 dB has taken out has no place in the link to which its ports could go back.
        self._is_out = facts.reference.kind == "attenuator_removed"
        self._is_off_link = False

    @property
    def is_off_link(self) -> bool:
        """Whether somebody began to take them off their places, and has not said that they are back."""
        return self._is_off_link

    def take_for_off_link(self) -> None:
        """Take them for being off their places: somebody began that in an earlier process."""
        self._is_off_link = True

    def put_on_source(self, spec: AttenuatorSpec, warning: str = "") -> None:
        """Have the output capped and the input connected to the source of the inventory, with a `warning`.

        LimitError, before anybody is asked, for a source that the device does not bear. StationError without
        a source or an operator; OperatorAbort if they do not.
        """
        source = calibration_source(self._facts)
        insist_bearable(self._gear, source, spec)
        if not self._is_out:
            self._ask(
                PatchPort(gear=self._gear, port="output", to="nothing"),
                f"disconnect the output of the attenuator {self._gear} from the link and cap it.",
                "The light of the source that comes next would destroy a QKD receiver.",
                warning,
            )
        light = f"{source.power_dbm:g} dBm at {source.wavelength_nm:g} nm: {source.source}"
        self._ask(
            PatchPort(gear=self._gear, port="input", to="source"),
            f"connect the input of the attenuator {self._gear} to the light source ({light}).",
            "What it takes off this light is measured by its own power meter.",
            warning,
        )

    def put_back(self, warning: str = "") -> None:
        """Have the source taken off, then the output connected again, with a `warning`; errors as above."""
        if self._is_out:
            self._ask(
                PatchPort(gear=self._gear, port="input", to="nothing"),
                f"take the light source off the input of the attenuator {self._gear}.",
                "The attenuator is measured.",
                warning,
            )
        else:
            self._ask(
                PatchPort(gear=self._gear, port="input", to="link"),
                f"take the light source off the input of the attenuator {self._gear} and connect the input to"
                " its place in the link.",
                "The source's light must be gone before the output is connected.",
                warning,
            )
            self._ask(
                PatchPort(gear=self._gear, port="output", to="link"),
                f"connect the output of the attenuator {self._gear} to its place in the link.",
                "Key is made with the attenuator in line.",
                warning,
            )
        self._is_off_link = False

    def _ask(self, patch: PatchPort, do: str, why: str, warning: str) -> None:
        site = self._facts.sites[self._facts.gear[self._gear].site].name
        task = OperatorTask(f"At {site}, {do}", f"{why} {warning}".rstrip(), patch)
        if self._operator is None:
            raise StationError(
                f"station {self._station}: this needs an operator, and there is none: {task.do}"
            )
        # Whoever breaks off may have got half-way.
        self._is_off_link = True
        self._operator.carry_out(task)
