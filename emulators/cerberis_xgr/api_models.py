"""Bodies of the management Web API, for validation of requests and for its OpenAPI document."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from drivers.facts.names import load_names

NAMES = load_names("cerberis_xgr_web_api")


class Body(BaseModel):
    """Base of all bodies: made by our names, spelled on the wire by those of the names file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class LoginRequest(Body):
    """Who logs in."""

    user: str = Field(alias=NAMES["login_user"])
    password: str = Field(alias=NAMES["login_password"], repr=False)


class LoginReply(Body):
    """A bearer token and how long it is good for."""

    token: str = Field(alias=NAMES["login_token"], repr=False)
    token_type: str = Field(alias=NAMES["login_token_type"])
    expires_in_s: int = Field(alias=NAMES["login_expires_in"])


class IdentityReply(Body):
    """Who the appliance is."""

    vendor: str = Field(alias=NAMES["vendor"])
    model: str = Field(alias=NAMES["model"])
    serial: str = Field(alias=NAMES["serial"])
    firmware: str = Field(alias=NAMES["firmware"])
    end: str = Field(alias=NAMES["end"])
    protocol: str = Field(alias=NAMES["protocol"])
    wavelength_nm: float = Field(alias=NAMES["wavelength_nm"])


class StateReply(Body):
    """How the appliance is, and what its clock shows (s since the Unix epoch)."""

    state: str = Field(alias=NAMES["state"])
    time_s: float = Field(alias=NAMES["time_s"])


class RecordReply(Body):
    """One telemetry record (documentation: records are serialised once, by `reporting`)."""

    sequence: int = Field(alias=NAMES["sequence"], ge=1)
    window_start_s: float = Field(alias=NAMES["window_start_s"])
    window_s: float = Field(alias=NAMES["window_s"])
    skr: float = Field(alias=NAMES["skr"])
    key_rate: float = Field(alias=NAMES["key_rate"])
    qber: float = Field(alias=NAMES["qber"])
    visibility: float = Field(alias=NAMES["visibility"])
    detection_count: float = Field(alias=NAMES["detection_count"])
    readings: dict[str, float] = Field(alias=NAMES["readings"])


class TelemetryReply(Body):
    """Some records, oldest first, and the number of the newest one (0 for none)."""

    records: list[RecordReply] = Field(alias=NAMES["telemetry_records"])
    newest: int = Field(alias=NAMES["telemetry_newest"], ge=0)


class ErrorReply(Body):
    """Why a request was refused."""

    detail: str = Field(alias=NAMES["error_detail"])
