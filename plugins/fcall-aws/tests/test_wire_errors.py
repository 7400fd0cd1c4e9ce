"""Every error code of the service can be sent, and boto3 reads it as that code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from fcall_aws._service._errors import LOWER_CASE_MESSAGE, STATUS
from fcall_aws.testing import LambdaEndpoint, error_answer

OPERATIONS = ("Invoke", "InvokeWithResponseStream", "ListFunctions", "GetFunction", "InvokeAsync")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def client(endpoint: LambdaEndpoint) -> Iterator[Any]:
    """A plain boto3 client for it, one for all."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    with closing(boto3.Session().client("lambda", endpoint_url=endpoint.url, config=config)) as client:
        yield client


def _modelled() -> dict[str, Any]:
    model = Session().get_service_model("lambda")
    return {shape.name: shape for operation in OPERATIONS for shape in model.operation_model(operation).error_shapes}


def test_every_modelled_error_has_its_status() -> None:
    """The statuses are those of the service model that is installed."""
    modelled = {name: shape.metadata["error"]["httpStatusCode"] for name, shape in _modelled().items()}

    assert modelled == {name: STATUS.get(name) for name in modelled}


def test_every_modelled_error_spells_its_message_as_the_model_does() -> None:
    """The member of the body that holds the message has the model's spelling."""
    modelled = {name for name, shape in _modelled().items() if "message" in shape.members}

    assert modelled == LOWER_CASE_MESSAGE & _modelled().keys()


@pytest.mark.parametrize("code", sorted(STATUS))
def test_boto3_reads_the_code(endpoint: LambdaEndpoint, client: Any, code: str) -> None:
    """An error answer comes out of boto3 with its code, its message and its status."""
    endpoint.answer_next(error_answer(code, "in words"))
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="echo")

    assert {"Code": code, "Message": "in words"}.items() <= caught.value.response["Error"].items()
    assert STATUS[code] == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
