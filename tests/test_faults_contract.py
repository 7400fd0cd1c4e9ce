"""The hard cases for providers: one that is honest passes, and one that is not does not."""

from __future__ import annotations

import http.client

import pytest

import fcall
from fcall.errors import ConnectionFailedError, Executed, FcallError, InvocationTimeoutError, ThrottledError
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult
from fcall.testing.faults import FAULTS, Fault, FaultContract, FaultServer, Request, Response

MODELLED = Fault.status(429)
FEW = (
    Fault.REFUSED,
    Fault.CLOSE_ON_ACCEPT,
    Fault.RESET_BEFORE_ANSWER,
    Fault.CLOSE_BEFORE_RUN,
    Fault.HTML_502,
    MODELLED,
)


class _Simple:
    """A provider over the standard library's HTTP client, a connection for each call.

    Args:
        port: where its platform is.
    """

    capabilities = Capabilities()

    def __init__(self, port: int) -> None:
        self._port = port

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=deadline.remaining())
        try:
            return self._answered(connection, invocation)
        finally:
            connection.close()

    def _answered(self, connection: http.client.HTTPConnection, invocation: Invocation) -> InvocationResult:
        try:
            connection.connect()
        except OSError as error:
            raise self.unsent(error) from error
        try:
            connection.request("POST", "/", invocation.payload)
            response = connection.getresponse()
            payload = response.read()
        except TimeoutError as error:
            raise InvocationTimeoutError("no answer in time") from error
        except (OSError, http.client.HTTPException) as error:
            raise self.broken(error) from error
        if response.status == 429:
            raise ThrottledError("too many")
        if response.status != 200:
            raise fcall.errors.ProviderUnavailableError("it failed")
        return InvocationResult(payload)

    def unsent(self, error: OSError) -> FcallError:
        return ConnectionFailedError("no connection", executed=Executed.NO)

    def broken(self, error: Exception) -> FcallError:
        return ConnectionFailedError("the line broke")

    def close(self) -> None:
        """There is nothing to let go of."""


class TestASimpleProvider(FaultContract):
    """An honest provider passes under the faults that it is made for."""

    faults = FEW
    late = 20.0

    def answer(self, request: Request) -> Response:
        return Response(200, body=request.body)

    def client(self, server: FaultServer) -> fcall.Client:
        return fcall.Client(provider="simple", providers={"simple": self.provider(server)})

    def provider(self, server: FaultServer) -> _Simple:
        return _Simple(server.port)


class _Hopeful(_Simple):
    """It says of every line that broke that nothing ran."""

    def broken(self, error: Exception) -> FcallError:
        return ConnectionFailedError("the line broke", executed=Executed.NO)


class _Gloomy(_Simple):
    """It says of every line that broke that the function ran."""

    def broken(self, error: Exception) -> FcallError:
        return ConnectionFailedError("the line broke", executed=Executed.YES)


class _Careless(_Simple):
    """It lets slip what its client raises."""

    def unsent(self, error: OSError) -> FcallError:
        raise error


class _Patient(_Simple):
    """It has a time-out of its own."""

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return super().invoke(invocation, Deadline.after(1.0))


class _Easy(_Simple):
    """It takes any answer for the function's."""

    def _answered(self, connection: http.client.HTTPConnection, invocation: Invocation) -> InvocationResult:
        connection.request("POST", "/", invocation.payload)
        return InvocationResult(connection.getresponse().read())


@pytest.mark.parametrize(
    ("provider", "fault", "words"),
    [
        (_Hopeful, Fault.RESET_BEFORE_ANSWER, "more than once"),
        (_Gloomy, Fault.CLOSE_BEFORE_RUN, "0 runs"),
        (_Careless, Fault.REFUSED, "no row is for ConnectionRefusedError"),
        (_Patient, Fault.HANG_BEFORE_RUN, "the call took"),
        (_Easy, Fault.EMPTY_500, "0 runs, and 'success'"),
    ],
)
def test_one_that_is_not_honest_fails(provider: type[_Simple], fault: Fault, words: str) -> None:
    """Running twice, a false word, a foreign exception, a late end and a false success are each found out."""

    class Exam(TestASimpleProvider):
        timeout = 0.3
        late = 0.5

        def provider(self, server: FaultServer) -> _Simple:
            return provider(server.port)

    with pytest.raises(AssertionError, match=words):
        Exam().test_a_fault_that_stays(fault)


def test_every_fault_is_in_the_exam() -> None:
    """Without a word about it every ready-made fault is asked; those of TLS where there is TLS."""

    class Metafunc:
        def parametrize(self, name: str, faults: list[Fault], ids: type[str]) -> None:
            asked.append(faults)

    class Secure(FaultContract):
        tls = True

    asked: list[list[Fault]] = []
    FaultContract().pytest_generate_tests(Metafunc())
    Secure().pytest_generate_tests(Metafunc())

    assert [fault for fault in FAULTS if not fault.needs_tls] == asked[0]
    assert list(FAULTS) == asked[1]


def test_the_platform_has_to_be_described() -> None:
    """Without an answer and a client there is nothing to examine, and the exam says so."""
    with pytest.raises(NotImplementedError, match="answer as your platform does"):
        FaultContract().answer(Request("POST", "/", {}))  # type: ignore[arg-type]
    with FaultServer(TestASimpleProvider().answer) as server, pytest.raises(NotImplementedError, match="a client"):
        FaultContract().client(server)
