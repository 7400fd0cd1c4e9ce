"""The way of calls that botocore does not make itself: a client that says how requests look, and what answers mean."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from fcall.errors import FcallError
from fcall.provider import Deadline, InvocationResult, InvocationType
from fcall_aws._answers import Head, read_result
from fcall_aws._clients import Clients
from fcall_aws._errors import call_error
from fcall_aws._lane import Headers, Lane
from fcall_aws._pattern import Pattern

__all__ = ["Kind", "Way", "kind_of", "way_of"]

Kind: TypeAlias = tuple[object, ...]

_botocore = logging.getLogger("botocore")
_FREE = frozenset({"ClientContext", "DurableExecutionName", "Payload", "TenantId"})
_SAID = {
    "ExecutedVersion": "x-amz-executed-version",
    "FunctionError": "x-amz-function-error",
    "LogResult": "x-amz-log-result",
}
_MOST_PATTERNS = 1024
_MOST_DISAGREEMENTS = 3


def kind_of(given: Mapping[str, Any], credentials: Any) -> Kind:
    """What calls have in common whose requests have the same pattern: some values, and which others there are."""
    values = tuple([name if name in _FREE else value for name, value in given.items()])
    return values, credentials.token is None


def way_of(clients: Clients, client: Any, on_refusal: Callable[[FcallError, Deadline], None]) -> Way | None:
    """A client's way; there is none where it is on no lane, or signs with what is known to botocore alone."""
    from botocore.credentials import Credentials

    lane, credentials = clients.lane(client), clients.credentials()
    if lane is None or not isinstance(credentials, Credentials):
        return None
    return Way(client, lane, credentials, on_refusal)


class Way:
    """The way of one client's calls.

    Args:
        client: the client.
        lane: the lane that it is on.
        credentials: what it signs with.
        on_refusal: hears of each error that Lambda answers with, and the call's deadline.

    Attributes:
        is_renewed: the credentials are, from time to time.
        is_function: this process serves a function of Lambda itself.
        patterns: what requests look like, by their kind.
    """

    def __init__(
        self, client: Any, lane: Lane, credentials: Any, on_refusal: Callable[[FcallError, Deadline], None]
    ) -> None:
        from botocore.credentials import RefreshableCredentials
        from botocore.parsers import create_parser

        self.client, self.lane, self.credentials = client, lane, credentials
        self._on_refusal = on_refusal
        self.is_function = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        self.is_renewed = isinstance(credentials, RefreshableCredentials)
        self.patterns: dict[Kind, Pattern] = {}
        self._met: set[Kind] = set()
        self._disagreements = 0
        self._model = client.meta.service_model
        self._invoke = self._model.operation_model("Invoke")
        members = self._invoke.input_shape.members
        places = {name: members[name].serialization.get("name") for name in _FREE if name in members}
        self._headers = {name: header for name, header in places.items() if header is not None}
        self._parser = create_parser(self._model.metadata["protocol"])

    def is_open(self) -> bool:
        """Whether calls may go this way: nobody wants to see what botocore does, and it signs as is known here."""
        if self._disagreements >= _MOST_DISAGREEMENTS or _botocore.isEnabledFor(logging.DEBUG):
            return False
        return self.lane.is_unwatched()

    def is_new(self, kind: Kind) -> bool:
        """Whether no call of this kind was met before."""
        met = kind in self._met
        if len(self._met) >= _MOST_PATTERNS:
            self._met.clear()
        self._met.add(kind)
        return not met

    def keys(self) -> Any:
        """What to sign with, frozen, or None where it is to be renewed first, which may take its time."""
        return (
            None if self.is_renewed and self.credentials.refresh_needed() else self.credentials.get_frozen_credentials()
        )

    def learn(self, given: dict[str, Any], credentials: Any, deadline: Deadline) -> None:
        """Keep the pattern of a call's kind, from the request that botocore builds for it and does not send.

        There is none where botocore signs in another way, or did so with credentials that were renewed meanwhile.
        """
        request = self.lane.rehearsed(given, deadline)
        try:
            pattern = Pattern(
                request, given, self._headers, request.url[len(self.lane.origin) :], credentials.secret_key
            )
        except Exception:  # noqa: BLE001 - whatever another version of botocore does otherwise
            self._disagreements += 1
            return
        if len(self.patterns) >= _MOST_PATTERNS:
            self.patterns.clear()
        self.patterns[kind_of(given, credentials)] = pattern

    def head(self, given: dict[str, Any], keys: Any) -> bytes | None:
        """The head of a call's request; None where botocore has to say how it looks."""
        pattern = self.patterns.get(kind_of(given, keys))
        if pattern is None:
            return None
        more = _trace() if self.is_function else {}
        try:
            return pattern.head(given, given.get("Payload", b""), keys, more)
        except ValueError:  # botocore is stricter with headers, or says what is wrong with them
            return None

    def result(self, head: Head, body: bytes, kind: InvocationType, deadline: Deadline) -> InvocationResult:
        """The result that an answer stands for.

        Raises:
            FcallError: it stands for none.
        """
        if head.status >= 300:
            failure = self._refusal(head, body, deadline)
            self._on_refusal(failure, deadline)
            raise failure from failure.__cause__
        said = {name: head.headers[header] for name, header in _SAID.items() if header in head.headers}
        return read_result(head, body, kind, said)

    def _refusal(self, head: Head, body: bytes, deadline: Deadline) -> FcallError:
        """The error for an answer that is none of the function's, as botocore reads it."""
        told = {"status_code": head.status, "headers": Headers(head.headers), "body": body}
        try:
            parsed = self._parser.parse(told, self._invoke.output_shape)
            code = parsed.get("Error", {}).get("Code")
            shape = self._model.shape_for_error_code(code)
            if shape is not None:
                parsed.update(self._parser.parse(told, shape))
            error: Exception = self.client.exceptions.from_code(code)(parsed, "Invoke")
        except Exception as unreadable:  # noqa: BLE001 - whatever it is, it has its row
            error = unreadable
        return call_error(error, sent=True, deadline=deadline)


def _trace() -> dict[str, str]:
    """The header by which Lambda ends circles, where this is a function itself."""
    from botocore.handlers import add_recursion_detection_header

    headers: dict[str, str] = {}
    add_recursion_detection_header({"headers": headers})
    return headers
