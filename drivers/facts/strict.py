"""The base of every model of the inventory, and the numbers and names that more than one of them has."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Decibels = Annotated[float, Field(ge=0, allow_inf_nan=False)]
WavelengthNm = Annotated[float, Field(ge=1200, le=1700)]
Fraction = Annotated[float, Field(ge=0, le=1)]
# An hour: longer than any answer of a living device, short enough for every library's time-out.
DeadlineSeconds = Annotated[float, Field(gt=0, le=3600)]
GearName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]


class Strict(BaseModel):
    """Base of every model here: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
