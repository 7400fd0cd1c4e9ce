"""A Lambda endpoint on loopback: a real client in any language can call it, and any fault can be put in its way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import fcall
from fcall.testing.faults import FaultServer, Request, Response
from fcall_aws._service import _wire as wire
from fcall_aws._service._wire import Answer, Refused
from fcall_aws.testing._functions import Functions, Handler

__all__ = ["LambdaEndpoint"]


class LambdaEndpoint:
    """Serves functions over Lambda's API, for as long as it is entered.

    Signatures are not looked at. The functions run in this process, unless the options of the local provider say
    otherwise.

    Args:
        handlers: the functions by name: what takes ``(event, context)``, or code such as ``"app/handlers.py:resize"``.
        tls: serve https; `ca_file` is then to be trusted.
        region: the region that the functions are in.
        account: the account that they belong to.
        aliases: versions by alias, for every function. Beside these there are ``$LATEST`` and every number.
        **options: options of the local provider, such as ``isolation="process"``.

    Attributes:
        server: the fault server beneath: its counts, its faults.

    Example:
        with LambdaEndpoint({"resize": handler}) as endpoint:
            boto3.client("lambda", endpoint_url=endpoint.url).invoke(FunctionName="resize")
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        tls: bool = False,
        region: str = "us-east-1",
        account: str = "000000000000",
        aliases: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self._functions = Functions(handlers, region=region, account=account, aliases=aliases or {}, options=options)
        self._canned: deque[Answer] = deque()
        self._lock = threading.Lock()
        self.server: FaultServer = FaultServer(self._respond, tls=tls)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.server.__exit__(kind, error, trace)
        finally:
            self._functions.close()

    @property
    def url(self) -> str:
        """What a client takes as its endpoint URL."""
        return self.server.url

    @property
    def ca_file(self) -> str | None:
        """The certificate authority to trust, where it serves https."""
        return None if self.server.ca_file is None else str(self.server.ca_file)

    def answer_next(self, *answers: Answer) -> None:
        """Give these answers to the next requests, one each and in order, whatever they ask; nothing runs for them."""
        with self._lock:
            self._canned.extend(answers)

    def settle(self) -> None:
        """Wait until every accepted Event has run."""
        fcall.local.drain()

    def _respond(self, request: Request) -> Response:
        return _response(wire.with_request_id(answer) if _is_anonymous(answer := self._answer(request)) else answer)

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            if self._canned:
                return self._canned.popleft()
        try:
            return self._functions.answer(wire.read(request.method, request.target, request.headers, request.body))
        except Refused as refused:
            return refused.answer


def _is_anonymous(answer: Answer) -> bool:
    return all(name.lower() != "x-amzn-requestid" for name, _ in answer.headers)


def _response(answer: Answer) -> Response:
    return Response(status=answer.status, headers=answer.headers, body=answer.body)
