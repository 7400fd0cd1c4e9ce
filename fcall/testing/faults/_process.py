"""A fault server in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from fcall.testing.faults._fault import Fault
from fcall.testing.faults._request import Request
from fcall.testing.faults._server import FaultServer

__all__ = ["FaultProcess"]

_LONGEST_END = 5.0


class FaultProcess:
    """A `FaultServer` in a process of its own, so that the client under test has this one to itself.

    It has the members of a `FaultServer`. The process is a fresh interpreter: what goes there is pickled, so `make`
    and what it needs are found by their names in a module, and so are the functions of a fault of your own.

    Args:
        make: makes the server, there: a `FaultServer`, or what has one as its attribute `server`.

    Attributes:
        url: where it is, without a path.
        port: the port, on 127.0.0.1.
        ca_file: the path of the certificate to trust; None without TLS.

    Raises:
        Exception: whatever `make` raises.
        RuntimeError: the process has ended, as any member says from then on.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[Any]]) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(make, theirs), name="fault-server", daemon=True)
        self._stopped = False
        try:
            self._process.start()
            theirs.close()
            self.url: str
            self.port: int
            self.ca_file: str | None
            self.url, self.port, self.ca_file = self._answer()
        except BaseException:
            theirs.close()
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and its process. Stopping twice is harmless."""
        if self._stopped:
            return
        self._stopped = True
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._pipe.close()
        if self._process.pid is not None:
            self._process.join(_LONGEST_END)
            self._process.kill()
            self._process.join()
            self._process.close()

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request that was received whole, with or without a fault."""
        requests: tuple[Request, ...] = self._ask("requests")
        return requests

    @property
    def received(self) -> int:
        """How many requests were received whole."""
        return int(self._ask("received"))

    @property
    def executions(self) -> int:
        """How often the healthy service was called."""
        return int(self._ask("executions"))

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return int(self._ask("connections"))

    def inject(self, *faults: Fault, always: bool = False) -> None:
        """As `FaultServer.inject`."""
        self._ask("inject", *faults, always=always)

    def heal(self) -> None:
        """As `FaultServer.heal`."""
        self._ask("heal")

    def reset(self) -> None:
        """As `FaultServer.reset`."""
        self._ask("reset")

    def settle(self, seconds: float = 5.0) -> bool:
        """As `FaultServer.settle`."""
        return bool(self._ask("settle", seconds))

    def _ask(self, member: str, *arguments: Any, **more: Any) -> Any:
        with self._lock:
            with contextlib.suppress(OSError):  # one that has ended says so by its silence
                self._pipe.send((member, arguments, more))
            return self._answer()

    def _answer(self) -> Any:
        try:
            well, answer = self._pipe.recv()
        except (EOFError, OSError):
            raise RuntimeError("the process of the fault server has ended") from None
        if not well:
            raise answer
        return answer


def _serve(make: Callable[[], AbstractContextManager[Any]], pipe: Connection) -> None:
    """Serve until the other end says that it is enough, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test, which then stops this
    try:
        entered = make()
    except Exception as error:  # noqa: BLE001 - for the one who waits
        pipe.send((False, error))
        return
    with entered as endpoint, contextlib.suppress(EOFError):
        server: FaultServer = getattr(endpoint, "server", endpoint)
        pipe.send((True, (server.url, server.port, server.ca_file)))
        while (asked := pipe.recv()) is not None:
            pipe.send(_done(server, *asked))


def _done(server: FaultServer, member: str, arguments: tuple[Any, ...], more: dict[str, Any]) -> tuple[bool, Any]:
    """What a member of the server gives, or what it raises."""
    try:
        found = getattr(server, member)
        return True, found(*arguments, **more) if callable(found) else found
    except Exception as error:  # noqa: BLE001 - for the one who asked
        return False, error
