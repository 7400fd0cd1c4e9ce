"""One request and its answer: all that waits, and all that can break on the way."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPMessage
from typing import Any

from fcall.errors import ConnectionFailedError, Executed, InvocationTimeoutError
from fcall.provider import Deadline, ErrorRow, ErrorTable

__all__ = ["Answer", "exchange"]

# Before the request is on its way, nothing ran; from then on nobody can tell, and MAYBE is the default of both classes.
_WHILE_CONNECTING = ErrorTable(
    exceptions={
        "builtins.TimeoutError": ErrorRow(InvocationTimeoutError, executed=Executed.NO),
        "builtins.OSError": ErrorRow(ConnectionFailedError, executed=Executed.NO),
    }
)
_AFTER_SENDING = ErrorTable(
    exceptions={
        "builtins.TimeoutError": InvocationTimeoutError,
        "builtins.OSError": ConnectionFailedError,
        "http.client.HTTPException": ConnectionFailedError,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: HTTPMessage = field(repr=False)  # finds a name in any case
    body: bytes = field(repr=False)


class _TimedSocket(socket.socket):
    """A socket whose reads all end at one deadline: a socket's own time-out begins anew with every read."""

    deadline: Deadline

    def recv_into(self, *arguments: Any, **keywords: Any) -> int:
        if self.deadline.expired:  # there may always be something to read
            raise TimeoutError
        self.settimeout(_seconds_left(self.deadline))
        return super().recv_into(*arguments, **keywords)


def exchange(address: str, path: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
    """Send a request, and read the whole answer.

    Raises:
        ConnectionFailedError: no connection was made (NO), or it broke (MAYBE).
        InvocationTimeoutError: the time was over before the request was on its way (NO), or afterwards (MAYBE).
    """
    if deadline.expired:
        raise InvocationTimeoutError("the time-out passed before anything was sent", executed=Executed.NO)
    with closing(HTTPConnection(address, timeout=_seconds_left(deadline))) as connection:
        _connect(connection, deadline)
        try:
            connection.request("POST", path, body, dict(headers))
            return _read(connection)
        except HTTPException as error:
            failure = _AFTER_SENDING.error_of(error, "the gate's answer is broken")
            raise failure from None  # the exception's words may be those of the answer
        except OSError as error:
            raise _AFTER_SENDING.error_of(error, "the gate did not answer") from error


def _connect(connection: HTTPConnection, deadline: Deadline) -> None:
    try:
        connection.connect()
    except OSError as error:
        raise _WHILE_CONNECTING.error_of(error, "the gate could not be reached") from error
    timed = _TimedSocket(fileno=connection.sock.detach())
    timed.deadline = deadline
    timed.settimeout(_seconds_left(deadline))  # of what is sent, for all of it
    connection.sock = timed


def _read(connection: HTTPConnection) -> Answer:
    with connection.getresponse() as response:
        if response.length is None and not response.chunked:
            raise HTTPException("without a length nobody can see whether an answer is whole")
        return Answer(response.status, response.headers, response.read())


def _seconds_left(deadline: Deadline) -> float:
    return max(deadline.remaining(), 0.001)  # to a socket, 0 would mean "do not wait"
