"""What an API is to the server: requests become calls, and outcomes answers. Nothing here does I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from fcall._invocation import InvocationType
from fcall._result import InvocationResult
from fcall.errors import FcallError

__all__ = ["Answer", "Api", "Call", "Catalogue", "Function", "Keys", "Outcome", "Request", "Rules"]

Rules: TypeAlias = Literal["lambda", "fc", "linkedge"]
"""A runtime of the local provider: by whose rules functions run."""

Keys: TypeAlias = Mapping[str, str]
"""Secrets by access key id."""

Outcome: TypeAlias = "InvocationResult | FcallError"
"""What came of a call: the status of the result is 200 for Sync, 202 for Async and 204 for DryRun."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, received whole.

    Attributes:
        method: such as ``"POST"``.
        target: path and query as they were sent, nothing decoded.
        headers: by lower-case name; of a name that came twice, the values joined with ``", "``.
        body: the content.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The target without its query, still percent-encoded."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: the HTTP status.
        headers: names and values, in order, less those that frame the body.
        body: all of it.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function that is served.

    Attributes:
        name: what it is called over an API that knows no services.
        service: the service it belongs to, or None.
        function: what it is called within the service.
        handler: its code as people write it: ``app/handlers.py:resize``.
        timeout: seconds that it may take, or None for the vendor's own default.
        memory: megabytes that it is said to have.
        modified: when its code was last changed, in seconds since 1970.
        source: the server's own.
    """

    name: str
    service: str | None
    function: str
    handler: str
    timeout: float | None = None
    memory: int = 128
    modified: float = 0.0
    source: Any = field(default=None, repr=False)


class Catalogue(Protocol):
    """The functions that are served, for an API to look up."""

    def find(self, name: str, service: str | None = None) -> Function | None:
        """The function of that name, or None.

        Args:
            name: with a service, the name in it; else the name that it has without.
            service: the service. A function without a service belongs to every one.
        """

    def functions(self, service: str | None = None) -> Sequence[Function]:
        """All functions, or those of a service, sorted by name."""

    def version(self, qualifier: str | None) -> str | None:
        """The version that a qualifier means, or None where there is no such version or alias.

        Every number is a version and means itself; without a qualifier it is ``$LATEST``.
        """


@dataclass(frozen=True, slots=True)
class Call:
    """A function is to be called.

    Attributes:
        function: which.
        service: the service by which it was called, or None.
        type: ``"Sync"``, ``"Async"`` or ``"DryRun"``.
        payload: the event.
        context: a JSON object beside it, or None.
        qualifier: the version or alias as it was asked for, or None.
        log_tail: the end of the log is wanted.
        detail: the API's own; `Api.answer` gets it back.
    """

    function: Function
    service: str | None = None
    type: InvocationType = "Sync"
    payload: bytes = field(default=b"", repr=False)
    context: Mapping[str, Any] | None = field(default=None, repr=False)
    qualifier: str | None = None
    log_tail: bool = False
    detail: Any = field(default=None, repr=False)


@runtime_checkable
class Api(Protocol):
    """One wire API of one vendor. It is called from many threads and does no I/O.

    Attributes:
        name: a word for the API, such as ``"lambda"``; the same as its entry point's.
        title: what people call it: ``"AWS Lambda"``.
        runtime: by whose rules functions run that are called over it: ``"lambda"`` or ``"fc"``.
    """

    name: str
    title: str
    runtime: Rules

    def owns(self, path: str) -> bool:
        """Whether a path, still percent-encoded, is this API's."""

    def verify(self, request: Request, keys: Keys) -> Answer | None:
        """The refusal of a request that none of the keys signed, or None where it is signed well."""

    def read(self, request: Request, catalogue: Catalogue) -> Call | Answer:
        """The call that a request asks for, or the answer where nothing has to run: a listing, a refusal."""

    def answer(self, call: Call, outcome: Outcome) -> Answer:
        """The answer to a call."""

    def problem(self, request: Request, status: int, message: str) -> Answer:
        """The server's own refusal in the API's spelling: 408, 413, 429, 500 or 503."""

    def usage(self, url: str, function: Function) -> Mapping[str, Sequence[str]]:
        """Lines to paste, by client: how a function is called on a server at `url`."""
