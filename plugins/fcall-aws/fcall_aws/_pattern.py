"""The pattern of a request: what botocore built and signed once, filled in anew for every further call of its kind.

Building and signing a request takes botocore most of a small call's time, and the next one differs in few places. So
botocore's own canonical request is kept as a template, and the signing key with it.
"""

from __future__ import annotations

import hmac
import itertools
import re
import time
import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

__all__ = ["Pattern"]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^,/ ]+/[0-9]{8}/(?P<scope>(?P<region>[^,/]+)/(?P<service>[^,/]+)/aws4_request), "
    r"SignedHeaders=(?P<names>[^, ]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE, _TOKEN = "x-amz-date", "x-amz-security-token"
_VARYING = {
    _DATE: "%(stamp)s",
    _TOKEN: "%(token)s",
    "amz-sdk-invocation-id": "%(id)s",
    "content-length": "%(length)s",
}
_LEFT_OUT = "x-amzn-trace-id"  # belongs to the call that this process serves at the moment


class Pattern:
    """The pattern of one kind of request, such as Sync calls of one function with a payload.

    Args:
        request: a request that botocore built and signed.
        given: the call that it was built for.
        headers: by parameter of the call, the header that carries it and may differ.
        target: the request's path and query.
        secret_key: what it was signed with.

    Raises:
        ValueError: it is signed in another way than is known here: the signature would be another one.
    """

    def __init__(
        self, request: Any, given: Mapping[str, Any], headers: Mapping[str, str], target: str, secret_key: str
    ) -> None:
        sent = {name.lower(): (name, _text(value)) for name, value in request.headers.items()}
        found = _AUTHORIZATION.fullmatch(sent.get("authorization", ("", ""))[1])
        if found is None or _DATE not in sent or len(sent) != len(request.headers):
            raise ValueError("the request is signed in another way")
        self._parameters = [name for name in headers if name in given]
        if any(sent.get(headers[name].lower(), ("", None))[1] != given[name] for name in self._parameters):
            raise ValueError("a parameter is not sent as it is")
        slots = _VARYING | {headers[name].lower(): f"%({name})s" for name in self._parameters}
        self._scope, self._region, self._service = found["scope"], found["region"], found["service"]
        self._canonical = _canonical_template(request, found, slots)
        self._head = _head_template(request.method, target, sent, found, slots)
        self._lines = self._head.count("\n")
        self._id, self._count = str(uuid.uuid4())[:23], itertools.count()  # quicker than random each time
        self._key = ("", "", b"")
        self._moment = (0, "")
        signature = self._signature(
            given, request.body or b"", sent[_DATE][1], sent.get(_TOKEN, ("", ""))[1], secret_key
        )
        if signature != found["signature"]:
            raise ValueError("the signature is another one")

    def head(self, given: Mapping[str, Any], body: bytes, credentials: Any, more: Mapping[str, str]) -> bytes:
        """The request line and the headers of a call, signed.

        Args:
            given: the call.
            body: its payload.
            credentials: what to sign with, frozen.
            more: headers that are not signed.

        Raises:
            ValueError: something of it is not fit for a header.
        """
        stamp = self._stamp()
        values = {
            "stamp": stamp,
            "token": credentials.token,
            "id": f"{self._id}-{next(self._count):012x}",
            "length": len(body),
            "access_key": credentials.access_key,
            "day": stamp[:8],
            "signature": self._signature(given, body, stamp, credentials.token, credentials.secret_key),
        }
        for name in self._parameters:
            values[name] = given[name]
        lines = "".join([f"{name}: {value}\r\n" for name, value in more.items()])
        head = f"{self._head % values}{lines}\r\n"
        if head.count("\n") != self._lines + len(more) + 1:
            raise ValueError("there is a line too many")
        return head.encode("ascii")

    def _signature(self, given: Mapping[str, Any], body: bytes, stamp: str, token: str | None, secret_key: str) -> str:
        values = {"stamp": stamp, "token": token, "hash": sha256(body).hexdigest()}
        for name in self._parameters:
            values[name] = " ".join(given[name].split())  # as the canonical form has it
        canonical = sha256((self._canonical % values).encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{stamp[:8]}/{self._scope}\n{canonical}"
        return hmac.digest(self._signing_key(secret_key, stamp[:8]), text.encode(), "sha256").hex()

    def _signing_key(self, secret_key: str, day: str) -> bytes:
        """The key of a day, which is kept."""
        kept = self._key
        if kept[0] == day and kept[1] == secret_key:
            return kept[2]
        key = f"AWS4{secret_key}".encode()
        for step in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        self._key = (day, secret_key, key)
        return key

    def _stamp(self) -> str:
        now, moment = int(time.time()), self._moment
        if moment[0] != now:
            self._moment = moment = (now, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)))
        return moment[1]


def _canonical_template(request: Any, found: re.Match[str], slots: Mapping[str, str]) -> str:
    """botocore's canonical request, with places for what varies; the hash of the body is its last line."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    names = found["names"].split(";")
    headers = {name: _text(value) for name, value in request.headers.items() if name.lower() in names}
    unsigned = AWSRequest(method=request.method, url=request.url, headers=headers, data=request.body or b"")
    lines = SigV4Auth(None, found["service"], found["region"]).canonical_request(unsigned).split("\n")
    return "\n".join([*(_line(line, slots) for line in lines[:-1]), "%(hash)s"])


def _line(line: str, slots: Mapping[str, str]) -> str:
    name = line.partition(":")[0]
    return f"{name}:{slots[name]}" if name in slots else line.replace("%", "%%")


def _head_template(
    method: str, target: str, sent: Mapping[str, tuple[str, str]], found: re.Match[str], slots: Mapping[str, str]
) -> str:
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=%(access_key)s/%(day)s/{found['scope']}, SignedHeaders={found['names']}, "
        "Signature=%(signature)s"
    )
    lines = [f"{method} {target} HTTP/1.1".replace("%", "%%")]
    for lower, (name, value) in sent.items():
        if lower != _LEFT_OUT:
            filled = authorization if lower == "authorization" else slots.get(lower, value.replace("%", "%%"))
            lines.append(f"{name}: {filled}")
    return "\r\n".join([*lines, "Accept-Encoding: identity\r\n"])


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
