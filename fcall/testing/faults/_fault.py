"""What can go wrong between a client and a service."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from fcall.testing.faults import _sends as sends
from fcall.testing.faults._response import Response

__all__ = ["End", "Fault", "Stage"]


class Stage(enum.Enum):
    """When a fault strikes."""

    CONNECT = "while no connection can be made"
    ACCEPT = "when a connection was accepted"
    HANDSHAKE = "when the client has begun TLS"
    REUSE = "when a further request begins on a connection"
    START = "when a request has begun"
    HEAD = "when the head of a request was read and its body was not"
    ANSWER = "when a request was received whole"


class End(enum.Enum):
    """What becomes of the connection afterwards."""

    KEEP = "it goes on"
    CLOSE = "it is closed in order: FIN"
    RESET = "it is torn down: RST"
    HANG = "it stays open in silence until the client or the server gives up"


@dataclass(frozen=True)
class Fault:
    """One way to fail, for `FaultServer.inject`.

    The ready-made ones are attributes of this class. One of your own is made of a stage, what is sent, and an end.

    Attributes:
        name: what ``str(fault)`` gives.
        stage: when it strikes.
        end: what becomes of the connection afterwards.
        executes: the healthy answer is asked for: the function ran.
        delivers: a client that is correct and patient gets the healthy answer in spite of it.
        sends: makes the bytes to send, piece by piece, from the healthy answer, or from an empty `Response` where the
            fault does not execute.
        pace: seconds to wait between two pieces; of a fault of connecting, how long it lasts (0: until it is healed).
        certificate: the certificate to show: ``good``, ``untrusted``, ``misnamed`` or ``expired``.
    """

    name: str
    stage: Stage = Stage.ANSWER
    end: End = End.KEEP
    executes: bool = False
    delivers: bool = False
    sends: sends.Send = field(default=sends.nothing, repr=False)
    pace: float = 0.0
    certificate: str = "good"

    NONE: ClassVar[Fault]
    REFUSED: ClassVar[Fault]
    BLACK_HOLE: ClassVar[Fault]
    CLOSE_ON_ACCEPT: ClassVar[Fault]
    RESET_ON_ACCEPT: ClassVar[Fault]
    HANG_ON_ACCEPT: ClassVar[Fault]
    TLS_CLOSE: ClassVar[Fault]
    TLS_RESET: ClassVar[Fault]
    TLS_HANG: ClassVar[Fault]
    TLS_ALERT: ClassVar[Fault]
    TLS_PLAIN_HTTP: ClassVar[Fault]
    TLS_TRICKLE: ClassVar[Fault]
    TLS_SLOW: ClassVar[Fault]
    TLS_UNTRUSTED: ClassVar[Fault]
    TLS_WRONG_NAME: ClassVar[Fault]
    TLS_EXPIRED: ClassVar[Fault]
    CLOSE_REUSED: ClassVar[Fault]
    RESET_REUSED: ClassVar[Fault]
    CLOSE_IN_REQUEST_HEAD: ClassVar[Fault]
    RESET_IN_REQUEST_HEAD: ClassVar[Fault]
    CLOSE_IN_REQUEST_BODY: ClassVar[Fault]
    RESET_IN_REQUEST_BODY: ClassVar[Fault]
    HANG_IN_REQUEST_BODY: ClassVar[Fault]
    EARLY_ANSWER: ClassVar[Fault]
    EARLY_ANSWER_RESET: ClassVar[Fault]
    CLOSE_BEFORE_RUN: ClassVar[Fault]
    RESET_BEFORE_RUN: ClassVar[Fault]
    HANG_BEFORE_RUN: ClassVar[Fault]
    CLOSE_BEFORE_ANSWER: ClassVar[Fault]
    RESET_BEFORE_ANSWER: ClassVar[Fault]
    HANG_BEFORE_ANSWER: ClassVar[Fault]
    ONLY_CONTINUE: ClassVar[Fault]
    ENDLESS_CONTINUE: ClassVar[Fault]
    GARBAGE: ClassVar[Fault]
    CLOSE_IN_HEAD: ClassVar[Fault]
    RESET_IN_HEAD: ClassVar[Fault]
    HANG_IN_HEAD: ClassVar[Fault]
    SLOW_HEAD: ClassVar[Fault]
    ENDLESS_HEAD: ClassVar[Fault]
    HUGE_HEADER: ClassVar[Fault]
    MANY_HEADERS: ClassVar[Fault]
    NO_COLON: ClassVar[Fault]
    BAD_STATUS: ClassVar[Fault]
    ODD_STATUS: ClassVar[Fault]
    SWITCHED_PROTOCOLS: ClassVar[Fault]
    CONTINUE_FIRST: ClassVar[Fault]
    HINTS_FIRST: ClassVar[Fault]
    HTTP_1_0: ClassVar[Fault]
    TWO_LENGTHS: ClassVar[Fault]
    SAME_LENGTH_TWICE: ClassVar[Fault]
    NEGATIVE_LENGTH: ClassVar[Fault]
    LENGTH_IN_WORDS: ClassVar[Fault]
    LENGTH_TOO_LONG: ClassVar[Fault]
    LENGTH_TOO_SHORT: ClassVar[Fault]
    LENGTH_AND_CHUNKS: ClassVar[Fault]
    CLOSE_IN_BODY: ClassVar[Fault]
    RESET_IN_BODY: ClassVar[Fault]
    HANG_IN_BODY: ClassVar[Fault]
    SLOW_BODY: ClassVar[Fault]
    CLOSE_IN_CHUNK: ClassVar[Fault]
    RESET_IN_CHUNK: ClassVar[Fault]
    HANG_IN_CHUNK: ClassVar[Fault]
    NO_LAST_CHUNK: ClassVar[Fault]
    BAD_CHUNK: ClassVar[Fault]
    UNFRAMED: ClassVar[Fault]
    CLOSE_IN_UNFRAMED: ClassVar[Fault]
    RESET_IN_UNFRAMED: ClassVar[Fault]
    BARE_BODY: ClassVar[Fault]
    LOST_BODY: ClassVar[Fault]
    MALFORMED_JSON: ClassVar[Fault]
    NOT_UTF8: ClassVar[Fault]
    BIG_BODY: ClassVar[Fault]
    ENDLESS_BODY: ClassVar[Fault]
    GZIP_BOMB: ClassVar[Fault]
    EMPTY_200: ClassVar[Fault]
    HTML_200: ClassVar[Fault]
    HTML_403: ClassVar[Fault]
    HTML_502: ClassVar[Fault]
    HTML_503: ClassVar[Fault]
    HTML_504: ClassVar[Fault]
    HTML_502_AFTER_RUN: ClassVar[Fault]
    HTML_504_AFTER_RUN: ClassVar[Fault]
    EMPTY_500: ClassVar[Fault]
    EMPTY_500_AFTER_RUN: ClassVar[Fault]
    LIST_500: ClassVar[Fault]
    NOT_UTF8_500: ClassVar[Fault]
    REDIRECT_TO_ITSELF: ClassVar[Fault]
    REDIRECT_ELSEWHERE: ClassVar[Fault]
    CLOSE_WHEN_IDLE: ClassVar[Fault]
    RESET_WHEN_IDLE: ClassVar[Fault]
    STRAY_ANSWER: ClassVar[Fault]
    STRAY_ANSWER_THEN_CLOSE: ClassVar[Fault]

    def __str__(self) -> str:
        return self.name

    @property
    def needs_tls(self) -> bool:
        """It can only be injected into a server with TLS."""
        return self.stage is Stage.HANDSHAKE

    def with_pace(self, pace: float) -> Fault:
        """The same fault, with another `pace`."""
        return replace(self, name=f"{self.name}_{pace:g}S", pace=pace)

    @classmethod
    def status(
        cls,
        status: int,
        body: bytes = b"",
        headers: Iterable[tuple[str, str]] | Mapping[str, str] = (),
        runs: bool = False,
    ) -> Fault:
        """An answer that is not the service's own; with `runs` the function ran before it."""
        canned = Response(
            status, tuple(dict(headers).items()) if isinstance(headers, Mapping) else tuple(headers), body
        )
        return cls(f"STATUS_{status}", executes=runs, sends=sends.canned(canned))

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> Fault:
        """A redirect; the function does not run."""
        return replace(cls.status(status, headers=(("Location", location),)), name=f"REDIRECT_{status}")

    @classmethod
    def delayed(cls, seconds: float) -> Fault:
        """The healthy answer, `seconds` after the function has run."""
        return cls(
            f"DELAYED_{seconds:g}S",
            executes=True,
            delivers=True,
            pace=seconds,
            sends=sends.before(b""),
        )


Fault.NONE = Fault("NONE", executes=True, delivers=True, sends=sends.healthy)
