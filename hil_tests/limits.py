"""Acceptance limits: one YAML file per link, checked whole, every mistake told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from drivers.errors import InventoryError
from drivers.facts.checked_yaml import read_checked
from drivers.facts.strict import Decibels, Strict, WavelengthNm
from hil_tests.measure.registry import KINDS

if TYPE_CHECKING:
    from pathlib import Path

CheckName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Limit(Strict):
    """What one check measures and the range in which the value has to lie, both ends included."""

    model_config = ConfigDict(strict=True)

    title: Text
    """The check in a few words, for people."""
    procedure: Literal["fibre", "calibration", "attenuation", "stability", "any"]
    """`any`: every procedure in which the QKD pair is at work."""
    quantity: Text
    statistic: Text
    point_db: Decibels | None = None
    """Point of the sweep; the whole run when absent."""
    wavelength_nm: WavelengthNm | None = None
    """Of the OTDR, for the fibre; a plan without it is not judged by this limit."""
    low: Finite | None = None
    high: Finite | None = None
    unit: Text
    guard_band: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Standard errors; a value inside the limits but closer to one than this is marginal."""
    min_effective_samples: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1
    """With fewer independent records than this the check is incomplete."""
    source: Text
    """Where the limit comes from."""
    applies_when_records_at_least: Annotated[int, Field(ge=1)] | None = None
    """Leave the check out of plans with fewer records than this (at the point, or in the run)."""

    end: Literal["alice", "bob"] | None = None
    """For `appliance_end`: which end is looked at."""
    threshold: Finite | None = None
    """For `share_below`, in the quantity's unit."""
    dead_time_s: Positive | None = None
    """For `worst_drop_offset`: dead time of the detector, non-paralysable."""
    relative_drift: Positive | None = None
    """For `worst_outlier`: drift of the count (one s.d., relative) that is allowed beside shot noise."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        mistakes = [*self._range_mistakes(), *self._kind_mistakes()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _range_mistakes(self) -> list[str]:
        if self.low is None and self.high is None:
            return ["give 'low', 'high' or both"]
        if self.low is not None and self.high is not None and self.low > self.high:
            return [f"low {self.low:g} is above high {self.high:g}"]
        return []

    def _kind_mistakes(self) -> list[str]:
        kind = KINDS.get((self.quantity, self.statistic))
        if kind is None:
            known = ", ".join(f"{quantity}/{statistic}" for quantity, statistic in KINDS)
            return [f"nothing measures {self.quantity}/{self.statistic}; known: {known}"]
        mistakes = [f"{need!r} is missing" for need in kind.needs if getattr(self, need) is None]
        if self.unit != kind.unit:
            mistakes.append(f"unit is {self.unit!r}, the measurement's is {kind.unit!r}")
        if self.point_db is not None and self.procedure != "attenuation":
            mistakes.append("'point_db' belongs to procedure 'attenuation' only")
        if self.wavelength_nm is not None and self.procedure != "fibre":
            mistakes.append("'wavelength_nm' belongs to procedure 'fibre' only")
        return mistakes


class Limits(Strict):
    """A limits file."""

    version: Literal[1]
    title: Text
    checks: Annotated[dict[CheckName, Limit], Field(min_length=1)]


def load_limits(path: Path) -> Limits:
    """Read a limits file; InventoryError with every mistake in it."""
    checked = read_checked(path, Limits)
    if checked.value is None:
        raise InventoryError(str(path), checked.mistakes)
    return checked.value
