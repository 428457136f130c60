"""Device profiles: every number of the COW-4 model, where it comes from, and that it is possible.

A profile is `profiles/<name>.yaml`. Each parameter there says its `value`, its `status` and its
`source`; `Profile` hands the values to the model as plain floats.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.facts.checked_yaml import read_checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_FOLDER = Path(__file__).parent / "profiles"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]

Status = Literal["published", "fitted", "set", "assumed", "noise"]
"""published: taken from the paper; fitted: by least squares to Tables 2 and 3; set: from one published
number, or inside an interval that the paper leaves; noise: from a published standard deviation;
assumed: from the field's usual range."""


class ProfileError(ValueError):
    """A profile has mistakes; `mistakes` holds one line for each, with the parameter's name."""

    def __init__(self, source: str, mistakes: list[str]) -> None:
        self.source = source
        self.mistakes = mistakes
        super().__init__("\n  ".join([f"{source}:", *mistakes]))


class Parameter(BaseModel):
    """One number of a profile with its standing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    value: Finite
    status: Status
    source: Annotated[str, Field(min_length=1)]


class ProfileFile(BaseModel):
    """The YAML file as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str
    parameters: dict[str, Parameter]


class Profile(BaseModel):
    """All numbers of the model in SI units; shares and probabilities as fractions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Alice
    pulse_rate_hz: Positive
    """Rate of time slots; a symbol is two slots."""
    mean_photon_number: Annotated[float, Field(gt=0, le=1)]
    """Mean photon number of a lit pulse at Alice's exit."""
    bit_state_probability: Annotated[float, Field(gt=0, lt=0.5)]
    """Probability of state 0, and of state 1; decoy and vacuum share the rest equally."""
    extinction_ratio_db: Positive
    """Light of a lit slot over light of an unlit one."""

    # fibre
    reference_loss_db: NotNegative
    """Loss of the fibre at 0 dB added."""

    # Bob's bit arm
    bit_arm_transmission: PositiveShare
    """From Bob's entrance to a click of D_bit: tap, optics and detector efficiency."""
    dead_time_s: Positive
    charge_persistence_s: NotNegative
    """Late clicks at re-arm per photon rate: their probability is 1 - exp(-this * detectable photons/s)."""
    dark_count_rate_cps: NotNegative
    afterpulse_probability: Annotated[float, Field(ge=0, lt=1)]
    """Probability that a click leaves a charge that is released after the dead time."""
    afterpulse_lifetime_s: NotNegative

    # Bob's monitoring arm
    visibility: Share
    monitor_arm_transmission: PositiveShare
    """From Bob's entrance to a click of D_mon, for light that leaves by the dark port."""
    monitor_dark_count_rate_cps: NotNegative
    """Dark counts of D_mon that fall into its gates."""

    # distillation
    disclosed_share: Annotated[float, Field(ge=0, lt=1)]
    """Share of the sifted bits that is disclosed to estimate the QBER."""
    distillation_duty: PositiveShare
    """Share of the remaining sifted bits that reaches a key block."""
    error_correction_efficiency: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Bits leaked by error correction over the Shannon limit."""
    block_bits: Annotated[int, Field(gt=0)]
    """Bits in a privacy amplification block."""
    security_epsilon: Annotated[float, Field(gt=0, lt=1)]
    """Failure probability of each of smoothing, correctness and privacy amplification."""
    supervisor_block_limit_s: Positive
    """A key block that takes longer is given up."""

    # slow drifts
    power_drift_rms: Annotated[float, Field(ge=0, le=0.1)]
    """Relative drift of the optical power."""
    power_drift_interval_s: Positive
    visibility_drift_rms: Annotated[float, Field(ge=0, le=0.1)]
    visibility_drift_interval_s: Positive

    def with_changes(self, visibility: float | None = None, dark_count_factor: float = 1.0) -> Profile:
        """Return this profile with another visibility (fraction), or the darks of both detectors multiplied.

        ProfileError for an impossible value.
        """
        values = self.model_dump()
        if visibility is not None:
            values["visibility"] = visibility
        values["dark_count_rate_cps"] *= dark_count_factor
        values["monitor_dark_count_rate_cps"] *= dark_count_factor
        return Profile.checked(values, "changed profile")

    @classmethod
    def checked(cls, values: Mapping[str, Any], source: str) -> Self:
        """Make a profile of `values`; ProfileError names each parameter that is missing or impossible."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ProfileError(source, [_describe(mistake) for mistake in error.errors()]) from None


def load_profile(name: str) -> Profile:
    """Read profile `name` (no path, no suffix); ProfileError if it is unknown or has mistakes."""
    return read_profile(_path(name))


def load_parameters(name: str) -> dict[str, Parameter]:
    """Read the parameters of profile `name` with status and source, in the file's order."""
    return read_parameters(_path(name))


def read_profile(path: Path) -> Profile:
    """Read a profile file; ProfileError with every mistake in it."""
    values = {name: parameter.value for name, parameter in read_parameters(path).items()}
    return Profile.checked(values, path.name)


def read_parameters(path: Path) -> dict[str, Parameter]:
    """Read the parameters of a profile file as they are written; ProfileError if it has no such form."""
    checked = read_checked(path, ProfileFile)
    if checked.value is None:
        raise ProfileError(path.name, checked.mistakes)
    return checked.value.parameters


def _path(name: str) -> Path:
    known = {path.stem: path for path in _FOLDER.glob("*.yaml")}
    if name not in known:
        raise ProfileError(f"profile {name!r}", [f"no such profile; known: {', '.join(sorted(known))}"])
    return known[name]


def _describe(mistake: ErrorDetails) -> str:
    name = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "missing":
        return f"{name}: missing"
    if mistake["type"] == "extra_forbidden":
        return f"{name}: unknown parameter"
    return f"{name}: got {mistake['input']!r}: {mistake['msg']}"
