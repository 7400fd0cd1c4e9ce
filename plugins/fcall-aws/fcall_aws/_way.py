"""The way of awaited calls to one endpoint: a client that says how requests look, and connections to send them on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from fcall.errors import FcallError
from fcall.http import Answer, Pool
from fcall.provider import Deadline
from fcall_aws._errors import call_error
from fcall_aws._lane import Headers, Lane
from fcall_aws._pattern import Pattern

__all__ = ["Kind", "Way", "kind_of"]

Kind: TypeAlias = tuple[object, ...]

_FREE = frozenset({"ClientContext", "DurableExecutionName", "Payload", "TenantId"})
_MOST_PATTERNS = 1024
_MOST_DISAGREEMENTS = 3


def kind_of(given: Mapping[str, Any], credentials: Any) -> Kind:
    """What calls have in common whose requests have the same pattern: some values, and which others there are."""
    values = tuple([name if name in _FREE else value for name, value in given.items()])
    return values, credentials.token is None


class Way:
    """The way of one client's calls.

    Args:
        client: the client.
        lane: the lane that it is on.
        pool: connections to its endpoint.
        credentials: what it signs with.

    Attributes:
        is_renewed: the credentials are, from time to time.
        is_function: this process serves a function of Lambda itself.
        patterns: what requests look like, by their kind.
    """

    def __init__(self, client: Any, lane: Lane, pool: Pool, credentials: Any) -> None:
        from botocore.credentials import RefreshableCredentials
        from botocore.parsers import create_parser

        self.client, self.lane, self.pool, self.credentials = client, lane, pool, credentials
        self.is_function = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        self.is_renewed = isinstance(credentials, RefreshableCredentials)
        self.patterns: dict[Kind, Pattern] = {}
        self._disagreements = 0
        self._model = client.meta.service_model
        self._invoke = self._model.operation_model("Invoke")
        members = self._invoke.input_shape.members
        places = {name: members[name].serialization.get("name") for name in _FREE if name in members}
        self._headers = {name: header for name, header in places.items() if header is not None}
        self._parser = create_parser(self._model.metadata["protocol"])

    def is_open(self) -> bool:
        """Whether calls may go this way: nobody wants to see what botocore does, and it signs as is known here."""
        return self._disagreements < _MOST_DISAGREEMENTS and self.lane.is_unwatched()

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

    def refusal(self, answer: Answer, deadline: Deadline) -> FcallError:
        """The error for an answer that is none of the function's, as botocore reads it."""
        told = {"status_code": answer.status, "headers": Headers(answer.headers), "body": answer.body}
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
