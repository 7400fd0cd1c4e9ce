"""The loopback endpoint lists, describes and queues as Lambda does, asked by boto3 alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fcall_aws.testing import LambdaEndpoint, document

NAMES = [f"function-{number:03}" for number in range(120)]


@pytest.fixture
def seen() -> list[Any]:
    """The events that any function got."""
    return []


@pytest.fixture
def endpoint(seen: list[Any]) -> Iterator[LambdaEndpoint]:
    """An endpoint with 120 functions."""

    def handler(event: Any, context: Any) -> None:
        seen.append(event)

    with LambdaEndpoint(dict.fromkeys(NAMES, handler), aliases={"prod": "4"}) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: LambdaEndpoint, bare: Callable[..., Any]) -> Any:
    """A plain boto3 client for it."""
    return bare(endpoint)


def test_a_listing_comes_in_pages_of_50(client: Any) -> None:
    """A page has 50 functions at most, whatever is asked for, and says where the next one begins."""
    pages = list(client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1000}))

    assert [50, 50, 20] == [len(page["Functions"]) for page in pages]
    assert NAMES == [function["FunctionName"] for page in pages for function in page["Functions"]]


def test_a_page_may_be_smaller(client: Any) -> None:
    """MaxItems makes a page smaller."""
    page = client.list_functions(MaxItems=3, Marker=NAMES[1])

    assert NAMES[2:5] == [function["FunctionName"] for function in page["Functions"]]
    assert NAMES[4] == page["NextMarker"]


def test_a_listed_function_is_described(client: Any) -> None:
    """A record of a listing has what boto3 knows of a function, but no state."""
    record = client.list_functions(MaxItems=1)["Functions"][0]

    assert "arn:aws:lambda:us-east-1:000000000000:function:function-000" == record["FunctionArn"]
    assert record["Runtime"].startswith("python3.")
    assert "State" not in record


def test_an_empty_page_need_not_be_the_last(client: Any, endpoint: LambdaEndpoint) -> None:
    """Canned pages can be as odd as the service's own."""
    endpoint.answer_next(document({"Functions": [], "NextMarker": NAMES[117]}))
    pages = client.get_paginator("list_functions").paginate()

    assert NAMES[118:] == [function["FunctionName"] for page in pages for function in page["Functions"]]


def test_one_function_is_described_with_its_state(client: Any) -> None:
    """GetFunction says what ListFunctions says, and the state."""
    configuration = client.get_function(FunctionName=NAMES[0], Qualifier="prod")["Configuration"]

    assert ("Active", "4", NAMES[0]) == tuple(configuration[key] for key in ("State", "Version", "FunctionName"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_function(FunctionName="missing")


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_the_old_way_to_queue_is_served(client: Any, endpoint: LambdaEndpoint, seen: list[Any]) -> None:
    """InvokeAsync queues an event, of 256 KB at most."""
    answer = client.invoke_async(FunctionName=NAMES[0], InvokeArgs=b'{"old": true}')
    endpoint.settle()

    assert 202 == answer["Status"]
    assert [{"old": True}] == seen
    with pytest.raises(ClientError, match="RequestEntityTooLargeException"):
        client.invoke_async(FunctionName=NAMES[0], InvokeArgs=b" " * 262_145)
