"""FC 2.0 (API 2016-08-15): the SDK builds and signs, and sends nothing.

`aliyun-fc2` 2.5.2 opens a connection for every call, waits 30 s where a port is refused, follows redirects, and logs
headers and tokens on the root logger. All of that is in its one request method, which is another one here.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import fc2
from fc2.auth import Auth

from fcall_aliyun._credentials import Credentials
from fcall_aliyun._exchange import Request
from fcall_aliyun._names import Address

__all__ = ["Fc2"]

_PAGE = 100


class _Built:
    """What the SDK takes for an answer: it carries the request that was to be sent, and is in no way remarkable."""

    headers: Mapping[str, str] = {}

    def __init__(self, request: Request) -> None:
        self.content = request

    def json(self) -> Request:
        return self.content


class _QuietAuth(Auth):  # type: ignore[misc] # the SDK has no types
    """The SDK's signature, without its logging of what is signed, which holds the token."""

    def sign_request(
        self, method: str, unescaped_path: str, headers: Mapping[str, str], unescaped_queries: Any = None
    ) -> str:
        parts = [method, headers.get("content-md5", ""), headers.get("content-type", ""), headers.get("date", "")]
        text = "\n".join([*parts, self._build_canonical_headers(headers) + unescaped_path])
        signature = base64.b64encode(hmac.digest(self.secret.encode(), text.encode(), "sha256")).decode()
        return f"FC {self.id}:{signature}"


class _Builder(fc2.Client):  # type: ignore[misc] # the SDK has no types
    """The SDK's client, which gives back the signed request instead of sending it."""

    def _do_request(
        self, method: str, path: str, headers: dict[str, str], params: Any = None, body: bytes | None = None
    ) -> _Built:
        query = f"?{urlencode(params)}" if params else ""
        headers["content-length"] = str(len(body or b""))
        return _Built(Request(method, quote(path) + query, headers, body or b""))


class Fc2:
    """Builds the requests of FC 2.0.

    Args:
        url: the endpoint, with its scheme.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._last: tuple[Credentials, _Builder] | None = None

    def invocation(
        self, address: Address, payload: bytes, headers: dict[str, str], task_id: str | None, credentials: Credentials
    ) -> Request:
        """The request that invokes a function.

        Args:
            address: the function.
            payload: the event.
            headers: ``x-fc-*`` headers; they become the request's.
            task_id: the id of a stateful asynchronous invocation, or None.
            credentials: what to sign with.
        """
        if task_id is not None:
            headers["x-fc-stateful-async-invocation-id"] = task_id
        built = self._builder(credentials).invoke_function(
            address.service, address.function, payload, headers, address.qualifier
        )
        request: Request = built.data
        return request

    def listing(self, service: str | None, token: str | None, credentials: Credentials) -> Request:
        """The request for one page of a service's functions."""
        built = self._builder(credentials).list_functions(service, limit=_PAGE, nextToken=token)
        request: Request = built.data
        return request

    def _builder(self, credentials: Credentials) -> _Builder:
        """A client of the SDK for these credentials; one is kept, since they seldom change."""
        last = self._last
        if last is not None and last[0] is credentials:
            return last[1]
        key_id, secret, token = credentials.access_key_id, credentials.access_key_secret, credentials.security_token
        builder = _Builder(endpoint=self._url, accessKeyID=key_id, accessKeySecret=secret, securityToken=token)
        builder.auth = _QuietAuth(key_id, secret, token)
        self._last = (credentials, builder)
        return builder
