"""The provider takes the exam that every provider takes: boto3 against a Lambda endpoint on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import fcall_aws
import pytest
from fcall_aws import _lane
from fcall_aws.testing import LambdaEndpoint, error_answer

from fcall.errors import InvocationTimeoutError
from fcall.http import is_available
from fcall.provider import Deadline, Invocation, Provider
from fcall.testing import AsyncioProviderContract, Behaviour, ProviderContract, Rig

REFUSALS = {
    Behaviour.THROTTLED: error_answer("TooManyRequestsException", "Rate Exceeded.", retry_after=1),
    Behaviour.DENIED: error_answer("AccessDeniedException", "User is not authorized to perform: lambda:InvokeFunction"),
}


class LambdaRig(Rig):
    """Functions on a loopback endpoint that behave as the exam asks."""

    spec = fcall_aws.fcall_register_providers()
    plugin = "fcall_aws"
    sdk_modules = ("boto3", "botocore", "urllib3", "ssl", "http.client")

    def __init__(self) -> None:
        self._runs: list[Behaviour] = []
        self._over = threading.Event()
        handlers = {
            Behaviour.ECHO.name: self._counted(Behaviour.ECHO, lambda event, context: event),
            Behaviour.FAIL.name: self._counted(Behaviour.FAIL, _fail),
            Behaviour.STALL.name: self._counted(Behaviour.STALL, lambda event, context: self._over.wait(0.6)),
        }
        self.endpoint = LambdaEndpoint(handlers)

    def __enter__(self) -> Self:
        self.endpoint.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.endpoint.__exit__(kind, error, trace)

    def provider(self) -> Provider:
        provider = self.spec.create(fcall_aws.AwsOptions(region="us-east-1", endpoint_url=self.endpoint.url))
        # boto3 takes longer to make a client than the exam's shortest deadline allows.
        with contextlib.suppress(InvocationTimeoutError):
            provider.invoke(Invocation(Behaviour.ECHO.name, type="DryRun"), Deadline.after(1))
        provider.invoke(Invocation(Behaviour.ECHO.name, type="DryRun"), Deadline.after(10))
        return provider

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        if behaviour in REFUSALS:
            self.endpoint.answer_next(REFUSALS[behaviour])
        if behaviour is Behaviour.REFUSED:
            self.endpoint.server.stop()
        return {"functionName": behaviour.name}

    def runs(self) -> int:
        return len(self._runs)

    def settle(self) -> None:
        self.endpoint.settle()

    def answer(self, payload: bytes) -> bytes:
        return json.dumps(json.loads(payload or b"{}")).encode()

    def _counted(self, behaviour: Behaviour, handler: Any) -> Any:
        def counted(event: Any, context: Any) -> Any:
            self._runs.append(behaviour)
            return handler(event, context)

        return counted


def _fail(event: Any, context: Any) -> Any:
    raise ValueError("the exam fails it")


class TestAwsProvider(ProviderContract):
    """AWS Lambda, on our own connections."""

    def rig(self) -> Rig:
        return LambdaRig()


@pytest.mark.skipif(not is_available(), reason="httptools is not installed: fcall-aws[asyncio]")
class TestAwaited(AsyncioProviderContract):
    """The same, awaited."""

    def rig(self) -> Rig:
        return LambdaRig()


class TestBotocoresOwnSession(ProviderContract):
    """The same, where botocore sends the requests itself."""

    @pytest.fixture(autouse=True)
    def _no_lane(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_lane, "connections_for", lambda *_: None)

    def rig(self) -> Rig:
        return LambdaRig()
