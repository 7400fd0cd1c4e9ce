"""The server: it accepts, and starts a conversation for every connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from fcall.testing.faults._certificates import Certificates
from fcall.testing.faults._connection import Connection
from fcall.testing.faults._conversation import Conversation
from fcall.testing.faults._fault import End, Fault, Stage
from fcall.testing.faults._listener import Listener
from fcall.testing.faults._plan import CONNECTING, Plan
from fcall.testing.faults._request import Request
from fcall.testing.faults._response import Response
from fcall.testing.faults._tally import Tally

__all__ = ["FaultServer"]

_MOMENT = 0.2
_PATIENCE = 0.8  # seconds that stopping waits for threads


class FaultServer:
    """A service on loopback that fails as told, and counts. It runs until `stop`, or the end of its ``with`` block.

    Faults strike in the order they were injected, one request each; then all is well again. A fault of connecting also
    ends the connections that are idle, so that the next request has to connect. Where nothing reaches the server, with
    `Fault.REFUSED` and `Fault.BLACK_HOLE`, there is nothing to count: these last until `heal`, or for their `pace`.

    Args:
        answer: the healthy service. It is called once per execution, on the thread of the connection; where it raises,
            the client gets a 500 and the thread ends with the exception.
        tls: speak TLS, with a certificate for ``localhost`` that `ca_file` vouches for. Needs the extra ``testing``.
        keep: how many of the latest requests `requests` holds; all of them by default.
    """

    def __init__(self, answer: Callable[[Request], Response], *, tls: bool = False, keep: int | None = None) -> None:
        self._answer = answer
        self._tally = Tally(keep)
        self._certificates = Certificates() if tls else None
        self._lock = threading.Lock()
        self._plan = Plan(self._arrange)
        self._listener = Listener()
        self._shut: Fault | None = None  # the fault of connecting that now has the port
        self._ends: float | None = None  # when a timed fault of connecting is over
        self._stopping = False
        self._connections: dict[Connection, threading.Thread] = {}
        self._acceptor = threading.Thread(target=self._accept, name="fault-server", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every connection and give everything back, within a second. Stopping twice is harmless."""
        if self._stopping:
            return
        self._stopping = True
        self._listener.wake()
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            threads = list(self._connections.values())
            for connection in self._connections:
                connection.stop()
        patience = time.monotonic() + _PATIENCE
        for thread in threads:
            thread.join(max(0.0, patience - time.monotonic()))
        if self._certificates is not None:
            self._certificates.close()

    # What it is

    @property
    def port(self) -> int:
        """The port, on 127.0.0.1."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self.port}" if self._certificates is None else f"https://localhost:{self.port}"

    @property
    def ca_file(self) -> str | None:
        """The path of the certificate to trust; None without TLS."""
        return self._certificates.ca_file if self._certificates is not None else None

    # What it has seen

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request that was received whole, with or without a fault."""
        return self._tally.requests

    @property
    def received(self) -> int:
        """How many requests were received whole."""
        return self._tally.received

    @property
    def executions(self) -> int:
        """How often the healthy service was called."""
        return self._tally.executions

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return self._tally.connections

    # What goes wrong

    def inject(self, *faults: Fault, always: bool = False) -> None:
        """Have the next requests fail, one each, in this order; or with `always` every request until `heal`.

        Raises:
            ValueError: `always` needs exactly one fault; or a fault of TLS, and the server has none.
        """
        if always and len(faults) != 1:
            raise ValueError("always=True takes exactly one fault")
        for fault in faults:
            if fault.needs_tls and self._certificates is None:
                raise ValueError(f"{fault} is a fault of TLS: make the server with tls=True")
        self._plan.add(faults, always)
        self._part()

    def _part(self) -> None:
        """Wait until the connections that were to end have ended. One whose answer was just sent needs a moment."""
        end = time.monotonic() + _MOMENT
        while time.monotonic() < end:
            with self._lock:
                if not any(connection.dismissed for connection in self._connections):
                    return
            time.sleep(0.0005)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._plan.clear()

    def reset(self) -> None:
        """Forget the counts and the faults. Connections stay open."""
        self._plan.clear()
        self._tally.reset()

    def settle(self, seconds: float = 5.0) -> bool:
        """Wait until nothing that was sent is still unread or unanswered, so that the counts are final.

        Returns:
            Whether it came to that in time. A fault that hangs ends when its client gives up.
        """
        end = time.monotonic() + seconds
        while self._busy():
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True

    def _busy(self) -> bool:
        with self._lock:
            return self._listener.has_callers() or any(connection.is_busy() for connection in self._connections)

    def _arrange(self) -> None:
        """Make the port, and the connections that are idle, as the next fault needs them."""
        with self._lock:
            fault = self._plan.head
            if fault.stage is Stage.CONNECT:
                self._shut_port(fault)
            elif self._shut is not None:
                self._listener.open()
                self._shut = self._ends = None
            if fault.stage in CONNECTING:
                for connection in self._connections:
                    connection.dismiss()

    def _shut_port(self, fault: Fault) -> None:
        if self._shut is not fault:
            self._shut = fault
            (self._listener.ignore if fault.end is End.HANG else self._listener.refuse)()
        if fault.pace and self._ends is None:
            self._ends = time.monotonic() + fault.pace
            self._listener.wake()

    # What it does

    def _accept(self) -> None:
        while not self._stopping:
            left = None if self._ends is None else self._ends - time.monotonic()
            if left is not None and left <= 0:
                self._ends = None
                self._plan.take(frozenset({Stage.CONNECT}))
                continue
            accepted = self._listener.accept(left)
            if accepted is not None:
                self._tally.connection()
                self._start(Connection(accepted))

    def _start(self, connection: Connection) -> None:
        conversation = Conversation(connection, self._answer, self._plan, self._tally, self._certificates)
        thread = threading.Thread(target=self._serve, args=(connection, conversation), daemon=True)
        with self._lock:
            self._connections[connection] = thread
            if self._shut is not None:  # it came in at the last moment
                connection.dismiss()
        thread.start()

    def _serve(self, connection: Connection, conversation: Conversation) -> None:
        try:
            conversation.run()
        finally:
            connection.drop()
            with self._lock:
                self._connections.pop(connection, None)
