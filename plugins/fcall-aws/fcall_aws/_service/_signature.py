"""The service's side of Signature Version 4: whether a request is signed by one of the known keys. Pure functions.

Source: the signing process as AWS documents it; what the SDKs sign is checked against it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

__all__ = ["LARGEST_SKEW", "check"]

LARGEST_SKEW = 300.0
"""Seconds that the clocks may differ."""

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/,\s]+)/"
    r"(?P<scope>(?P<day>[0-9]{8})/[^/,\s]+/(?P<service>[^/,\s]+)/aws4_request),"
    r"\s*SignedHeaders=(?P<names>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def check(
    method: str, target: str, headers: Mapping[str, str], body: bytes, keys: Mapping[str, str], now: float | None = None
) -> tuple[str, str] | None:
    """What is wrong with a signature, as a code and a message, or None where it is right.

    Args:
        method: the HTTP method.
        target: path and query as they were sent.
        headers: the headers, by lower-case name.
        body: the body.
        keys: secrets by access key id.
        now: seconds since 1970.
    """
    if "authorization" not in headers:
        return "MissingAuthenticationTokenException", "Missing Authentication Token"
    found = _HEADER.fullmatch(headers["authorization"])
    if found is None:
        return "IncompleteSignatureException", "The authorization header is not one of Signature Version 4."
    if found["id"] not in keys:
        return "UnrecognizedClientException", "The security token included in the request is invalid."
    date = headers.get("x-amz-date", "")
    moment = _moment(date)
    if moment is None or abs((time.time() if now is None else now) - moment) > LARGEST_SKEW:
        return "InvalidSignatureException", f"Signature expired: {date[:32]} is not within 5 minutes of the clock here."
    names = found["names"].split(";")
    demanded = {name for name in headers if name.startswith("x-amz-")} | {"host"}
    if not demanded <= set(names) <= set(headers) or not date.startswith(found["day"]) or found["service"] != "lambda":
        return "InvalidSignatureException", _MISMATCH
    canonical = _canonical(method, target, headers, names, body)
    expected = _signature(keys[found["id"]], found["scope"], date, canonical)
    return None if hmac.compare_digest(expected, found["signature"]) else ("InvalidSignatureException", _MISMATCH)


def _canonical(method: str, target: str, headers: Mapping[str, str], names: list[str], body: bytes) -> str:
    """The request as both sides write it. The path is encoded once more than it was sent, as for all but S3."""
    path, _, query = target.partition("?")
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in parse_qsl(query, True))
    own = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(
        [
            method,
            quote(path or "/", safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            own,
            ";".join(names),
            digest,
        ]
    )


def _signature(secret: str, scope: str, date: str, canonical: str) -> str:
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _moment(date: str) -> float | None:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
