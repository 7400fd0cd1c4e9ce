"""botocore's Stubber answers in its place, and leaves out what only a real answer has."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import boto3
import fcall_aws
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

import fcall
from fcall import errors
from fcall.errors import Executed

FAILURE = b'{"errorType": "ValueError", "errorMessage": "no"}'


@pytest.fixture
def own() -> Any:
    """The application's own boto3 client, which has nobody to talk to."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client("lambda", endpoint_url="http://127.0.0.1:1", config=config)


@pytest.fixture
def stubber(own: Any) -> Iterator[Stubber]:
    """What answers for it."""
    with Stubber(own) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def client(own: Any) -> Iterator[fcall.Client]:
    """An fcall client that calls through it."""
    with fcall.Client(plugins=[fcall_aws], provider="aws", client=own) as client:
        yield client


def _body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


def test_a_stubbed_answer_is_a_result(client: fcall.Client, stubber: Stubber) -> None:
    """It has no headers and no request id, only what the test gave it, and may have no payload."""
    stubber.add_response("invoke", {"StatusCode": 200, "Payload": _body(b'{"a": 1}')})
    stubber.add_response("invoke", {"StatusCode": 202})
    stubber.add_response("list_functions", {"Functions": [{"FunctionName": "resize"}]})

    assert {"a": 1} == client.invoke("resize", 1).json()
    assert 202 == client.enqueue("resize", 1).status_code
    assert ["resize"] == [function.name for function in client.list_functions()]


def test_a_stubbed_failure_is_raised(client: fcall.Client, stubber: Stubber) -> None:
    """A function's error stays one."""
    stubber.add_response("invoke", {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": _body(FAILURE)})
    with pytest.raises(errors.FunctionError, match="ValueError: no") as caught:
        client.invoke("resize", 1)

    assert Executed.YES is caught.value.executed


@pytest.mark.parametrize(
    ("code", "status", "expected", "executed"),
    [
        ("ResourceNotFoundException", 404, errors.FunctionNotFoundError, Executed.NO),
        ("ServiceException", 500, errors.ProviderUnavailableError, Executed.MAYBE),
        ("AccessDeniedException", 403, errors.AccessDeniedError, Executed.NO),
    ],
)
def test_a_stubbed_error_is_what_its_code_says(
    code: str,
    status: int,
    expected: type[errors.FcallError],
    executed: Executed,
    client: fcall.Client,
    stubber: Stubber,
) -> None:
    """Although nothing was on its way when it came."""
    stubber.add_client_error("invoke", code, "no", status)
    with pytest.raises(expected) as caught:
        client.invoke("resize", 1)

    assert (executed, code) == (caught.value.executed, caught.value.code)
