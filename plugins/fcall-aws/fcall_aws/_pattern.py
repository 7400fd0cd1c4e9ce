"""The pattern of a request: what botocore built and signed once, filled in anew for every further call of its kind.

Building and signing a request takes botocore most of a small call's time, and the next one differs in few places. So
botocore's own canonical request is kept as a template, and what a second has in common, the signing key among it, too.
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
    "amz-sdk-invocation-id": "%%(id)s",  # these two are filled in last
    "content-length": "%%(length)s",
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
        self._template = _head_template(request.method, target, sent, found, slots)
        self._id, self._count = str(uuid.uuid4())[:23], itertools.count()  # quicker than random each time
        self._filled: _Filled | None = None
        token = sent[_TOKEN][1] if _TOKEN in sent else None
        moment = self._fill(given, sent[_DATE][1], token, "", secret_key)
        if moment.signature(request.body or b"") != found["signature"]:
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
        key = (int(time.time()), credentials, [given[name] for name in self._parameters])
        filled = self._filled
        if filled is None or filled.key != key:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(key[0]))
            filled = self._fill(given, stamp, credentials.token, credentials.access_key, credentials.secret_key)
            filled.key = key
            self._filled = filled
        signature, number = filled.signature(body), f"{self._id}-{next(self._count):012x}"
        head = filled.head % {"signature": signature, "id": number, "length": len(body)}
        lines = "".join([f"{name}: {value}\r\n" for name, value in more.items()])
        return f"{head}{lines}\r\n".encode("ascii")

    def _fill(
        self, given: Mapping[str, Any], stamp: str, token: str | None, access_key: str, secret_key: str
    ) -> _Filled:
        """What all requests of one second have in common that are signed with the same keys."""
        day = stamp[:8]
        values = {name: given[name] for name in self._parameters}
        values |= {"stamp": stamp, "token": token, "access_key": access_key, "day": day}
        escaped = {name: str(value).replace("%", "%%") for name, value in values.items()}
        head = self._template % escaped
        if head.count("\n") != self._template.count("\n"):
            raise ValueError("there is a line too many")
        collapsed = {
            name: " ".join(str(value).split()) for name, value in values.items()
        }  # as the canonical form has it
        key = f"AWS4{secret_key}".encode()
        for step in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{self._scope}\n"
        return _Filled(head, self._canonical % collapsed, text, key)


class _Filled:
    """A pattern with its second and its keys filled in; the body, its length, the id and the signature are left."""

    __slots__ = ("_canonical", "_signing_key", "_text", "head", "key")

    def __init__(self, head: str, canonical: str, text: str, signing_key: bytes) -> None:
        self.head = head
        self.key: object = None
        self._canonical = sha256(canonical.encode())
        self._text = text
        self._signing_key = signing_key

    def signature(self, body: bytes) -> str:
        """The signature over a request with this body: its hash is the last line of the canonical request."""
        canonical = self._canonical.copy()
        canonical.update(sha256(body).hexdigest().encode())
        text = self._text + canonical.hexdigest()
        return hmac.digest(self._signing_key, text.encode(), "sha256").hex()


def _canonical_template(request: Any, found: re.Match[str], slots: Mapping[str, str]) -> str:
    """botocore's canonical request, with places for what varies, up to its last line, which is the hash of the body."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

    names = found["names"].split(";")
    headers = {name: _text(value) for name, value in request.headers.items() if name.lower() in names}
    unsigned = AWSRequest(method=request.method, url=request.url, headers=headers, data=request.body or b"")
    lines = SigV4Auth(None, found["service"], found["region"]).canonical_request(unsigned).split("\n")
    return "\n".join([*(_line(line, slots) for line in lines[:-1]), ""])


def _line(line: str, slots: Mapping[str, str]) -> str:
    name = line.partition(":")[0]
    return f"{name}:{slots[name]}" if name in slots else line.replace("%", "%%")


def _head_template(
    method: str, target: str, sent: Mapping[str, tuple[str, str]], found: re.Match[str], slots: Mapping[str, str]
) -> str:
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=%(access_key)s/%(day)s/{found['scope']}, SignedHeaders={found['names']}, "
        "Signature=%%(signature)s"
    )
    lines = [_twice(f"{method} {target} HTTP/1.1")]
    for lower, (name, value) in sent.items():
        if lower != _LEFT_OUT:
            filled = authorization if lower == "authorization" else slots.get(lower, _twice(value))
            lines.append(f"{name}: {filled}")
    return "\r\n".join([*lines, "Accept-Encoding: identity\r\n"])


def _twice(text: str) -> str:
    """The text, to be filled in twice."""
    return text.replace("%", "%%%%")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
