"""What can happen to the fibre of an emulated lab while it runs, and how it is undone.

Distances are m of fibre from the first site (the transmitter's), as in the inventory's `fibre.path`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.facts.fibre_path import LossDb, Positive, ReflectanceDb


class Event(BaseModel):
    """Base of all events: frozen, so that one can be told from another by what it says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FibreBend(Event):
    """Somebody bends the fibre too tightly; long wavelengths suffer more."""

    kind: Literal["bend"] = "bend"
    distance_m: Positive
    loss_db: Annotated[float, Field(gt=0, le=60)]
    """Loss at the wavelength of the quantum channel; at others as the fibre's type has it."""


class DirtyConnector(Event):
    """A connector is dirty: it loses more, and reflects more."""

    kind: Literal["dirty_connector"] = "dirty_connector"
    connector: Annotated[int, Field(ge=1)]
    """Which one, the first from the first site being 1; a patch has two."""
    loss_db: LossDb
    """What the dirt adds to its loss, the same at every wavelength."""
    reflectance_db: ReflectanceDb
    """What it then reflects, at every wavelength."""


class FibreCut(Event):
    """The fibre is broken: no light passes."""

    kind: Literal["cut"] = "cut"
    distance_m: Positive


FibreFault = Annotated[FibreBend | DirtyConnector | FibreCut, Field(discriminator="kind")]


class FibreTemperature(Event):
    """The whole fibre takes another temperature, and keeps it."""

    kind: Literal["temperature"] = "temperature"
    temperature_c: Annotated[float, Field(ge=-60, le=85)]


class Mend(Event):
    """One fault is put right, or all; the temperature stays."""

    kind: Literal["mend"] = "mend"
    fault: FibreFault | None = None
    """Which one; None for all."""


PlantEvent = Annotated[
    FibreBend | DirtyConnector | FibreCut | FibreTemperature | Mend, Field(discriminator="kind")
]
