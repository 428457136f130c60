"""The management server of one site: the Web API of the appliance that stands there.

Every path and field is assumed (`drivers/facts/names/cerberis_xgr_web_api.yaml`). Its OpenAPI document
is served at /openapi.json. Errors are JSON objects with a `detail`, always.
"""

# No `from __future__ import annotations` here: FastAPI reads the endpoints' annotations when it runs.
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from drivers.facts.names import load_names
from emulators.cerberis_xgr.api_models import (
    ErrorReply,
    IdentityReply,
    LoginReply,
    LoginRequest,
    StateReply,
    TelemetryReply,
)
from emulators.cerberis_xgr.appliance import EmulatedAppliance
from emulators.cerberis_xgr.tokens import TOKEN_LIFE_S, Account
from emulators.lab.clock import LabClock
from emulators.lab.faults import FaultSchedule
from emulators.wires.web_faults import WebFaults

NAMES = load_names("cerberis_xgr_web_api")
MAX_RECORDS = 1000
MAX_NUMBER = 2**63 - 1

_SCHEME = NAMES["authorization_scheme"]
_HEADER = NAMES["authorization_header"].lower()
_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorReply, "description": "No token, or one that is not known"},
    422: {"model": ErrorReply, "description": "The request makes no sense"},
}


def management_app(
    appliance: EmulatedAppliance, account: Account, faults: FaultSchedule, clock: LabClock
) -> ASGIApp:
    """Return the ASGI application of `appliance`'s management server, with the lab's faults in front."""
    app = FastAPI(title="Emulated Cerberis XGR management Web API", version="1", responses=_REFUSALS)
    _ManagementApi(appliance, account).mount(app)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _request_error)
    app.add_exception_handler(Exception, _internal_error)
    return WebFaults(app, appliance.gear, faults, clock, field=NAMES["qber"])


class _TokenRequired(HTTPBearer):
    """Refuses a request without a token that the account knows."""

    def __init__(self, account: Account) -> None:
        super().__init__(scheme_name="token", auto_error=True)
        self._account = account

    async def __call__(self, request: HTTPConnection) -> None:
        scheme, _, token = request.headers.get(_HEADER, "").partition(" ")
        if scheme != _SCHEME or not self._account.knows(token):
            raise HTTPException(
                401, "log in first: no token, or one that is not known", {"WWW-Authenticate": _SCHEME}
            )


class _ManagementApi:
    """The endpoints."""

    def __init__(self, appliance: EmulatedAppliance, account: Account) -> None:
        self._appliance = appliance
        self._account = account

    def mount(self, app: FastAPI) -> None:
        """Put every endpoint under its path."""
        token = [Depends(_TokenRequired(self._account))]
        page: dict[int | str, dict[str, Any]] = {200: {"model": TelemetryReply}}
        app.post(NAMES["login_path"])(self.log_in)
        app.get(NAMES["identity_path"], dependencies=token)(self.identity)
        app.get(NAMES["state_path"], dependencies=token)(self.state)
        app.post(NAMES["start_path"], dependencies=token)(self.start)
        app.post(NAMES["stop_path"], dependencies=token)(self.stop)
        app.get(NAMES["telemetry_path"], dependencies=token, responses=page)(self.telemetry)

    async def log_in(self, login: LoginRequest) -> LoginReply:
        """Give a token for the right credentials."""
        token = self._account.log_in(login.user, login.password)
        if token is None:
            raise HTTPException(401, "wrong user or password")
        return LoginReply(token=token, token_type=_SCHEME.lower(), expires_in_s=TOKEN_LIFE_S)

    async def identity(self) -> IdentityReply:
        """Say who the appliance is."""
        appliance = self._appliance
        return IdentityReply(
            vendor=appliance.vendor,
            model=appliance.model,
            serial=appliance.serial,
            firmware=appliance.firmware,
            end=appliance.end,
            protocol=appliance.protocol,
            wavelength_nm=appliance.wavelength_nm,
        )

    async def state(self) -> StateReply:
        """Say how the appliance is."""
        return self._state()

    async def start(self) -> StateReply:
        """Start key making."""
        self._appliance.start()
        return self._state()

    async def stop(self) -> StateReply:
        """Stop key making."""
        self._appliance.stop()
        return self._state()

    async def telemetry(
        self,
        after: Annotated[int, Query(alias=NAMES["telemetry_after"], ge=0, le=MAX_NUMBER)] = 0,
        limit: Annotated[int, Query(alias=NAMES["telemetry_limit"], ge=1, le=MAX_RECORDS)] = MAX_RECORDS,
    ) -> Response:
        """Give records with numbers above `after`, oldest first."""
        return Response(self._appliance.telemetry(after, limit), media_type="application/json")

    def _state(self) -> StateReply:
        return StateReply(state=self._appliance.state(), time_s=self._appliance.time_s())


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({NAMES["error_detail"]: text}, status_code=status, headers=headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - registered for nothing else
    return _error(error.status_code, str(error.detail), error.headers)


async def _request_error(_request: Request, error: Exception) -> Response:
    # pydantic's own text would repeat what was sent, a password among it.
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    mistakes = [f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in error.errors()]
    return _error(422, "; ".join(mistakes))


async def _internal_error(_request: Request, error: Exception) -> Response:
    return _error(500, f"internal error: {type(error).__name__}")
