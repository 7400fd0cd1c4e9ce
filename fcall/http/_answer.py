"""What comes of an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Answer", "BrokenAnswerError", "HttpError", "MalformedAnswerError", "Stage"]

Stage: TypeAlias = Literal["waiting", "connecting", "sending", "answering"]


@dataclass(slots=True)
class Answer:
    """An answer, read to its end.

    Attributes:
        status: the HTTP status.
        headers: the headers, their names in lower case; one that came twice is joined with a comma.
        body: the whole body, as it came.
        framed: the answer said how long it is, so that it is known to be whole; otherwise it ended with its connection.
        cut: the body was larger than the pool takes, and was not read to its end.
        followed: more came behind it, which nobody had asked for.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    framed: bool = True
    cut: bool = False
    followed: bool = False


class BrokenAnswerError(ConnectionError):
    """The connection was closed before the answer's end."""


class MalformedAnswerError(ValueError):
    """What came is no answer of HTTP/1.1."""


class HttpError(Exception):
    """An attempt that brought no answer.

    Args:
        stage: how far it got: ``waiting`` for a connection; ``connecting``, which includes TLS; ``sending``, where the
            request had not left whole; ``answering``, where it had. Up to the last, nobody can have acted on it.
        cause: why, also as ``__cause__``: a `TimeoutError` where the time passed, another `OSError`, a `ValueError`.
        status: the answer's status, or 0 where its head had not come.
        headers: the answer's headers, where its head had come.
    """

    def __init__(
        self, stage: Stage, cause: Exception, status: int = 0, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{stage}: {type(cause).__name__}")
        self.__cause__: BaseException | None = cause
        self.cause: Exception = cause
        self.stage: Stage = stage
        self.status = status
        self.headers: Mapping[str, str] = headers or {}
