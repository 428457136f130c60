"""What an emulated lab and its users tell each other: addresses, control messages, faults.

The lab writes `LabAddresses` to `lab.json` in the run folder and answers `control` requests there:
JSON objects, one a line, over TCP. Between the two targets only addresses differ, so
`connections` has the very models that the inventory uses for real gear.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.facts.connections import AnyConnection
from drivers.facts.plant_events import PlantEvent

FaultAction = Literal[
    "delay",
    "silence",
    "drop",
    "garbage",
    "half_reply",
    "lost_bytes",
    "device_error",
    "status",
    "html",
    "missing_field",
    "nan",
    "slow_body",
]


class Fault(BaseModel):
    """One planned fault of one device's wire: what goes wrong, at which exchanges, and when.

    `first` and `count` number the exchanges whose text contains `match` (the first is 1), counted
    from the injection; `start_s` and `end_s` bound it in lab time. All conditions must hold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    gear: str
    """Name of the device in the inventory."""
    action: FaultAction
    """What happens: delay and slow_body by `value` s of lab time; silence (no reply); drop (connection
    closed, no reply); garbage; half_reply (no end of line); lost_bytes (of a serial answer, `value` of them);
    device_error and status with code `value`;
    html, missing_field, nan for web interfaces."""
    match: str = ""
    """Text that the command or the request path must contain; empty for every exchange."""
    first: int = Field(default=1, ge=1)
    count: int | None = Field(default=1, ge=1)
    """How many exchanges are hit; None for all from `first` on."""
    start_s: float | None = None
    end_s: float | None = None
    value: float = 0.0


class Patch(BaseModel):
    """One act at the patch panel: a device is put in line with the fibre, or taken out and the fibre closed.

    Acts of another kind get a model of their own beside this one, and a request takes either.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    gear: str
    """Name of the device, or of one fixed attenuator, in the inventory."""
    in_line: bool


FibreEndUse = Literal["qkd", "otdr", "nothing"]
"""What an end of the fibre is connected to: the QKD appliance of its site, an OTDR there, or nothing."""


class PatchEnd(BaseModel):
    """One act at the patch panel: an end of the fibre is connected to something else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    """Which end, by its site in the inventory."""
    to: FibreEndUse


class PatchPort(BaseModel):
    """One act at the patch panel: the input or the output of an attenuator is connected to something else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gear: str
    """Name of the device in the inventory."""
    port: Literal["input", "output"]
    to: Literal["link", "source", "nothing"]
    """Its place in the link; the light source of a calibration (an input only); nothing, with a cap on it."""

    @model_validator(mode="after")
    def _light_goes_in(self) -> Self:
        if self.port == "output" and self.to == "source":
            raise ValueError("a light source belongs to an input")
        return self


class JournalEntry(BaseModel):
    """One thing that the lab did or was told, in lab time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    t_s: float
    kind: str
    text: str


class ControlAddress(BaseModel):
    """Where the lab's control listens: on loopback, unless somebody served it elsewhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: int


class LabAddresses(BaseModel):
    """All that a client needs to reach an emulated lab."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    lab_id: str
    """New with every start."""
    pid: int
    station: str
    control: ControlAddress
    clock: Literal["virtual", "wall"]
    seed: int
    profile: str
    fidelity: Literal["statistical"]
    connections: dict[str, AnyConnection]


class ControlRequest(BaseModel):
    """A request to the lab's control; one waiter per lab, every other verb for anyone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Literal[
        "claim_clock", "now", "wait_until", "inject", "clear_faults", "patch", "plant", "journal", "shutdown"
    ]
    number: int = 0
    """Given by the client; the answer carries it, so that an answer nobody waited for is known as such."""
    lab_id: str | None = None
    """Which lab is meant; another one at the same port refuses. None for whoever answers."""
    t_s: float | None = None
    fault: Fault | None = None
    patch: Patch | PatchEnd | PatchPort | None = None
    plant: PlantEvent | None = None


class ControlReply(BaseModel):
    """The answer to one request, or (with `pushed`) word that a device's own command moved the clock."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = 0
    now_s: float
    factor: float = 1.0
    """Lab seconds per wall second on the wall clock."""
    error: str | None = None
    pushed: bool = False
    journal: list[JournalEntry] | None = None
