"""A logged-in session with a management Web API: bearer token, JSON answers, errors as they are meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import BaseModel, ValidationError

from drivers.cerberis_xgr.messages import NAMES, LoginMessage
from drivers.errors import DeviceError, InventoryError, ProtocolError

if TYPE_CHECKING:
    from drivers.facts.connections import SecretReference
    from drivers.wires.https_wire import HttpAnswer, HttpsWire

Answer = TypeVar("Answer", bound=BaseModel)

_UNAUTHORIZED = 401
_EXCERPT_CHARACTERS = 120
_MISTAKES_SHOWN = 3


class WebApiSession:
    """Requests in the name of one user. Logs in anew once when the server no longer knows the token."""

    def __init__(self, device: str, wire: HttpsWire, user: str, password: SecretReference) -> None:
        self._device = device
        self._wire = wire
        self._user = user
        self._password = password
        self._headers: dict[str, str] = {}

    def log_in(self) -> None:
        """Fetch a token; InventoryError if there is no password to read, DeviceError if it is refused."""
        try:
            password = self._password.read()
        except LookupError as error:
            raise InventoryError(self._device, [f"password: {error.args[0]}"]) from None
        path = NAMES["login_path"]
        credentials = {NAMES["login_user"]: self._user, NAMES["login_password"]: password}
        answer = self._wire.request("POST", path, json_body=credentials, secret=True)
        command = f"POST {path}"
        _refuse_error(self._device, command, answer, is_secret=True)
        # What came back may hold the token, so a mistake in it is told without an excerpt.
        token = parse_answer(self._device, command, answer, LoginMessage, is_secret=True).token
        self._headers = {NAMES["authorization_header"]: f"{NAMES['authorization_scheme']} {token}"}

    def get(self, path: str, answer_type: type[Answer]) -> Answer:
        """Return the answer to GET `path`."""
        answer = self._authorized("GET", path)
        return parse_answer(self._device, f"GET {path}", answer, answer_type)

    def post(self, path: str) -> None:
        """POST to `path` and return when the appliance has accepted."""
        self._authorized("POST", path)

    def close(self) -> None:
        """Close the connection and forget the token."""
        self._headers = {}
        self._wire.close()

    def _authorized(self, method: str, path: str) -> HttpAnswer:
        answer = self._wire.request(method, path, headers=self._headers)
        if answer.status == _UNAUTHORIZED:
            self.log_in()
            answer = self._wire.request(method, path, headers=self._headers)
        _refuse_error(self._device, f"{method} {path}", answer)
        return answer


def parse_answer(
    device: str, command: str, answer: HttpAnswer, answer_type: type[Answer], *, is_secret: bool = False
) -> Answer:
    """Read a body as `answer_type`; ProtocolError naming the fields that are wrong."""
    excerpt = "" if is_secret else f": {_excerpt(answer.body)!r}"
    media_type = answer.content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProtocolError(device, command, f"answer is {media_type or 'of no type'}, not JSON{excerpt}")
    try:
        return answer_type.model_validate_json(answer.body)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    if mistakes[0]["type"] == "json_invalid":
        raise ProtocolError(device, command, f"answer is not JSON{excerpt}")
    lines = [f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}" for mistake in mistakes]
    more = f" and {len(lines) - _MISTAKES_SHOWN} more" if len(lines) > _MISTAKES_SHOWN else ""
    raise ProtocolError(device, command, "; ".join(lines[:_MISTAKES_SHOWN]) + more)


def _refuse_error(device: str, command: str, answer: HttpAnswer, *, is_secret: bool = False) -> None:
    if 200 <= answer.status < 300:
        return
    # A server may repeat what it was sent, in any spelling, so not a word of it is passed on.
    text = "login refused" if is_secret else _error_text(answer)
    raise DeviceError(device, command, answer.status, text)


def _error_text(answer: HttpAnswer) -> str:
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        return _excerpt(answer.body)
    if isinstance(document, dict):
        detail = cast("dict[str, object]", document).get(NAMES["error_detail"])
        if isinstance(detail, str):
            return _printable(detail)[:_EXCERPT_CHARACTERS]
    return _excerpt(answer.body)


def _printable(text: str) -> str:
    """Return `text` as it can be stored anywhere: JSON may carry halves of characters."""
    return text.encode(errors="replace").decode()


def _excerpt(body: bytes) -> str:
    text = " ".join(body[: 4 * _EXCERPT_CHARACTERS].decode(errors="replace").split())
    return text if len(text) <= _EXCERPT_CHARACTERS else f"{text[:_EXCERPT_CHARACTERS]}..."
