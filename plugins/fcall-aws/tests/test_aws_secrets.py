"""No secret and no payload in what is shown: messages, reprs, causes and logs of failures that repeat them."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

import fcall_aws
import pytest
from fcall_aws.testing import Answer, LambdaEndpoint, error_answer

import fcall
from fcall.errors import FcallError

CANARIES = ("CANARYKEY", "CANARYSECRET", "CANARYTOKEN", "canary-payload")
PAYLOAD = b'"canary-payload"'


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[fcall.Client, LambdaEndpoint]]:
    """A client whose credentials are canaries, and the endpoint that it calls."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "CANARYKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARYSECRET")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "CANARYTOKEN")
    with (
        LambdaEndpoint({"echo": lambda event, context: event}) as endpoint,
        fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url) as client,
    ):
        yield client, endpoint


CANONICAL = "The Canonical String should have been 'POST x-amz-security-token:CANARYTOKEN Credential=CANARYKEY/2026'"
REPEATING = [
    error_answer("InvalidSignatureException", CANONICAL, status=403),
    error_answer("SignatureDoesNotMatch", CANONICAL, status=403),
    error_answer("UnrecognizedClientException", CANONICAL, status=403),
    error_answer("ExpiredTokenException", CANONICAL, status=403),
    error_answer("InvalidRequestContentException", "Unrecognized token 'canary-payload'", status=400),
    Answer(413, (("Content-Type", "text/html"),), b"<html>canary-payload CANARYTOKEN</html>"),
    Answer(502, (), b"canary-payload CANARYTOKEN"),
    Answer(500, (("Content-Type", "application/json"),), b'["canary-payload", "CANARYTOKEN"]'),
    Answer(200, (("Content-Type", "text/html"),), b"<html>canary-payload CANARYTOKEN</html>"),
    Answer(300, (("Location", "http://127.0.0.1:1/?CANARYTOKEN"),), b"canary-payload"),
]


@pytest.mark.parametrize("answer", REPEATING, ids=lambda answer: str(answer.status))
def test_an_answer_that_repeats_secrets_is_not_repeated(
    answer: Answer, client: tuple[fcall.Client, LambdaEndpoint], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the error nor in the whole chain behind it, as it is printed, nor in the log."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "fcall")
    calling, endpoint = client
    endpoint.answer_next(*[answer] * 3)
    with pytest.raises(FcallError) as caught:
        calling.invoke("echo", payload=PAYLOAD)
    shown = [str(caught.value), repr(caught.value), caplog.text, *traceback.format_exception(caught.value)]

    assert [] == [canary for canary in CANARIES for text in shown if canary in text]


def test_nothing_of_the_provider_shows_them(client: tuple[fcall.Client, LambdaEndpoint]) -> None:
    """Options, results and what is made for a call."""
    calling, _ = client
    result = calling.invoke("echo", payload=PAYLOAD)
    options = fcall_aws.AwsOptions(profile="p")
    shown = [repr(result), repr(options), repr(list(calling._router._made.values())), str(dict(result.headers))]

    assert [] == [canary for canary in CANARIES for text in shown if canary in text]
