"""What is said on one connection, from the handshake to the last answer."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable

from fcall.testing.faults._certificates import Certificates
from fcall.testing.faults._connection import Connection, Gone
from fcall.testing.faults._fault import End, Fault, Stage
from fcall.testing.faults._plan import CONNECTING, Plan
from fcall.testing.faults._request import Request
from fcall.testing.faults._response import Response
from fcall.testing.faults._tally import Tally
from fcall.testing.faults._wire import Malformed, read_body, read_head

__all__ = ["AnswerError", "Conversation"]

_AT_ACCEPT = frozenset({Stage.ACCEPT, Stage.HANDSHAKE})
_FIRST = frozenset({Stage.START, Stage.HEAD, Stage.ANSWER})
_FURTHER = _FIRST | {Stage.REUSE}
_BAD_REQUEST = Response(400, (("Connection", "close"),), b"this is not a request of HTTP/1.1")
_BROKEN = Response(500, (("Connection", "close"),), b"the healthy service of the fault server raised")


class AnswerError(Exception):
    """The healthy service raised: a mistake in a test, which is not to pass for a fault."""


class Conversation:
    """Serves one connection, on a thread of its own."""

    def __init__(
        self,
        connection: Connection,
        answer: Callable[[Request], Response],
        plan: Plan,
        tally: Tally,
        certificates: Certificates | None,
    ) -> None:
        self._connection = connection
        self._answer = answer
        self._plan = plan
        self._tally = tally
        self._certificates = certificates

    def run(self) -> None:
        """Serve until either side has had enough."""
        try:
            self._serve()
        except (Gone, OSError):
            self._connection.drop()
        except Malformed:
            self._refuse(_BAD_REQUEST)
        except AnswerError:
            self._refuse(_BROKEN)
            raise

    def _serve(self) -> None:
        if self._opened():
            stages = _FIRST
            while self._exchange(stages):
                stages = _FURTHER
        self._connection.close()

    def _refuse(self, response: Response) -> None:
        with contextlib.suppress(Gone, OSError):
            for piece in response.wire():
                self._connection.send(piece)
        self._connection.close()

    def _opened(self) -> bool:
        """Whether there is a connection to speak on."""
        fault = self._plan.take(_AT_ACCEPT) or Fault.NONE
        if fault.stage is Stage.HANDSHAKE and fault.end is not End.KEEP:
            self._connection.begin()  # the client's hello
        if fault is not Fault.NONE and not self._strike(fault):
            return False
        if self._certificates is not None:
            self._connection.secure(self._certificates.context(fault.certificate))
        return True

    def _exchange(self, stages: frozenset[Stage]) -> bool:
        """One request and what it gets; whether another may follow."""
        self._connection.begin()
        fault = self._plan.take(stages) or Fault.NONE
        if fault.stage in {Stage.REUSE, Stage.START}:
            return self._strike(fault)
        head = read_head(self._connection)
        if fault.stage is Stage.HEAD:
            return self._strike(fault)
        request = dataclasses.replace(head, body=read_body(self._connection, head))
        self._tally.request(request)
        response = self._executed(request) if fault.executes else Response()
        if self._connection.dismissed or self._plan.head.stage in CONNECTING:  # the next one needs a new connection
            response = dataclasses.replace(response, headers=(*response.pairs(), ("Connection", "close")))
        return self._strike(fault, response) and not _is_last(request, response)

    def _executed(self, request: Request) -> Response:
        """What the healthy service answers.

        Raises:
            AnswerError: it raised.
        """
        self._tally.execution()
        try:
            response = self._answer(request)
        except Exception as error:
            raise AnswerError("the healthy service of a fault server raised") from error
        if response.delay:
            self._connection.wait(response.delay)
        return response

    def _strike(self, fault: Fault, response: Response = _BAD_REQUEST) -> bool:
        """Do what the fault does; whether the connection goes on."""
        for place, piece in enumerate(fault.sends(response)):
            if fault.pace and place:
                self._connection.wait(fault.pace)
            self._connection.send(piece)
        if fault.end is End.HANG:
            self._connection.wait()
        elif fault.end is End.CLOSE:
            self._connection.close()
        elif fault.end is End.RESET:
            self._connection.reset()
        return fault.end is End.KEEP


def _is_last(request: Request, response: Response) -> bool:
    """Whether either side says that the connection ends after this."""
    said = [request.headers.get("Connection", ""), *(v for name, v in response.pairs() if name.lower() == "connection")]
    return any("close" in field.lower() for field in said)
