"""Streams and listings through the provider."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import Answer, LambdaEndpoint, document, event_frame, exception_frame, streamed

import fcall
from fcall import errors
from fcall.errors import Executed, FcallError
from fcall.testing.faults import Fault


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


@pytest.fixture(params=["lane", "botocore"])
def client(request: pytest.FixtureRequest, endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client for that endpoint, by the lane and by botocore's own session."""
    if request.param == "botocore":
        monkeypatch.setattr(fcall_aws._lane, "connections_for", lambda *_: None)
    with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url) as client:
        yield client


def _taken(pieces: Iterator[bytes]) -> tuple[list[bytes], FcallError | None]:
    """The pieces that came, and what was raised after them."""
    taken: list[bytes] = []
    try:
        taken.extend(pieces)
    except FcallError as error:
        return taken, error
    return taken, None


def _frames(*frames: bytes) -> Answer:
    headers = (("Content-Type", "application/vnd.amazon.eventstream"),)
    return Answer(200, headers, b"".join(frames))


def test_the_pieces_come_as_they_were_sent(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Each as it comes, none of them empty; and the connection serves the next call."""
    endpoint.answer_next(streamed([b"one", b"", b"two"]), streamed([b"3"]))

    assert [b"one", b"two"] == list(client.stream("echo", 1))
    assert [b"3"] == list(client.stream("echo", 1))
    assert 1 == endpoint.server.connections


def test_what_follows_the_last_event_is_not_waited_for(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """A server that then neither ends its answer nor hangs up delays the caller by a moment, and takes nothing away."""
    left = threading.Event()

    def body() -> Iterator[bytes]:
        yield from streamed([b"one"]).body  # type: ignore[misc]
        left.wait(15)

    endpoint.answer_next(Answer(200, streamed([]).headers, body()))
    begun = time.monotonic()
    pieces = list(client.stream("echo", 1, timeout=9))
    seconds = time.monotonic() - begun
    left.set()

    assert [b"one"] == pieces
    assert seconds < 6


def test_a_stream_without_its_end_is_a_failure(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """botocore's iterator just stops there, as if all had come."""
    endpoint.answer_next(_frames(event_frame("PayloadChunk", b"one")))
    pieces, error = _taken(client.stream("echo", 1))

    assert [b"one"] == pieces
    assert errors.ConnectionFailedError is type(error)
    assert Executed.YES is error.executed


@pytest.mark.parametrize(
    "frames",
    [
        [event_frame("PayloadChunk", b"one")[:-4]],
        [event_frame("PayloadChunk", b"one"), event_frame("PayloadChunk", b"two")[:10]],
        [event_frame("PayloadChunk", b"one"), b"\xff" * 200],
        [event_frame("PayloadChunk", b"one"), exception_frame("SomethingException", b"{}")],
        [b""],
    ],
    ids=["cut", "cut later", "corrupt", "exception", "empty"],
)
def test_a_broken_stream_is_a_failure(frames: list[bytes], client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Whatever botocore raises or does not raise for it: it broke off, and Lambda had answered, so the function ran."""
    endpoint.answer_next(_frames(*frames))
    _, error = _taken(client.stream("echo", 1))

    assert errors.ConnectionFailedError is type(error)
    assert Executed.YES is error.executed


def test_a_page_is_no_stream(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Something in between answered; it may have been after the function ran."""
    endpoint.server.inject(Fault.HTML_200)
    pieces, error = _taken(client.stream("echo", 1))

    assert [] == pieces
    assert errors.ProviderUnavailableError is type(error)
    assert Executed.MAYBE is error.executed


@pytest.mark.parametrize(
    ("code", "details", "expected", "message"),
    [
        ("Runtime.ExitError", "it ended", errors.FunctionCrashedError, "it ended"),
        ("ValueError", json.dumps({"errorMessage": "no", "errorType": "ValueError"}), errors.FunctionError, "no"),
        ("Sandbox.Timedout", "Task timed out after 3.00 seconds", errors.FunctionTimeoutError, "Task"),
    ],
)
def test_a_function_that_fails_midway_is_raised(
    code: str, details: str, expected: type[FcallError], message: str, client: fcall.Client, endpoint: LambdaEndpoint
) -> None:
    """botocore hands its failure over as one more event; here it is raised, with the log's end."""
    endpoint.answer_next(streamed([b"one"], error_code=code, error_details=details, log="LOG"))
    pieces, error = _taken(client.stream("echo", 1))

    assert [b"one"] == pieces
    assert expected is type(error)
    assert isinstance(error, errors.FunctionError)
    assert (code, "LOG") == (error.error_type, error.log_tail)
    assert error.error_message.startswith(message)
    assert Executed.YES is error.executed


def test_a_stream_that_is_left_lets_go(endpoint: LambdaEndpoint) -> None:
    """Whoever takes one piece and goes gives back the place of the call, and its connection is closed."""
    with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url, max_concurrency=1) as client:
        endpoint.answer_next(streamed([b"one", b"two"]))
        stream = client.stream("echo", 1)

        assert b"one" == next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert 1 == client.invoke("echo", 1, timeout=5).json()


def test_every_page_is_listed_lazily(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """A page is asked for when it is needed; an empty one with a marker is not the last."""
    pages = [{"Functions": [{"FunctionName": "a", "Runtime": "python3.13"}], "NextMarker": "2"}]
    pages += [{"Functions": [], "NextMarker": "3"}, {"Functions": [{"FunctionName": "b"}], "NextMarker": None}]
    endpoint.answer_next(*map(document, pages))
    functions = client.list_functions()

    assert 0 == len(endpoint.server.requests)
    first = next(functions)
    assert ("a", "a", "python3.13") == (first.name, first.provider_name, first.runtime)
    assert 1 == len(endpoint.server.requests)
    assert ["b"] == [function.name for function in functions]
    assert ["", "2", "3"] == [request.query.get("Marker", "") for request in endpoint.server.requests]


def test_pages_that_go_round_end(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """The same marker twice is an error, not an endless listing."""
    endpoint.answer_next(*[document({"Functions": [], "NextMarker": "2"})] * 3)

    with pytest.raises(errors.ProviderUnavailableError, match="repeat"):
        list(client.list_functions())


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((), b""),
        ((), b"{}"),
        ((), b'{"Functions": [{"FunctionName": "a"}'),
        ((), b"<html>sign in</html>"),
        ((("Content-Type", "text/html"),), b"<html>sign in</html>"),
    ],
    ids=["empty", "no list", "cut", "page", "html"],
)
def test_an_empty_listing_is_said_by_lambda_alone(
    headers: tuple[tuple[str, str], ...], body: bytes, client: fcall.Client, endpoint: LambdaEndpoint
) -> None:
    """botocore reads each of these as a page without functions; here they are errors, and no function was called."""
    endpoint.answer_next(*[Answer(200, headers, body)] * 3)
    with pytest.raises(errors.ProviderUnavailableError) as caught:
        list(client.list_functions())

    assert (Executed.NO, 200) == (caught.value.executed, caught.value.status_code)


def test_a_listing_that_fails_ran_nothing(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Whatever happened to it, no function was called."""
    endpoint.server.inject(Fault.CLOSE_BEFORE_ANSWER, always=True)
    with pytest.raises(errors.ConnectionFailedError) as caught:
        list(client.list_functions())

    assert Executed.NO is caught.value.executed
