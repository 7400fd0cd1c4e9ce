"""Credentials: explicit, from the environment, or handed out by a callable that is asked again before they end."""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fcall.errors import AuthenticationError, Executed, InvocationTimeoutError
from fcall.provider import Deadline
from fcall_aliyun._process import PerProcess

__all__ = ["Credentials", "CredentialsSource", "Environment", "Fixed", "Renewed", "is_header_safe"]

_LONGEST_MARGIN = 300.0
_PRINTABLE = re.compile(r"[!-~]([ -~]*[!-~])?")


def is_header_safe(value: str) -> bool:
    """Whether a header can carry the text as it stands: printable ASCII, no blank at an end, not empty."""
    return _PRINTABLE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of credentials. Nothing of it is shown in its repr.

    Attributes:
        access_key_id: the id of the access key.
        access_key_secret: its secret.
        security_token: the token of temporary credentials, otherwise empty.
        expires_at: when they end, as an aware datetime, as the text that STS answers with (``2026-01-01T12:00:00Z``),
            or in seconds since 1970; None where that is not known.
    """

    access_key_id: str = field(repr=False)
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    expires_at: datetime | str | float | None = None

    @property
    def ends(self) -> float | None:
        """When they end, in seconds since 1970, or None.

        Raises:
            ValueError: `expires_at` is no moment, or one without its time zone.
        """
        moment = self.expires_at
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if isinstance(moment, datetime):
            if moment.utcoffset() is None:
                raise ValueError("there is no time zone")
            return moment.timestamp()
        if moment is not None and (isinstance(moment, bool) or not isinstance(moment, int | float)):
            raise ValueError("it is neither a moment nor a number")
        if moment is not None and not math.isfinite(moment):
            raise ValueError("it is no moment")
        return moment


class CredentialsSource(Protocol):
    """Where credentials come from. It is asked for every call, from many threads."""

    def get(self, deadline: Deadline) -> Credentials:
        """Credentials to sign with now.

        Raises:
            AuthenticationError: there are none.
            InvocationTimeoutError: they were not there in time.
        """

    def ready(self) -> Credentials | None:
        """Credentials that are there without waiting for them, or None.

        Raises:
            AuthenticationError: there are none.
        """

    def forget(self) -> None:
        """The service refused the last ones: do not hand them out again where there may be newer ones."""


class Fixed:
    """The same credentials for every call."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = _checked(credentials)

    def get(self, deadline: Deadline) -> Credentials:
        return self._credentials

    def ready(self) -> Credentials:
        return self._credentials

    def forget(self) -> None:
        """There are no others."""


class Environment:
    """The credentials that the environment has when a call is made."""

    _NAMES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._last: tuple[tuple[str, ...], Credentials] | None = None

    def get(self, deadline: Deadline) -> Credentials:
        return self.ready()

    def ready(self) -> Credentials:
        values = tuple(self._environ.get(name, "") for name in self._NAMES)
        last = self._last
        if last is not None and last[0] == values:
            return last[1]
        if not (values[0] and values[1]):
            raise AuthenticationError(
                f"there are no credentials; set {self._NAMES[0]} and {self._NAMES[1]}, or pass them as options"
            )
        credentials = _checked(Credentials(values[0], values[1], values[2]))
        self._last = (values, credentials)
        return credentials

    def forget(self) -> None:
        """The environment is read for every call."""


class Renewed:
    """Credentials that a callable hands out.

    It is asked again when a quarter of their time is left, or five minutes where that is less. One thread asks, and the
    others go on with what is still valid. Credentials without an end are asked for at every call.

    Args:
        ask: hands out credentials.
        now: the clock of their end, in seconds since 1970.
    """

    def __init__(self, ask: Callable[[], Credentials], now: Callable[[], float] = time.time) -> None:
        self._ask = ask
        self._now = now
        self._lock = PerProcess(threading.Lock)
        self._current: Credentials | None = None
        self._renew_at = 0.0

    def get(self, deadline: Deadline) -> Credentials:
        current, now = self._current, self._now()
        if current is not None and now < self._renew_at:
            return current
        valid = current is not None and (current.ends or 0.0) > now
        lock = self._lock.get()
        if not lock.acquire(timeout=0 if valid else deadline.remaining()):
            if valid and current is not None:
                return current
            raise InvocationTimeoutError(
                "the time-out passed while the credentials were being renewed", executed=Executed.NO
            )
        try:
            if self._current is not current and self._current is not None and self._now() < self._renew_at:
                return self._current
            credentials = self._renewed(current if valid else None)
        finally:
            lock.release()
        if deadline.expired:
            raise InvocationTimeoutError(
                "the time-out passed while the callable for credentials ran; give what it does a time-out of its own",
                executed=Executed.NO,
            )
        return credentials

    def ready(self) -> Credentials | None:
        current = self._current
        return current if self._now() < self._renew_at else None

    def forget(self) -> None:
        self._renew_at, self._current = 0.0, None

    def _renewed(self, valid: Credentials | None) -> Credentials:
        try:
            credentials = _checked(self._ask())
        except AuthenticationError:
            raise
        except Exception as error:
            if valid is not None:
                return valid
            raise AuthenticationError(f"the callable for credentials raised {type(error).__name__}") from error
        ends, now = credentials.ends, self._now()
        self._renew_at = now if ends is None else ends - min(_LONGEST_MARGIN, (ends - now) / 4)
        self._current = credentials
        return credentials


def _checked(credentials: object) -> Credentials:
    """The credentials, without the blanks that copying leaves at an end.

    Raises:
        AuthenticationError: they are not credentials, or no header can carry them.
    """
    if not isinstance(credentials, Credentials):
        raise AuthenticationError(
            f"the credentials are a {type(credentials).__name__}; hand out fcall_aliyun.Credentials"
        )
    parts = [credentials.access_key_id, credentials.access_key_secret, credentials.security_token]
    if not all(isinstance(part, str) for part in parts):
        raise AuthenticationError("a part of the credentials is not a text; check where they come from")
    key_id, secret, token = (part.strip() for part in parts)
    if not (is_header_safe(key_id) and is_header_safe(secret) and (not token or is_header_safe(token))):
        raise AuthenticationError(
            "a part of the credentials is empty, or has a character that no header can carry; see where they come from"
        )
    try:
        ends = credentials.ends
    except (ValueError, OverflowError) as error:
        raise AuthenticationError(
            "expires_at of the credentials has to be a datetime with its time zone, a text such as "
            "2026-01-01T12:00:00Z, or seconds since 1970"
        ) from error
    return Credentials(key_id, secret, token, ends)
