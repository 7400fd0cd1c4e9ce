"""The provider takes the exam that every provider takes: boto3 against a Lambda endpoint on loopback."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import fcall_aws
import pytest
from fcall_aws import _lane
from fcall_aws.testing import LambdaEndpoint, error_answer

from fcall.provider import Provider
from fcall.testing import EXAM_FAULTS, Behaviour, ExamFunctions, ProviderContract, Rig

REFUSALS = {
    Behaviour.THROTTLED: error_answer("TooManyRequestsException", "Rate Exceeded.", retry_after=1),
    Behaviour.DENIED: error_answer("AccessDeniedException", "User is not authorized to perform: lambda:InvokeFunction"),
}


class LambdaRig(Rig):
    """Functions on a loopback endpoint that behave as the exam asks."""

    spec = fcall_aws.fcall_register_providers()
    plugin = "fcall_aws"
    sdk_modules = ("boto3", "botocore", "urllib3", "ssl", "http.client")
    secrets = ("a-secret-that-nobody-may-see", "a-token-that-nobody-may-see")

    def __init__(self) -> None:
        self._functions = ExamFunctions()
        self.endpoint = LambdaEndpoint(self._functions.handlers, aliases={self.qualifier: "1"})

    def __enter__(self) -> Self:
        self.endpoint.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._functions.end()
        self.endpoint.__exit__(kind, error, trace)

    def provider(self) -> Provider:
        return self.spec.create(fcall_aws.AwsOptions(region="us-east-1", endpoint_url=self.endpoint.url))

    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        if behaviour in REFUSALS:
            self.endpoint.answer_next(REFUSALS[behaviour])
        if behaviour in EXAM_FAULTS:
            self.endpoint.server.inject(EXAM_FAULTS[behaviour], always=True)
        return {"functionName": "ECHO" if behaviour in EXAM_FAULTS else behaviour.name}

    def runs(self) -> int:
        return self._functions.runs

    def requests(self) -> int:
        return self.endpoint.server.received

    def received(self) -> Mapping[str, Any]:
        request = self.endpoint.server.requests[-1]
        context = request.headers.get("X-Amz-Client-Context")
        return {
            "qualifier": request.query.get("Qualifier"),
            "invokerContext": None if context is None else json.loads(base64.b64decode(context)),
        }

    def settle(self) -> None:
        self.endpoint.settle()

    def answer(self, payload: bytes) -> bytes | None:
        try:
            return json.dumps(json.loads(payload or b"{}")).encode()
        except ValueError:
            return None


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of the exam's own, which must not show."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", LambdaRig.secrets[0])
    monkeypatch.setenv("AWS_SESSION_TOKEN", LambdaRig.secrets[1])


class TestAwsProvider(ProviderContract):
    """AWS Lambda, on our own connections."""

    def rig(self) -> Rig:
        return LambdaRig()


class TestBotocoresOwnSession(ProviderContract):
    """The same, where botocore sends the requests itself."""

    @pytest.fixture(autouse=True)
    def _no_lane(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_lane, "connections_for", lambda *_: None)

    def rig(self) -> Rig:
        return LambdaRig()
