"""The one account of a management server and the bearer tokens it has given out."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_LIFE_S = 3600


class Account:
    """A user with a password; tokens last TOKEN_LIFE_S of lab time (assumed)."""

    def __init__(self, user: str, password: str, now_s: Callable[[], float]) -> None:
        self._user = user.encode()
        self._password = password.encode()
        self._now_s = now_s
        self._expiry_s: dict[str, float] = {}

    def log_in(self, user: str, password: str) -> str | None:
        """Return a new token, or None if the credentials are wrong."""
        is_user = hmac.compare_digest(user.encode(), self._user)
        is_password = hmac.compare_digest(password.encode(), self._password)
        if not (is_user and is_password):
            return None
        now_s = self._now_s()
        self._expiry_s = {token: ends_s for token, ends_s in self._expiry_s.items() if ends_s > now_s}
        token = secrets.token_urlsafe(32)
        self._expiry_s[token] = now_s + TOKEN_LIFE_S
        return token

    def knows(self, token: str) -> bool:
        """Return whether `token` was given out and still lasts."""
        return self._expiry_s.get(token, 0.0) > self._now_s()

    def forget_tokens(self) -> None:
        """Forget every token, as a restarted server does."""
        self._expiry_s.clear()
