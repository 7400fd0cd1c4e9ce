"""FC 3.0 (API 2023-03-30): the SDK builds and signs, and sends nothing.

`alibabacloud-fc20230330` 4.8.3 reads for 10 s at most, follows redirects, loses the status of an answer that is not
JSON, and puts the signed headers into its errors. All of that is behind its `call_api`, which is another one here.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any
from urllib.parse import quote, urlencode

from alibabacloud_fc20230330 import models
from alibabacloud_fc20230330.client import Client
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.request import DaraRequest
from darabonba.runtime import RuntimeOptions

from fcall_aliyun._credentials import Credentials
from fcall_aliyun._exchange import Request
from fcall_aliyun._names import Address

__all__ = ["Fc3"]

_PAGE = 100
_ALGORITHM = "ACS3-HMAC-SHA256"


class _Collecting(RuntimeOptions):  # type: ignore[misc] # the SDK has no types
    """The SDK's options of one call, which carry the credentials there and the request back."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self.signed_with = credentials
        self.built: Request | None = None

    def request(self) -> Request:
        assert self.built is not None
        return self.built


class _Builder(Client):  # type: ignore[misc] # the SDK has no types
    """The SDK's client, which leaves the signed request in the call's options instead of sending it."""

    def call_api(self, params: Any, request: Any, runtime: _Collecting) -> dict[str, Any]:
        body: bytes = request.stream or b""
        signed = DaraRequest()
        signed.method, signed.pathname, signed.query = params.method, params.pathname, request.query or {}
        digest = hashlib.sha256(body).hexdigest()
        signed.headers = {
            "host": self._endpoint,
            "user-agent": self._agent(),
            "accept": "application/json",
            "content-type": "application/octet-stream",
            "x-acs-version": params.version,
            "x-acs-action": params.action,
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-content-sha256": digest,
            **(request.headers or {}),
        }
        self._sign(signed, digest, runtime.signed_with)
        query = f"?{urlencode(signed.query, quote_via=quote)}" if signed.query else ""
        signed.headers["content-length"] = str(len(body))
        runtime.built = Request(signed.method, signed.pathname + query, signed.headers, body)
        return {}

    def _sign(self, request: Any, digest: str, credentials: Credentials) -> None:
        if credentials.security_token:
            request.headers["x-acs-accesskey-id"] = credentials.access_key_id
            request.headers["x-acs-security-token"] = credentials.security_token
        request.headers["authorization"] = Utils.get_authorization(
            request, _ALGORITHM, digest, credentials.access_key_id, credentials.access_key_secret
        )

    def _agent(self) -> str:
        agent: str = Utils.get_user_agent(self._user_agent)
        return agent


class Fc3:
    """Builds the requests of FC 3.0.

    Args:
        url: the endpoint, with its scheme.
    """

    def __init__(self, url: str) -> None:
        self._builder = _Builder(Config(endpoint=url.partition("://")[2]))

    def invocation(
        self, address: Address, payload: bytes, headers: dict[str, str], task_id: str | None, credentials: Credentials
    ) -> Request:
        """The request that invokes a function.

        Args:
            address: the function.
            payload: the event.
            headers: ``x-fc-*`` headers; they become the request's.
            task_id: the id of an asynchronous task, or None.
            credentials: what to sign with.
        """
        runtime = _Collecting(credentials)
        self._builder.invoke_function_with_options(
            address.function,
            models.InvokeFunctionRequest(body=payload, qualifier=address.qualifier),
            models.InvokeFunctionHeaders(common_headers=headers, x_fc_async_task_id=task_id),
            runtime,
        )
        return runtime.request()

    def listing(self, service: str | None, token: str | None, credentials: Credentials) -> Request:
        """The request for one page of the account's functions in the region."""
        runtime = _Collecting(credentials)
        page = models.ListFunctionsRequest(limit=_PAGE, next_token=token)
        self._builder.list_functions_with_options(page, {}, runtime)
        return runtime.request()
