"""What the Cerberis XGR's management Web API answers, and how strictly it is read.

Field names come from `drivers/facts/names/cerberis_xgr_web_api.yaml`. A value is refused for its type
or when it is not finite; whether it is plausible is for the verdict to judge.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drivers.facts.names import load_names
from drivers.facts.telemetry import TelemetryRecord

NAMES = load_names("cerberis_xgr_web_api")

Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
RecordNumber = Annotated[int, Field(ge=1, lt=2**63)]


class Message(BaseModel):
    """Base of the answers: no conversions; fields that we do not know are the maker's business."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class LoginMessage(Message):
    """The answer to a login. The pattern is that of bearer tokens (RFC 6750)."""

    token: str = Field(alias=NAMES["login_token"], pattern=r"^[A-Za-z0-9._~+/-]+=*$", repr=False)


class IdentityMessage(Message):
    """Who the appliance is."""

    vendor: str = Field(alias=NAMES["vendor"])
    model: str = Field(alias=NAMES["model"])
    serial: str = Field(alias=NAMES["serial"])
    firmware: str = Field(alias=NAMES["firmware"])
    end: str = Field(alias=NAMES["end"])
    protocol: str = Field(alias=NAMES["protocol"])
    wavelength_nm: NonNegative = Field(alias=NAMES["wavelength_nm"])


class StateMessage(Message):
    """How the appliance is, and what its clock shows."""

    state: str = Field(alias=NAMES["state"])
    time_s: NonNegative = Field(alias=NAMES["time_s"])


class RecordMessage(Message):
    """One telemetry record."""

    sequence: RecordNumber = Field(alias=NAMES["sequence"])
    window_start_s: NonNegative = Field(alias=NAMES["window_start_s"])
    window_s: NonNegative = Field(alias=NAMES["window_s"])
    skr_bps: NonNegative = Field(alias=NAMES["skr"])
    key_rate_bps: NonNegative = Field(alias=NAMES["key_rate"])
    qber: NonNegative = Field(alias=NAMES["qber"])
    visibility: NonNegative = Field(alias=NAMES["visibility"])
    detection_count: NonNegative = Field(alias=NAMES["detection_count"])
    readings: dict[str, Finite] = Field(alias=NAMES["readings"])

    def to_record(self) -> TelemetryRecord:
        """Return the record as the rest of the bench knows it."""
        return TelemetryRecord(
            sequence=self.sequence,
            window_start_s=self.window_start_s,
            window_s=self.window_s,
            skr_bps=self.skr_bps,
            key_rate_bps=self.key_rate_bps,
            qber=self.qber,
            visibility=self.visibility,
            detection_count=self.detection_count,
            readings=self.readings,
        )


class TelemetryPage(Message):
    """Some records and the number of the newest one there is (0 for none)."""

    records: list[RecordMessage] = Field(alias=NAMES["telemetry_records"])
    newest: Annotated[int, Field(ge=0, lt=2**63)] = Field(alias=NAMES["telemetry_newest"])
