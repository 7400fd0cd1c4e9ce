"""A request of Lambda signed by hand, its signing key kept: what somebody writes who wants no more than the answer."""

from __future__ import annotations

import hashlib
import hmac
import os
import time

__all__ = ["PATH", "signed"]

PATH = "/2015-03-31/functions/echo/invocations"
_SCOPE = "us-east-1/lambda/aws4_request"
_keys: dict[str, bytes] = {}


def signed(host: str, payload: bytes) -> dict[str, str]:
    """The headers of a call, by Signature Version 4."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    day = moment[:8]
    digest = hashlib.sha256(payload).hexdigest()
    names = "host;x-amz-date"
    request = f"POST\n{PATH}\n\nhost:{host}\nx-amz-date:{moment}\n\n{names}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{day}/{_SCOPE}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_key(day), text.encode(), "sha256").hex()
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{day}/{_SCOPE}"
    return {
        "Host": host,
        "X-Amz-Date": moment,
        "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }


def _key(day: str) -> bytes:
    if day not in _keys:
        key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
        for part in (day, *_SCOPE.split("/")):
            key = hmac.digest(key, part.encode(), "sha256")
        _keys[day] = key
    return _keys[day]
