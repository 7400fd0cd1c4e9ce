"""Every error code of the service can be sent, and boto3 reads it as that code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session
from fcall_aws.testing import LambdaEndpoint, error_answer
from fcall_aws.testing._errors import LOWER_CASE_MESSAGE, STATUS

OPERATIONS = ("Invoke", "InvokeWithResponseStream", "ListFunctions", "GetFunction", "InvokeAsync")


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


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
def test_boto3_reads_the_code(endpoint: LambdaEndpoint, bare: Callable[..., Any], code: str) -> None:
    """An error answer comes out of boto3 with its code, its message and its status."""
    endpoint.answer_next(error_answer(code, "in words"))
    with pytest.raises(ClientError) as caught:
        bare(endpoint).invoke(FunctionName="echo")

    assert {"Code": code, "Message": "in words"}.items() <= caught.value.response["Error"].items()
    assert STATUS[code] == caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
