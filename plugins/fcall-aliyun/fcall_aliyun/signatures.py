"""The service's side of signing: whether a request is signed as the documentation of FC 2.0 and FC 3.0 says.

Pure functions, with nothing of the SDKs in them: what the SDKs sign is checked against them.
"""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

__all__ = ["LARGEST_SKEW", "SignatureError", "check"]

LARGEST_SKEW = 900.0
"""Seconds that the clocks may differ, as documented."""

_FC2 = re.compile(r"FC (?P<id>[^:\s]+):(?P<signature>[A-Za-z0-9+/=]+)")
_FC3 = re.compile(
    r"ACS3-HMAC-SHA256 Credential=(?P<id>[^,\s]+),\s*SignedHeaders=(?P<names>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]+)"
)


class SignatureError(Exception):
    """The signature is not accepted.

    Args:
        status: the HTTP status to answer with.
        code: the machine code.
        message: why.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def check(
    method: str, target: str, headers: Mapping[str, str], body: bytes, keys: Mapping[str, str], now: float | None = None
) -> None:
    """See that a request is signed by one of the keys, in the way of the API that its path names.

    Args:
        method: the HTTP method.
        target: path and query as they were sent.
        headers: the headers; their names in any case.
        body: the body.
        keys: secrets by access key id.
        now: seconds since 1970.

    Raises:
        SignatureError: it is not.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    moment = time.time() if now is None else now
    if target.startswith("/2016-08-15/"):
        _check_fc2(method, target, lower, keys, moment)
    else:
        _check_fc3(method, target, lower, body, keys, moment)


def _check_fc2(method: str, target: str, headers: Mapping[str, str], keys: Mapping[str, str], now: float) -> None:
    """``FC <id>:<base64 of HMAC-SHA256>`` over method, MD5, type, date, the ``x-fc-`` headers and the decoded path."""
    found = _FC2.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise SignatureError(403, "AccessDenied", "the request is not signed")
    parsed = email.utils.parsedate_tz(headers.get("date", ""))
    _check_clock(None if parsed is None else email.utils.mktime_tz(parsed), now, "SignatureNotMatch")
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-fc-"))
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), headers["date"]]
    text = "\n".join([*lines, own + unquote(target.partition("?")[0])])
    secret = _secret(keys, found["id"], "InvalidAccessKeyID")
    expected = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()
    if not hmac.compare_digest(expected, found["signature"]):
        raise SignatureError(403, "SignatureNotMatch", "the signature does not match")


def _check_fc3(
    method: str, target: str, headers: Mapping[str, str], body: bytes, keys: Mapping[str, str], now: float
) -> None:
    """``ACS3-HMAC-SHA256`` over method, path, query, the signed headers and the body's SHA-256."""
    found = _FC3.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise SignatureError(401, "InvalidCredentials", "the request is not signed")
    _check_clock(_moment(headers.get("x-acs-date", "")), now, "InvalidTimeStamp.Expired")
    digest = hashlib.sha256(body).hexdigest()
    if headers.get("x-acs-content-sha256") != digest:
        raise SignatureError(403, "SignatureNotMatch", "the body is not the one that was signed")
    names = found["names"].split(";")
    demanded = {name for name in headers if name.startswith("x-acs-") or name in ("host", "content-type")}
    if names != sorted(names) or not demanded <= set(names) or not set(names) <= set(headers):
        raise SignatureError(403, "SignatureNotMatch", "the signed headers are not the ones that have to be")
    path, _, query = target.partition("?")
    own = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join([method, path or "/", _canonical_query(query), own, found["names"], digest])
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = _secret(keys, found["id"], "InvalidAccessKeyId.NotFound")
    if not hmac.compare_digest(hmac.digest(secret.encode(), text.encode(), "sha256").hex(), found["signature"]):
        raise SignatureError(403, "SignatureNotMatch", "the signature does not match")


def _canonical_query(query: str) -> str:
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)


def _moment(date: str) -> float | None:
    try:
        return datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _check_clock(moment: float | None, now: float, code: str) -> None:
    if moment is None or abs(now - moment) > LARGEST_SKEW:
        raise SignatureError(403, code, "the date is missing or more than 15 minutes off")


def _secret(keys: Mapping[str, str], key_id: str, code: str) -> str:
    try:
        return keys[key_id]
    except KeyError:
        raise SignatureError(403, code, "the access key is not known") from None
