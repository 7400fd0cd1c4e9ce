"""The hard cases for a provider of one's own: every fault, on the way to a platform that its author describes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from fcall.errors import Executed, FcallError, UnmappedProviderError
from fcall.testing.faults._catalogue import FAULTS
from fcall.testing.faults._fault import Fault
from fcall.testing.faults._request import Request
from fcall.testing.faults._response import Response
from fcall.testing.faults._server import FaultServer

if TYPE_CHECKING:
    from fcall._client import Client

__all__ = ["FaultContract"]


class FaultContract:
    """What callers may rely on when the network fails, as tests. Derive from it: say how the platform answers, and how
    it is reached. Needs pytest.

    Attributes:
        faults: what goes wrong: every ready-made fault. Add the errors of your platform.
        tls: the platform speaks TLS; without it the faults of TLS are left out.
        target: the function to call.
        timeout: seconds that a call has.
        late: seconds by which a busy machine may make it late.
    """

    faults: ClassVar[Sequence[Fault]] = FAULTS
    tls: ClassVar[bool] = False
    target: ClassVar[str] = "echo"
    timeout: ClassVar[float] = 0.5
    late: ClassVar[float] = 1.0

    def answer(self, request: Request) -> Response:
        """The answer of the platform when all is well: the function's, to one call."""
        raise NotImplementedError("derive a class from FaultContract and answer as your platform does")

    def client(self, server: FaultServer) -> Client:
        """A new client whose provider reaches the platform at `server`."""
        raise NotImplementedError("derive a class from FaultContract and make a client of the server")

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Each test is one for each fault."""
        faults = [fault for fault in self.faults if self.tls or not fault.needs_tls]
        metafunc.parametrize("fault", faults, ids=str)

    def test_a_fault_that_strikes_once(self, fault: Fault) -> None:
        """The function runs once at most, what is said of it is so, and the call ends in time."""
        self._check(fault, always=False)

    def test_a_fault_that_stays(self, fault: Fault) -> None:
        """The same where every attempt of the call meets the fault."""
        self._check(fault, always=True)

    def _check(self, fault: Fault, *, always: bool) -> None:
        with FaultServer(self.answer, tls=self.tls) as server, self.client(server) as client:
            expected = client.invoke(self.target, payload=b"{}", timeout=30).payload
            server.reset()
            server.inject(fault, always=always)
            began = time.monotonic()
            error = self._failure(client)
            elapsed = time.monotonic() - began
            server.heal()
            server.settle()

            assert server.executions <= 1, "the function ran more than once"
            _check_told(error, server.executions)
            assert elapsed < self.timeout + self.late, f"the call took {elapsed:.1f} s"
            assert expected == client.invoke(self.target, payload=b"{}", timeout=30).payload, "the next call is spoilt"

    def _failure(self, client: Client) -> FcallError | None:
        """What a call raises; an exception that is not ours passes, and fails the test."""
        try:
            client.invoke(self.target, payload=b"{}", timeout=self.timeout)
        except FcallError as error:
            return error
        return None


def _check_told(error: FcallError | None, runs: int) -> None:
    """Whether nothing false was said of so many runs."""
    assert not isinstance(error, UnmappedProviderError), f"no row is for {error.__cause__!r}"
    told = Executed.YES if error is None else error.executed
    assert told is Executed.MAYBE or bool(runs) is (told is Executed.YES), f"{runs} runs, and {error or 'success'!r}"
